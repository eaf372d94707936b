/**
 * The event store as plain arrays: what each operation must answer and what each reader must see, written from the
 * protocol's rules and independent of the node's code.
 */
export type Expected = 'any' | 'no_stream' | 'stream_exists' | bigint
export type Outcome = { kind: 'ok'; revision: number } | { kind: 'wrong' } | { kind: 'deleted' }

type ModelStream = {
  ids: string[]
  tombstoned: boolean
  softDeleted: boolean
  hasMetadata: boolean
  truncateBefore: number
  maxCount: number | undefined
}

export class Model {
  /** Every event ever written, in the order of $all, as `stream/id`. */
  readonly all: string[] = []
  private readonly streams = new Map<string, ModelStream>()

  private stream(name: string): ModelStream {
    const known = this.streams.get(name)
    if (known) return known
    const stream: ModelStream = {
      ids: [],
      tombstoned: false,
      softDeleted: false,
      hasMetadata: false,
      truncateBefore: 0,
      maxCount: undefined,
    }
    this.streams.set(name, stream)
    return stream
  }

  lastRevision(name: string): number {
    return this.stream(name).ids.length - 1
  }

  private judge(stream: ModelStream, expected: Expected, ids: readonly string[]): Outcome | 'write' {
    const last = stream.ids.length - 1
    if (stream.tombstoned) return { kind: 'deleted' }
    if (expected === 'stream_exists') {
      if (stream.softDeleted) return { kind: 'deleted' }
      if (last < 0 && !stream.hasMetadata) return { kind: 'wrong' }
    }
    if (expected === 'any' || expected === 'stream_exists') {
      const found = ids.map((id) => stream.ids.indexOf(id))
      if (found.length === 0 || found[0] === -1) return 'write'
      return found.includes(-1) ? { kind: 'wrong' } : { kind: 'ok', revision: found.at(-1)! }
    }
    const from = expected === 'no_stream' ? -1 : Number(expected)
    if (from === last) return 'write'
    if (from > last) return { kind: 'wrong' }
    const matching = ids.filter((id, index) => stream.ids[from + 1 + index] === id).length
    if (ids.length > 0 && matching === ids.length) return { kind: 'ok', revision: from + ids.length }
    const beginsAnew = expected === 'no_stream' && stream.softDeleted && stream.ids[0] !== ids[0]
    return beginsAnew ? 'write' : { kind: 'wrong' }
  }

  append(name: string, expected: Expected, ids: readonly string[]): Outcome {
    const stream = this.stream(name)
    const verdict = this.judge(stream, expected, ids)
    if (verdict !== 'write') return verdict
    if (stream.softDeleted) {
      stream.truncateBefore = stream.ids.length
      stream.softDeleted = false
    }
    stream.ids.push(...ids)
    this.all.push(...ids.map((id) => `${name}/${id}`))
    return { kind: 'ok', revision: stream.ids.length - 1 }
  }

  delete(name: string, expected: Expected): Outcome {
    const stream = this.stream(name)
    const verdict = this.judge(stream, expected, [])
    if (verdict !== 'write') return verdict
    if (stream.ids.length === 0 && !stream.hasMetadata) return { kind: 'wrong' }
    stream.softDeleted = true
    stream.hasMetadata = true
    stream.maxCount = undefined
    return { kind: 'ok', revision: -1 }
  }

  tombstone(name: string, expected: Expected): Outcome {
    const stream = this.stream(name)
    const verdict = this.judge(stream, expected, [])
    if (verdict !== 'write') return verdict
    stream.tombstoned = true
    return { kind: 'ok', revision: -1 }
  }

  setMetadata(name: string, metadata: { maxCount?: number; truncateBefore?: number }): Outcome {
    const stream = this.stream(name)
    if (stream.tombstoned) return { kind: stream.hasMetadata ? 'ok' : 'deleted', revision: -1 }
    stream.maxCount = metadata.maxCount
    // What was deleted stays away.
    stream.truncateBefore = stream.softDeleted ? stream.ids.length : (metadata.truncateBefore ?? 0)
    stream.softDeleted = false
    stream.hasMetadata = true
    return { kind: 'ok', revision: -1 }
  }

  /** What a reader sees: revisions and ids, or why there is nothing to see. */
  visible(name: string): 'missing' | 'deleted' | Array<{ revision: number; id: string }> {
    const stream = this.stream(name)
    if (stream.tombstoned) return 'deleted'
    if (stream.ids.length === 0 || stream.softDeleted) return 'missing'
    const byCount = stream.maxCount === undefined ? 0 : stream.ids.length - stream.maxCount
    const first = Math.max(0, byCount, stream.truncateBefore)
    return stream.ids.map((id, revision) => ({ revision, id })).slice(first)
  }
}
