/**
 * A map for states, of which each change makes a new one. It stands in parts by the last character of its keys, and a change
 * copies one of them: a state may know ten thousand things, and is made anew with every event about one of them.
 */
type Parts<Value> = Readonly<Record<string, ReadonlyMap<string, Value>>>

const partOf = (key: string): string => key.slice(-1)

export class PartedMap<Value> implements Iterable<[string, Value]> {
  readonly size: number
  private readonly parts: Parts<Value>

  /** Without arguments: an empty one. */
  constructor(parts: Parts<Value> = {}, size = 0) {
    this.parts = parts
    this.size = size
  }

  get(key: string): Value | undefined {
    return this.parts[partOf(key)]?.get(key)
  }

  has(key: string): boolean {
    return this.parts[partOf(key)]?.has(key) ?? false
  }

  with(key: string, value: Value): PartedMap<Value> {
    const part = new Map(this.parts[partOf(key)]).set(key, value)
    return new PartedMap({ ...this.parts, [partOf(key)]: part }, this.has(key) ? this.size : this.size + 1)
  }

  without(key: string): PartedMap<Value> {
    if (!this.has(key)) return this
    const part = new Map(this.parts[partOf(key)])
    part.delete(key)
    return new PartedMap({ ...this.parts, [partOf(key)]: part }, this.size - 1)
  }

  /** Part by part; within one in the order in which they came. */
  *[Symbol.iterator](): Generator<[string, Value], undefined> {
    for (const part of Object.values(this.parts)) yield* part
  }

  values(): IteratorObject<Value> {
    return Iterator.from(this).map(([, value]) => value)
  }
}
