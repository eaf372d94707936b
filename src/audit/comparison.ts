/**
 * The log against an export of it that was kept elsewhere: whatever was exported must still stand in its place, to the
 * byte and to the tick. Unlike a seal it names the event. What the export does not hold is not its business. A line is
 * taken for what stands in it: the leaf that it states is only held against it, since whoever alters the one can leave
 * the other as it was.
 */
import type { ExportedEvent } from './export.ts'
import { leafOf } from './merkle.ts'
import type { RawEvent } from './raw-log.ts'
import { isSealed } from './seal.ts'
import type { Finding } from './verifier.ts'

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
      // Heartbeats come and go.
    } while (next && !isSealed(next))
  }

  const tellOf = ({ stream, revision, position, type }: RawEvent, detail: string) =>
    tell({ kind: 'export', stream, revision, position, type, detail })
  const missing = (exported: ExportedEvent) =>
    tellOf(exported, 'it was exported, and does not stand in its place any more')

  return {
    async add(event) {
      if (!hasBegun) await advance()
      for (; next && next.position < event.position; await advance()) missing(next)
      if (!next || next.position !== event.position) return
      compared += 1
      const exported = leafOf(next).toString('hex')
      if (leafOf(event).toString('hex') !== exported) tellOf(event, alteredOf(event, next))
      else if (exported !== next.statedLeaf) tellOf(event, 'its line in the export was altered: the leaf is another')
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
  const isSame = event.stream === exported.stream && event.revision === exported.revision
  return isSame
    ? 'it is not what was exported'
    : `it is not what was exported, which was ${exported.stream} ${exported.revision}`
}
