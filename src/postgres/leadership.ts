/**
 * Who writes: a Postgres advisory lock, held by a connection of its own, elects one process; the others stand by. The
 * lock keeps two from working at once, as a courtesy. The checkpoint's compare-and-set makes sure of it.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { ReadModels } from './database.ts'
import { openSession, type Session } from './session.ts'

export interface LeadershipOptions {
  url: string
  /** What is led, e.g. `projector`. Processes that give the same name compete. */
  name: string
  /** Ends the waiting, but not a leadership that was won. */
  signal: AbortSignal
  applicationName?: string
  /** Between a standby's tries; a hand-over takes at most this long. */
  pollMs?: number
  /** Between the leader's signs of life to Postgres. */
  heartbeatMs?: number
  /** Without an answer for this long, the leadership counts as lost. */
  answerTimeoutMs?: number
}

export interface Leadership {
  /** Aborts when the leadership is lost: the connection that holds the lock has ended or fallen silent. */
  lost: AbortSignal
  /** Lets the next one lead. */
  release(): Promise<void>
}

const defaults = { applicationName: 'opslog leader', pollMs: 500, heartbeatMs: 2_000, answerTimeoutMs: 5_000 }

type Settings = LeadershipOptions & typeof defaults

/**
 * Waits until this process leads, however long Postgres is away. Rejects only with the signal's reason. With `giveUp`
 * it asks once instead: undefined where another process leads; rejects where Postgres does not answer.
 */
export function acquireLeadership(options: LeadershipOptions): Promise<Leadership>
export function acquireLeadership(options: LeadershipOptions, ifLed: 'giveUp'): Promise<Leadership | undefined>
export async function acquireLeadership(options: LeadershipOptions, ifLed?: 'giveUp'): Promise<Leadership | undefined> {
  const settings: Settings = { ...defaults, ...options }
  const { signal, pollMs } = settings
  if (ifLed === 'giveUp') return await askOnce(settings)
  for (;;) {
    signal.throwIfAborted()
    const leadership = await campaign(settings)
    if (leadership) return leadership
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

async function askOnce(settings: Settings): Promise<Leadership | undefined> {
  const session = await openSession(settings)
  try {
    if (await takesLock(session, settings.name)) return await lead(session, settings.heartbeatMs)
  } catch (error) {
    await session.close()
    throw error
  }
  await session.close()
  return undefined
}

const lockOf = (name: string): string => `opslog ${name}`

async function takesLock(session: Session, name: string): Promise<boolean> {
  const text = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS mine'
  const [answer] = await session.query(text, [lockOf(name)])
  return answer?.mine === true
}

/** The names that no process leads now. Rejects where Postgres does not answer. */
export async function withoutLeader(db: ReadModels, names: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ led: boolean }>`SELECT EXISTS (SELECT FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(lock, 0)) AS led
    FROM unnest(${names.map(lockOf)}::text[]) WITH ORDINALITY AS asked (lock, place) ORDER BY place`.execute(db)
  return names.filter((_, index) => !rows[index]?.led)
}

/** One connection's campaign: undefined where the connection broke, or where the waiting is over. */
async function campaign(settings: Settings): Promise<Leadership | undefined> {
  // A standby waits while Postgres is away; the next try shows whether it is back.
  const session = await openSession(settings).catch(() => undefined)
  if (!session) return undefined
  const until = AbortSignal.any([settings.signal, session.ended])
  try {
    while (!(await takesLock(session, settings.name))) await delay(settings.pollMs, undefined, { signal: until })
    return await lead(session, settings.heartbeatMs)
  } catch {
    // The connection broke or the signal aborted; the caller looks at its signal to see which.
    await session.close()
    return undefined
  }
}

async function lead(session: Session, heartbeatMs: number): Promise<Leadership> {
  // Postgres frees the lock within seconds after this process has vanished from the network.
  await session.query('SET tcp_keepalives_idle = 5')
  await session.query('SET tcp_keepalives_interval = 2')
  await session.query('SET tcp_keepalives_count = 3')
  // The session's end tells of a failure, whatever broke it.
  void beat(session, heartbeatMs).catch(() => session.close())
  return { lost: session.ended, release: session.close }
}

async function beat(session: Session, heartbeatMs: number): Promise<void> {
  for (;;) {
    await delay(heartbeatMs, undefined, { signal: session.ended })
    await session.query('SELECT 1')
  }
}
