/**
 * The log against an export of it that was kept elsewhere: whatever was exported must still stand in its place, to the
 * byte and to the tick. Unlike a seal it names the event. What the export does not hold is not its business.
 */
import { leafOf } from './merkle.ts'
import type { RawEvent } from './raw-log.ts'
import type { Finding } from './verifier.ts'

/** What is needed of an export's line (exportLine). */
export interface ExportedEvent {
  position: string
  stream: string
  revision: string
  type: string
  /** Null for heartbeats, which come and go. */
  leaf: string | null
}

export interface Comparison {
  /** The log's events in order; to be awaited before the next one. */
  add(event: RawEvent): Promise<void>
  /** At the log's end. Answers how many events were compared. */
  finish(): Promise<number>
}

export function createComparison(lines: AsyncIterable<ExportedEvent>, tell: (finding: Finding) => void): Comparison {
  const source = lines[Symbol.asyncIterator]()
  let compared = 0
  let next: ExportedEvent | undefined
  let hasBegun = false

  async function advance(): Promise<void> {
    hasBegun = true
    do {
      const { value, done } = await source.next()
      next = done ? undefined : value
    } while (next?.leaf === null)
  }

  const missing = ({ position, stream, revision, type }: ExportedEvent) =>
    tell({
      kind: 'export',
      stream,
      revision: BigInt(revision),
      position: BigInt(position),
      type,
      detail: 'it was exported, and does not stand in its place any more',
    })

  return {
    async add(event) {
      if (!hasBegun) await advance()
      for (; next && BigInt(next.position) < event.position; await advance()) missing(next)
      if (!next || BigInt(next.position) !== event.position) return
      compared += 1
      if (leafOf(event).toString('hex') !== next.leaf) {
        const { stream, revision, position, type } = event
        tell({ kind: 'export', stream, revision, position, type, detail: alteredOf(event, next) })
      }
      await advance()
    },
    async finish() {
      if (!hasBegun) await advance()
      for (; next; await advance()) missing(next)
      return compared
    },
  }
}

function alteredOf(event: RawEvent, exported: ExportedEvent): string {
  const isSame = event.stream === exported.stream && `${event.revision}` === exported.revision
  return isSame
    ? 'it is not what was exported'
    : `it is not what was exported, which was ${exported.stream} ${exported.revision}`
}
