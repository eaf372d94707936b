/** Sessions with the console that have not ended, and the hash that a presented cookie is compared with. */
import type { Audience, SessionEvent } from '../../events/console/session.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { consoleTables } from './tables.ts'

export const sessions = defineTable({
  name: 'console_sessions',
  key: ['session_id'],
  columns: {
    session_id: uuid,
    /** SHA-256 of the cookie, hex. */
    token_hash: text,
    audience: text.of<Audience>(),
    name: text,
    context: text.orNull,
    tenant_id: text.orNull,
    key_id: text.orNull,
    link_id: uuid.orNull,
    is_read_only: boolean,
    client_address: text,
    expires_at: time,
    last_used_at: time,
    created_at: time,
  },
  indexes: ['(created_at DESC, session_id DESC)', '(expires_at)'],
})
export type SessionRow = RowOf<typeof sessions>

export const sessionProjection = defineProjection<SessionEvent>({
  name: 'console.session',
  version: 1,
  onPoison: 'park',
  tables: [sessions],
  handlers: {
    'console.SessionStarted.v1': ({ data }) => [
      upsert(sessions, { ...snake(data), last_used_at: data.occurredAt, created_at: data.occurredAt }),
    ],
    'console.SessionUsed.v1': ({ data }) => [
      patch(sessions, snake(data, 'sessionId'), { last_used_at: data.occurredAt }),
    ],
    'console.SessionEnded.v1': ({ data }) => [remove(sessions, snake(data, 'sessionId'))],
  },
})

/** Newest first; `now` (RFC 3339): those that are over by then are not listed. */
export const listSessions = (db: ReadModels, now: string, limit = 1_000): Promise<SessionRow[]> =>
  consoleTables(db)
    .selectFrom('console_sessions')
    .selectAll()
    .where('expires_at', '>', now)
    .orderBy('created_at', 'desc')
    .orderBy('session_id', 'desc')
    .limit(limit)
    .execute()

/** Sessions whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredSessions = (db: ReadModels, now: string, limit: number) =>
  consoleTables(db)
    .selectFrom('console_sessions')
    .select('session_id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()

/** Those that were begun with this key, or by an administrator of this name. */
export const sessionIdsOf = async (
  db: ReadModels,
  { audience, name, key_id }: Pick<SessionRow, 'audience' | 'name' | 'key_id'>,
  limit = 1_000,
): Promise<string[]> => {
  const all = consoleTables(db).selectFrom('console_sessions').select('session_id').where('audience', '=', audience)
  const own = key_id === null ? all.where('name', '=', name) : all.where('key_id', '=', key_id)
  return (await own.orderBy('session_id').limit(limit).execute()).map(({ session_id }) => session_id)
}
