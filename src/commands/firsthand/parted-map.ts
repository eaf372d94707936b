/**
 * A map in parts by the last character of its ids. A wallet may know ten thousand jobs, and each change makes a new state;
 * so a change copies one of 32 parts.
 */
export type PartedMap<Value> = Readonly<Record<string, ReadonlyMap<string, Value>>>

const partOf = (id: string): string => id.slice(-1)

export const entryOf = <Value>(parted: PartedMap<Value>, id: string): Value | undefined => parted[partOf(id)]?.get(id)

/** Undefined: no more. */
export function withEntry<Value>(parted: PartedMap<Value>, id: string, value: Value | undefined): PartedMap<Value> {
  const part = new Map(parted[partOf(id)])
  if (value === undefined) part.delete(id)
  else part.set(id, value)
  return { ...parted, [partOf(id)]: part }
}
