/**
 * Sends the log to the events stream: every event at least once, each account's in order, from a cursor that is kept
 * in the log's database. Many are in flight at once; the stream keeps the order in which they were handed over.
 *
 * When a publish fails, sending stops until all in flight have settled and the stream is back, and then goes on from
 * the first event without an acknowledgement. Events behind a failed one of the same account may be stored already,
 * ahead of it: they are sent again after it under fresh message ids, since the broker would swallow the old ones.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { MessageStream } from '../gateway/stream.ts'
import type { Log } from '../log.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { createRepeater } from './repeater.ts'
import type { StoredEvent, Wal } from './wal.ts'

export interface PublisherOptions {
  wal: Wal
  stream: MessageStream
  log: Log
  publishesInFlightMax: number
  /** Least time between two writes of the cursor. */
  cursorSaveIntervalMs: number
  /** How often a lost stream is looked at. */
  streamPollMs: number
  /** Repetitions waiting at once; more are refused. */
  repeatsQueuedMax: number
}

export interface Publisher {
  /** New events, in log order. Where they are not the next to be sent, they are read from the log in their turn. */
  take(events: readonly StoredEvent[]): void
  /**
   * Sends recorded events of an account once more, under fresh message ids; those not acknowledged yet are left to
   * the normal course. Rejects where the stream does not take them.
   */
  repeat(accountId: string, fromSequence: number, toSequence: number): Promise<void>
  /** Position up to which everything is acknowledged. */
  published(): bigint
  /** Waits, at most this long, until everything is acknowledged; then stops and saves the cursor. */
  close(drainMs: number): Promise<void>
}

interface Sent {
  accountId: string
  /** stale: stored ahead of an event that had failed, and not sent again since. */
  state: 'in_flight' | 'acknowledged' | 'failed' | 'stale'
}

/** What a failure left behind the cursor. */
interface Repair {
  until: bigint
  sent: Map<bigint, Sent>
  /** Accounts of which an event is being sent again, so that all behind it must be as well. */
  broken: Set<string>
}

const pageEvents = 256

export function startPublisher(options: PublisherOptions): Publisher {
  const { wal, stream, log } = options
  const freshId = freshMessageIds()
  /** Everything behind this position is acknowledged. */
  let settled = wal.published()
  let handedOver = settled
  /** Where the log ends; all that is added to it is given to `take`. */
  let logged = wal.head()
  const unsettled = new Map<bigint, Sent>()
  let repair: Repair | undefined
  let failed = false
  let stopping = false
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const resume of waiting) resume()
    waiting.clear()
  }
  const woken = () => new Promise<void>((resolve) => waiting.add(resolve))
  const cursor = cursorSaver(options, () => settled)

  const settle = () => {
    for (let next = unsettled.get(settled + 1n); next?.state === 'acknowledged'; next = unsettled.get(settled + 1n)) {
      settled += 1n
      unsettled.delete(settled)
    }
    cursor.schedule()
    wake()
  }

  const send = (event: StoredEvent, messageId: string) => {
    const sent: Sent = { accountId: event.accountId, state: 'in_flight' }
    unsettled.set(event.position, sent)
    stream.publish('events', event.accountId, messageId, Buffer.from(event.body)).then(
      () => {
        crashPoint('engine.after-publish', event.body)
        sent.state = 'acknowledged'
        settle()
      },
      (error: unknown) => {
        sent.state = 'failed'
        if (!failed) log.warn({ err: error, position: `${event.position}` }, 'events wait: the stream did not take one')
        failed = true
        settle()
      },
    )
  }

  /** Sends one event in the normal course, or mends what a failure left behind. */
  const handOver = (event: StoredEvent) => {
    handedOver = event.position
    const before = repair?.sent.get(event.position)
    repair?.sent.delete(event.position)
    if (repair?.broken.has(event.accountId) && event.position <= repair.until) {
      send(event, freshId(event.eventId))
    } else if (before?.state === 'acknowledged') {
      unsettled.set(event.position, before)
    } else {
      if (before !== undefined) repair?.broken.add(event.accountId)
      send(event, before?.state === 'stale' ? freshId(event.eventId) : event.eventId)
    }
  }

  const take = (events: readonly StoredEvent[]) => {
    logged = events.at(-1)?.position ?? logged
    const isNext = events[0]?.position === handedOver + 1n
    const hasRoom = unsettled.size + events.length <= options.publishesInFlightMax
    if (isNext && hasRoom && !failed && !stopping) for (const event of events) handOver(event)
    else wake()
  }

  const recover = async () => {
    while ([...unsettled.values()].some((sent) => sent.state === 'in_flight')) await woken()
    do await delay(options.streamPollMs)
    while (!stream.isUp() && !stopping)
    repair = repairAfter(repair, unsettled, handedOver)
    unsettled.clear()
    handedOver = settled
    failed = false
  }

  const sendNext = async () => {
    if (failed) await recover()
    const room = options.publishesInFlightMax - unsettled.size
    const events = room > 0 && handedOver < logged ? wal.eventsAfter(handedOver, Math.min(room, pageEvents)) : []
    for (const event of events) handOver(event)
    if (events.length > 0) settle()
    else await woken()
  }
  const run = async () => {
    while (!stopping) {
      await sendNext().catch(async (error: unknown) => {
        log.error({ err: error }, 'the log could not be read for publishing; trying again')
        await delay(options.streamPollMs)
      })
    }
  }
  const running = run()
  const repeater = createRepeater({ ...options, freshId, settled: () => settled })

  return {
    take,
    repeat: repeater.repeat,
    published: () => settled,
    async close(drainMs) {
      const untilMs = performance.now() + drainMs
      while (settled < logged && performance.now() < untilMs && !failed) await Promise.race([woken(), delay(20)])
      stopping = true
      repeater.close()
      wake()
      await running
      cursor.close()
    },
  }
}

/** Adds what is known of this failure to what an earlier one left that has not been mended yet. */
function repairAfter(earlier: Repair | undefined, unsettled: Map<bigint, Sent>, handedOver: bigint): Repair {
  const sent = new Map<bigint, Sent>(unsettled)
  for (const [position, before] of earlier?.sent ?? []) {
    const stale = earlier?.broken.has(before.accountId) && before.state === 'acknowledged'
    sent.set(position, stale ? { ...before, state: 'stale' } : before)
  }
  const until = earlier !== undefined && earlier.until > handedOver ? earlier.until : handedOver
  return { until, sent, broken: new Set() }
}

/** Writes the cursor down now and then; an old one only means that some events are sent twice after a restart. */
function cursorSaver(options: PublisherOptions, settled: () => bigint) {
  let saved = settled()
  let timer: NodeJS.Timeout | undefined
  const save = () => {
    clearTimeout(timer)
    timer = undefined
    if (settled() === saved) return
    try {
      options.wal.savePublished(settled())
      saved = settled()
    } catch (error) {
      options.log.warn({ err: error }, 'the published position could not be saved; events may repeat after a restart')
    }
  }
  return {
    schedule() {
      timer ??= setTimeout(save, options.cursorSaveIntervalMs)
    },
    close: save,
  }
}

/** Message ids that no earlier send of the same event had, in this process or another. */
function freshMessageIds(): (eventId: string) => string {
  const start = Date.now().toString(36)
  let count = 0
  return (eventId) => `${eventId}:${start}-${++count}`
}
