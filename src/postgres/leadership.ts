/**
 * Who writes: a Postgres advisory lock, held by a connection of its own, elects one process; the others stand by. The
 * lock is a courtesy that keeps two from working at once; what makes sure of it is the checkpoint's compare-and-set.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { sql } from 'kysely'
import type { ReadModels } from './database.ts'
import { openSession, type Session } from './session.ts'

export interface LeadershipOptions {
  url: string
  /** What is led, e.g. `projector`. Processes that give the same name compete. */
  name: string
  /** Ends the waiting, not the leadership once it is there. */
  signal: AbortSignal
  applicationName?: string
  /** Between a standby's tries: as long as a hand-over takes at most. */
  pollMs?: number
  /** Between the leader's signs of life to Postgres. */
  heartbeatMs?: number
  /** Without an answer for so long, the leadership counts as lost. */
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

/** Waits until this process leads, however long Postgres is away. Rejects only with the signal's reason. */
export async function acquireLeadership(options: LeadershipOptions): Promise<Leadership> {
  const settings: Settings = { ...defaults, ...options }
  const { signal, pollMs } = settings
  for (;;) {
    signal.throwIfAborted()
    const leadership = await tryOnce(settings)
    if (leadership) return leadership
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}

const lockOf = (name: string): string => `opslog ${name}`

/** Those of the names that nobody leads now, in whichever process. Rejects where Postgres does not answer. */
export async function withoutLeader(db: ReadModels, names: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ led: boolean }>`SELECT EXISTS (SELECT FROM pg_locks
      WHERE locktype = 'advisory' AND granted AND objsubid = 1
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND ((classid::bigint << 32) | objid::bigint) = hashtextextended(lock, 0)) AS led
    FROM unnest(${names.map(lockOf)}::text[]) WITH ORDINALITY AS asked (lock, place) ORDER BY place`.execute(db)
  return names.filter((_, index) => !rows[index]?.led)
}

/** Whether any process holds the leadership of this name. Rejects where Postgres does not answer. */
export const isLed = async (db: ReadModels, name: string): Promise<boolean> =>
  (await withoutLeader(db, [name])).length === 0

/** One connection's campaign: undefined where it broke, or where the waiting is over. */
async function tryOnce(settings: Settings): Promise<Leadership | undefined> {
  // Postgres being away is what a standby waits out; the next try tells whether it is back.
  const session = await openSession(settings).catch(() => undefined)
  if (!session) return undefined
  const until = AbortSignal.any([settings.signal, session.ended])
  try {
    // Postgres lets the lock go soon after this process has vanished from the network (in seconds).
    await session.query('SET tcp_keepalives_idle = 5')
    await session.query('SET tcp_keepalives_interval = 2')
    await session.query('SET tcp_keepalives_count = 3')
    const text = 'SELECT pg_try_advisory_lock(hashtextextended($1, 0)) AS mine'
    for (;;) {
      const [answer] = await session.query(text, [lockOf(settings.name)])
      if (answer?.mine === true) return lead(session, settings.heartbeatMs)
      await delay(settings.pollMs, undefined, { signal: until })
    }
  } catch {
    // Broken or called off; the caller looks at its signal to see which.
    await session.close()
    return undefined
  }
}

function lead(session: Session, heartbeatMs: number): Leadership {
  // Whatever breaks it, the session's end is what tells.
  void beat(session, heartbeatMs).catch(() => session.close())
  return { lost: session.ended, release: session.close }
}

async function beat(session: Session, heartbeatMs: number): Promise<void> {
  for (;;) {
    await delay(heartbeatMs, undefined, { signal: session.ended })
    await session.query('SELECT 1')
  }
}
