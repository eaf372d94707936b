/**
 * A set for states, of which each change makes a new one. It stands in parts by the last character of its members, so that a
 * change copies a part alone.
 */
export type PartedSet = Readonly<Record<string, ReadonlySet<string>>>

export const EMPTY_SET: PartedSet = {}

const partOf = (member: string): string => member.slice(-1)

export const hasMember = (set: PartedSet, member: string): boolean => set[partOf(member)]?.has(member) ?? false

export const withMember = (set: PartedSet, member: string): PartedSet => ({
  ...set,
  [partOf(member)]: new Set(set[partOf(member)]).add(member),
})
