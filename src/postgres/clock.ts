/**
 * The one clock of an installation: Postgres's. Every process takes from it what is due, what has expired and when something
 * happened, and so does not depend on its own clock. Between two looks, time passes by the machine's monotonic clock, which
 * cannot be set. Order never comes from here; it comes from revisions and positions.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { Log } from '../log.ts'
import type { ReadModels } from './database.ts'

export interface ClockOptions {
  db: ReadModels
  /** Between two looks at Postgres's clock. */
  checkIntervalMs: number
  /** A log line reports a process's own clock that is further off. */
  offsetAlarmMs: number
  signal: AbortSignal
  log: Pick<Log, 'warn' | 'error'>
}

export interface Clock {
  now(): Date
  /** How far the process's own clock is ahead of Postgres's, in milliseconds; negative: behind. */
  offsetMs(): number
  /** Resolves when `signal` has aborted. */
  stopped: Promise<void>
}

/** Resolves after the first look, and rejects where Postgres cannot be reached for it. Later the last look counts. */
export async function startClock({ db, checkIntervalMs, offsetAlarmMs, signal, log }: ClockOptions): Promise<Clock> {
  /** Postgres's time, less the monotonic clock's, in milliseconds. */
  let { baseMs } = await look(db)
  const nowMs = () => baseMs + performance.now()
  const offsetMs = () => Date.now() - nowMs()
  let isOff = false

  function tell(): void {
    const wasOff = isOff
    const ahead = Math.round(offsetMs())
    isOff = Math.abs(ahead) > offsetAlarmMs
    if (isOff && !wasOff) log.error({ offsetMs: ahead }, 'the clock of this process is off; opslog uses Postgres’s')
    if (wasOff && !isOff) log.warn({ offsetMs: ahead }, 'the clock of this process is right again')
  }

  async function keepLooking(): Promise<void> {
    while (!signal.aborted) {
      tell()
      await delay(checkIntervalMs, undefined, { signal }).catch(() => undefined)
      if (signal.aborted) return
      try {
        const seen = await look(db)
        // An answer that took too long says nothing about the time.
        if (seen.tookMs > offsetAlarmMs) continue
        const stepMs = Math.round(seen.baseMs - baseMs)
        if (Math.abs(stepMs) > offsetAlarmMs) log.error({ stepMs }, 'the clock of Postgres was set; opslog follows it')
        baseMs = seen.baseMs
      } catch (err) {
        log.warn({ err }, 'opslog cannot read Postgres’s clock; time goes on from the last look')
      }
    }
  }
  return { now: () => new Date(nowMs()), offsetMs, stopped: keepLooking() }
}

/** Takes off half of the time that the question and its answer travelled. */
async function look(db: ReadModels): Promise<{ baseMs: number; tookMs: number }> {
  const askedMs = performance.now()
  const { rows } = await sql<{ ms: string }>`SELECT (extract(epoch FROM clock_timestamp()) * 1000)::text AS ms`.execute(
    db,
  )
  const answeredMs = performance.now()
  return { baseMs: Number(rows[0]?.ms) - (askedMs + answeredMs) / 2, tookMs: answeredMs - askedMs }
}
