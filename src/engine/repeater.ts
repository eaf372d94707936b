/**
 * Sends recorded events once more, on a sender's or receiver's demand, apart from the publisher's normal course: one demand
 * after the other, a page at a time. Only events whose first send is acknowledged are repeated, so that no repetition
 * overtakes an event that the stream has never had.
 */
import type { MessageStream } from '../gateway/stream.ts'
import type { Wal } from './wal.ts'

export interface RepeaterOptions {
  wal: Wal
  stream: MessageStream
  repeatsQueuedMax: number
  /** A message id that no earlier send of the event had. */
  freshId: (eventId: string) => string
  /** Position up to which every event is acknowledged. */
  settled: () => bigint
}

export interface Repeater {
  /** Resolves when the events are acknowledged; rejects where the stream does not take them, or on `close`. */
  repeat(accountId: string, fromSequence: number, toSequence: number): Promise<void>
  close(): void
}

const pageEvents = 256

interface RepeatJob {
  accountId: string
  fromSequence: number
  toSequence: number
  resolve: () => void
  reject: (error: Error) => void
}

/** The caller closes it before the log. */
export function createRepeater(options: RepeaterOptions): Repeater {
  const jobs: RepeatJob[] = []
  /** The same repetition asked for again while it waits or runs is one. */
  const pending = new Map<string, Promise<void>>()
  let busy = false
  let closed = false

  const work = async (job: RepeatJob) => {
    let from = job.fromSequence
    for (;;) {
      const events = options.wal
        .eventsOf(job.accountId, from, job.toSequence, pageEvents)
        .filter((event) => event.position <= options.settled())
      await Promise.all(
        events.map((event) =>
          options.stream.publish('events', event.accountId, options.freshId(event.eventId), Buffer.from(event.body)),
        ),
      )
      if (events.length < pageEvents) return
      if (closed) throw new Error('the engine is shutting down')
      from += events.length
    }
  }
  const run = async () => {
    busy = true
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      await work(job).then(job.resolve, job.reject)
    }
    busy = false
  }

  return {
    repeat(accountId, fromSequence, toSequence) {
      if (closed || jobs.length >= options.repeatsQueuedMax) {
        return Promise.reject(new Error('too many repetitions are waiting; ask again later'))
      }
      const key = `${accountId} ${fromSequence} ${toSequence}`
      const known = pending.get(key)
      if (known !== undefined) return known
      const done = new Promise<void>((resolve, reject) => {
        jobs.push({ accountId, fromSequence, toSequence, resolve, reject })
      }).finally(() => pending.delete(key))
      pending.set(key, done)
      if (!busy) void run()
      return done
    },
    close() {
      closed = true
      for (const job of jobs.splice(0)) job.reject(new Error('the engine is shutting down'))
    },
  }
}
