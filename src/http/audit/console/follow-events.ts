/** New events of the log as rows, for those who follow it: one look at the log's end for all of them. */
import { setTimeout as delay } from 'node:timers/promises'
import { html } from 'hono/html'
import { describeIn, type Ground } from '../../../audit/history.ts'
import { type EventFilter, fitting } from '../../../audit/newest.ts'
import type { RawEvent } from '../../../audit/raw-log.ts'
import type { Asked, LiveRow } from '../../pages/declaration.ts'
import { rowOf } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { seesEverything, shownEvent, shownPosition } from '../positions.ts'
import { eventColumns, filterOf, pathOfEvent } from './events.ts'
import { auditorOf, groundFor, readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

/** Between two looks at what is new. */
const LOOK_INTERVAL_MS = 500
/** Events that one look takes in at most: a follower that is far behind goes on with the next one. */
const LOOK_EVENTS_MAX = 1_000

const openPlace = (asked: Audit, text: string | undefined): bigint | undefined => {
  if (text === undefined) return undefined
  if (seesEverything(auditorOf(asked)) && /^\d{1,19}$/.test(text)) return BigInt(text)
  return asked.sealer.openPosition(text)
}

export async function* followEvents(
  asked: Audit,
  after: string | undefined,
  signal: AbortSignal,
): AsyncIterable<LiveRow> {
  const filter: EventFilter = { ...filterOf(asked), since: undefined, until: undefined }
  const fits = fitting(filter)
  const question = { type: 'audit.EventsRead.v1' as const, data: { filters: 'follow' } }
  const begun = await reading(asked, question, async ({ log }) => ({
    answer: { head: await log.head() },
    last: undefined,
  }))
  let last = openPlace(asked, after) ?? begun?.head
  const ground = await groundFor(asked)
  const reader = readerOf(asked)
  while (!signal.aborted) {
    const found: RawEvent[] = []
    let seen = 0
    for await (const event of ground.log.readAll(last)) {
      last = event.position
      seen += 1
      if (fits(event)) found.push(event)
      if (seen >= LOOK_EVENTS_MAX || signal.aborted) break
    }
    for (const event of await ground.scope.admit(found)) {
      asked.parts.places.set(event.id, event.position)
      const shown = shownEvent(reader, await describeIn(ground as Ground, event))
      const row = rowOf(eventColumns, shown, pathOfEvent(event.id))
      yield { id: shownPosition(reader, event.position), row: html`${row}` }
    }
    if (seen < LOOK_EVENTS_MAX) await delay(LOOK_INTERVAL_MS, undefined, { signal }).catch(() => undefined)
  }
}
