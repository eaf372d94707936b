/** The log from its end: the newest events that fit, a page at a time, within a budget. */
import { categoryOf, metadataSchema } from '../events/event.ts'
import { HEARTBEAT } from '../events/registry.ts'
import { isOthers } from './chain.ts'
import { describeIn, type Ground } from './history.ts'
import { isAfter, type Moment } from './moment.ts'
import { membersOf, type RawEvent } from './raw-log.ts'
import { type DescribedEvent, mentions, needleOf } from './timeline.ts'

/** What events have to be like. */
export interface EventFilter {
  /** How their types begin. */
  type?: string | undefined
  stream?: string | undefined
  category?: string | undefined
  /** Who caused them: an id or a kind. */
  actor?: string | undefined
  /** Of one event alone. */
  eventId?: string | undefined
  /** An id that stands in them. */
  mentions?: string | undefined
  since?: Moment | undefined
  until?: Moment | undefined
}

export interface NewestPage {
  /** Newest first. */
  described: DescribedEvent[]
  /** The first event that was looked at, and the last; undefined: none. */
  first: bigint | undefined
  last: bigint | undefined
  /** Nothing that was to be seen is left. */
  isFinished: boolean
}

/** Events that are asked about together, whose they are. */
const SLICE_EVENTS = 128

/** Whether an event fits, but for its time. */
export function fitting({
  type = '',
  stream,
  category,
  actor,
  eventId,
  mentions: id,
}: EventFilter): (event: RawEvent) => boolean {
  const needles = id === undefined ? [] : [needleOf(id)]
  const isMeant = (event: RawEvent) =>
    event.id === id ||
    mentions(event.data, needles) ||
    mentions(event.metadata, needles) ||
    event.stream.endsWith(`-${id}`)
  const isBy = (event: RawEvent) => {
    const by = metadataSchema.shape.actor.safeParse(membersOf(event.metadata).actor).data
    return by?.id === actor || by?.kind === actor || by?.keyId === actor
  }
  return (event) =>
    event.type !== HEARTBEAT &&
    event.type.startsWith(type) &&
    (eventId === undefined || event.id === eventId) &&
    (stream === undefined || event.stream === stream) &&
    (category === undefined || categoryOf(event.stream) === category) &&
    (actor === undefined || isBy(event)) &&
    (id === undefined || isMeant(event))
}

/** At most `eventsMax` events before a position (undefined: the newest). Throws PersonKeysUnavailable. */
export async function readNewest(
  ground: Ground,
  filter: EventFilter,
  before: bigint | undefined,
  eventsMax: number,
): Promise<NewestPage> {
  const { log, budget } = ground
  const { since, until } = filter
  const fits = fitting(filter)
  const described: DescribedEvent[] = []
  let first: bigint | undefined
  let last: bigint | undefined
  const slice: RawEvent[] = []
  /** The position of the event that fills the page, where one does. */
  const take = async (): Promise<bigint | undefined> => {
    const admitted = await ground.scope.admit(slice.splice(0))
    for (const event of admitted) {
      described.push(await describeIn(ground, event))
      await budget.breath()
      if (described.length >= eventsMax) return event.position
    }
    return undefined
  }
  let seen = 0
  for await (const event of log.readBack(before)) {
    if (since && !isAfter(event, since)) break
    budget.spend()
    await budget.breath()
    seen += 1
    last = event.position
    first ??= last
    if (fits(event) && !(until && isAfter(event, until)) && !isOthers(event, log.registry)) slice.push(event)
    if (seen % SLICE_EVENTS !== 0 && slice.length < eventsMax) continue
    const full = await take()
    if (full !== undefined) return { described, first, last: full, isFinished: false }
    if (budget.isSpent()) return { described, first, last, isFinished: false }
  }
  const full = await take()
  const isFinished = full === undefined
  return { described, first, last: full ?? last, isFinished }
}
