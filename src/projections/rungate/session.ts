/** Sessions of browsers that have not ended, and the hash that a presented cookie is compared with. */
import type { AddressEvent } from '../../events/rungate/address.ts'
import type { SessionEvent } from '../../events/rungate/session.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, erase, patch, type RowOf, remove, upsert } from '../projection.ts'
import { type RungateTables, rungateTables } from './tables.ts'

export const sessions = defineTable({
  name: 'rungate_sessions',
  key: ['session_id'],
  columns: {
    session_id: uuid,
    member_id: uuid,
    address_id: uuid,
    /** SHA-256 of the cookie, hex. */
    key_hash: text,
    /** Personal, as the browser's name is. */
    ip_address: text.orNull,
    user_agent: text.orNull,
    expires_at: time,
    last_active_at: time.orNull,
    created_at: time,
  },
  indexes: ['(member_id)', '(expires_at)'],
})
export type SessionRow = RowOf<typeof sessions>

export const sessionProjection = defineProjection<SessionEvent | AddressEvent>({
  name: 'rungate.session',
  version: 1,
  onPoison: 'park',
  tables: [sessions],
  handlers: {
    'rungate.SessionStarted.v1': ({ data }) => [
      upsert(sessions, { ...snake(data), last_active_at: null, created_at: data.occurredAt }),
    ],
    'rungate.SessionSeen.v1': ({ data }) => [
      patch(sessions, snake(data, 'sessionId'), { ...snake(data, 'expiresAt'), last_active_at: data.occurredAt }),
    ],
    'rungate.SessionEnded.v1': ({ data }) => [remove(sessions, snake(data, 'sessionId'))],
    'rungate.MemberForgotten.v1': ({ data }) => [
      erase(sessions, snake(data, 'memberId'), ['ip_address', 'user_agent']),
    ],
  },
})

/** Rows that a list shows at most. */
const LISTED_MAX = 1_000

interface Filter {
  accountId: string
  /** That member's alone; null: of all. */
  memberId: string | null
  /** RFC 3339: those that are over by then are not listed. */
  now: string
}

/** Sessions of an account's members, newest first, and how many there are. */
export async function listSessions(db: ReadModels, { accountId, memberId, now }: Filter) {
  let query = rungateTables(db)
    .selectFrom('rungate_sessions as session')
    .innerJoin('rungate_members as member', 'member.member_id', 'session.member_id')
    .selectAll('session')
    .where('member.account_id', '=', accountId)
    .where('member.status', '=', 'active')
    .where('session.expires_at', '>', now)
  if (memberId !== null) query = query.where('session.member_id', '=', memberId)
  const rows: (RungateTables['rungate_sessions'] & { total: string })[] = await query
    .select((of) => of.fn.countAll<string>().over().as('total'))
    .orderBy('session.created_at', 'desc')
    .orderBy('session.session_id', 'desc')
    .limit(LISTED_MAX)
    .execute()
  return { rows, total: Number(rows[0]?.total ?? 0) }
}

/** Of a member, at most `limit`. */
export async function sessionIdsOf(db: ReadModels, memberId: string, limit = 10_000): Promise<string[]> {
  const query = rungateTables(db).selectFrom('rungate_sessions').select('session_id').where('member_id', '=', memberId)
  return (await query.orderBy('session_id').limit(limit).execute()).map(({ session_id }) => session_id)
}

/** Sessions whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredSessions = (db: ReadModels, now: string, limit: number) =>
  rungateTables(db)
    .selectFrom('rungate_sessions')
    .select('session_id')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .orderBy('session_id')
    .limit(limit)
    .execute()
