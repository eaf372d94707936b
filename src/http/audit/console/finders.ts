/** What the log itself finds: a stream by its name, an event that a list has shown, the event at a position. */
import type { RawEvent } from '../../../audit/raw-log.ts'
import type { Asked, Finder, Hit } from '../../pages/declaration.ts'
import { ALL_OPERATORS, type AuditParts } from '../access.ts'
import { auditorOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

const STREAM = /^[a-z]+\.\w+-.{1,480}$/
const POSITION = /^\d{4,19}$/

/** The event that the text leads to, if the viewer may see it. */
async function eventOf(asked: Audit, find: (log: AuditParts['log']) => Promise<RawEvent | undefined>, text: string) {
  const question = { type: 'audit.EventsRead.v1' as const, data: { filters: `find=${text}`.slice(0, 500) } }
  return reading(asked, question, async ({ log, scope }) => {
    const event = await find(log)
    const [answer] = event ? await scope.admit([event]) : []
    return { answer, last: answer?.position }
  })
}

const hitOf = (event: RawEvent): Hit => ({ kind: 'event', name: event.type, path: `/events/${event.id}` })

export const streamFinder: Finder<AuditParts> = {
  kind: 'streams',
  async find(asked, text) {
    if (!STREAM.test(text)) return []
    const first = await eventOf(asked, async (log) => (await Array.fromAsync(log.readStream(text, 0n, 1n)))[0], text)
    return first ? [{ kind: 'stream', name: text, path: `/streams/${encodeURIComponent(text)}` }] : []
  },
}

export const eventFinder: Finder<AuditParts> = {
  kind: 'events',
  async find(asked, text) {
    const place = asked.parts.places.get(text.toLowerCase()) ?? positionIn(asked, text)
    if (place === undefined) return []
    const event = await eventOf(asked, (log) => log.at(place), text)
    return event ? [hitOf(event)] : []
  },
}

/** In clear it is taken of those alone who see everything. */
const positionIn = (asked: Audit, text: string): bigint | undefined => {
  if (!POSITION.test(text)) return undefined
  return auditorOf(asked).operatorId === ALL_OPERATORS ? BigInt(text) : undefined
}
