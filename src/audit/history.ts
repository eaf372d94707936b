/**
 * The history of one thing, in pages. A page ends when it is full or when its budget is spent; what the next one has to
 * know is small: where to go on, where to end, and which streams to read again to know the thing by all its ids.
 */
import type { PersonKeys } from '../events/sealing.ts'
import { isOthers } from './chain.ts'
import type { AuditRules } from './declarations.ts'
import { auditOpening } from './personal.ts'
import { membersOf, type RawEvent, type RawLog } from './raw-log.ts'
import { type Budget, walk } from './scan.ts'
import type { Scope } from './scope.ts'
import { createTimeline, type DescribedEvent, describeEvent, type Timeline } from './timeline.ts'

export interface Ground {
  log: RawLog
  scope: Scope
  budget: Budget
  /** What the contexts declare. */
  rules: AuditRules
  /** Undefined: personal fields are shown as sealed. */
  personKeys?: PersonKeys | undefined
  /** Types of events in which they are shown as sealed all the same. */
  isSealed?: (type: string) => boolean
  onProgress?: (position: bigint) => void
}

/** Where a question is taken up again. */
export interface Continuation {
  /** The last event that was looked at. */
  after: bigint | undefined
  /** The last that the question is about: the log's end when it was asked first. */
  until: bigint
  /** Streams that the thing's ids were learnt from. */
  teachers: readonly string[]
}

export interface HistoryPage {
  described: DescribedEvent[]
  /** Undefined: the history ends here. */
  next: Continuation | undefined
  last: bigint | undefined
}

/** A new question, about everything up to the log's present end. */
export const firstContinuation = async (log: RawLog): Promise<Continuation> => ({
  after: undefined,
  until: (await log.head()) ?? 0n,
  teachers: [],
})

/** At most `eventsMax` events of the thing, in the log's order. */
export async function readHistory(
  ground: Ground,
  thing: string,
  from: Continuation,
  eventsMax: number,
): Promise<HistoryPage> {
  const { log, budget, onProgress } = ground
  const timeline = await recalled(ground, thing, from)
  const described: DescribedEvent[] = []
  const { last, isFinished } = await walk(
    log,
    {
      after: from.after,
      isPast: ({ position }) => position > from.until,
      isEnough: () => described.length >= eventsMax,
      ...(onProgress ? { onProgress } : {}),
    },
    budget,
    (event) => {
      if (timeline.concerns(event)) return takeAdmitted(ground, timeline, event, (found) => described.push(found))
    },
  )
  const next = isFinished ? undefined : { after: last, until: from.until, teachers: [...timeline.teachers()] }
  return { described, next, last }
}

/** Nothing is learnt from what must not be seen. */
export async function takeAdmitted(
  ground: Ground,
  timeline: Timeline,
  event: RawEvent,
  use: (described: DescribedEvent) => void,
): Promise<void> {
  if (isOthers(event, ground.log.registry)) return
  const admitted = await ground.scope.admit([event])
  if (admitted.length === 0) return
  const described = await describeIn(ground, event)
  timeline.take(described)
  use(described)
}

/** The event, decoded with the keys of the persons in it. Throws PersonKeysUnavailable. */
export async function describeIn(ground: Ground, raw: RawEvent): Promise<DescribedEvent> {
  const { registry } = ground.log
  const keys = ground.isSealed?.(raw.type) ? undefined : ground.personKeys
  const opening = await auditOpening({ type: raw.type, data: membersOf(raw.data) }, keys, registry)
  return describeEvent(raw, registry, opening)
}

/** More events make the answer than one question may read. */
export class QuestionTooLarge extends Error {
  override name = 'QuestionTooLarge'
}

/** Events that a page may read again whatever its budget: without them it would not come on. */
const RECALLED_EVENTS_MIN = 1_000

/** The timeline as it was where the question was left. Throws QuestionTooLarge. */
export async function recalled(ground: Ground, thing: string, { after, teachers }: Continuation): Promise<Timeline> {
  const timeline = createTimeline(thing, ground.rules)
  if (after === undefined) return timeline
  let read = 0
  // In the log's order, as far as one stream teaches what makes another one known.
  for (const stream of teachers) {
    for await (const event of ground.log.readStream(stream)) {
      if (event.position > after) break
      ground.budget.spend()
      await ground.budget.breath()
      read += 1
      if (read > RECALLED_EVENTS_MIN && ground.budget.isSpent()) {
        throw new QuestionTooLarge('more events have to be read again for this than one request may read')
      }
      if (timeline.concerns(event)) await takeAdmitted(ground, timeline, event, () => undefined)
    }
  }
  return timeline
}
