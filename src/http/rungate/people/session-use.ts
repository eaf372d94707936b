/** Notes that a session is in use, which prolongs it: beside the request that it signed, and now and again only. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import { session } from '../../../commands/rungate/session.ts'
import type { Log } from '../../../log.ts'
import { createLru } from '../../../runtime/lru.ts'
import type { RungateParts } from '../access.ts'

/** Sessions whose last note is remembered, until the read models have it. */
const SESSIONS_MAX = 20_000

interface Options {
  bus: CommandBus
  log: Pick<Log, 'warn'>
  clock: () => Date
  sessionMs: number
  /** Least time between two notes. */
  gapMinMs: number
}

/** Answers whether the use is noted now: the browser's cookie is prolonged then too. */
export function createSessionUse({ bus, log, clock, sessionMs, gapMinMs }: Options): RungateParts['noteSeen'] {
  const noted = createLru<string, number>(SESSIONS_MAX)
  return ({ session_id: sessionId, last_active_at, created_at }) => {
    const now = clock()
    const last = noted.get(sessionId) ?? Date.parse(last_active_at ?? created_at)
    if (now.getTime() - last < gapMinMs) return false
    noted.set(sessionId, now.getTime())
    const at = now.toISOString()
    const expiresAt = new Date(now.getTime() + sessionMs).toISOString()
    const context = systemContext('rungate-sessions', randomUUID(), at)
    bus.handle(session, sessionId, { kind: 'see', expiresAt, gapMinMs, at }, context).catch((err: unknown) => {
      log.warn({ err, sessionId }, 'the use of a session could not be noted; the next use will be')
      noted.delete(sessionId)
    })
    return true
  }
}
