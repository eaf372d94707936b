/** Invitations, and the hash that a presented token is compared with. */
import { type SqlBool, sql } from 'kysely'
import type { AddressEvent } from '../../events/rungate/address.ts'
import type { RosterEvent } from '../../events/rungate/roster.ts'
import type { GivenRole } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, erase, patch, type RowOf, upsert } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const invitations = defineTable({
  name: 'rungate_invitations',
  key: ['invitation_id'],
  columns: {
    invitation_id: uuid,
    account_id: uuid,
    address_id: uuid,
    member_id: uuid,
    /** Personal. */
    email: text.orNull,
    role: text.of<GivenRole>(),
    /** Of the token that was sent last. */
    token_hash: text,
    invited_by: text,
    status: text.of<'pending' | 'accepted' | 'expired' | 'revoked'>(),
    expires_at: time,
    accepted_at: time.orNull,
    created_at: time,
  },
  indexes: [
    '(account_id, created_at DESC, invitation_id DESC)',
    '(token_hash)',
    "(expires_at) WHERE status = 'pending'",
    '(member_id)',
  ],
})
export type InvitationRow = RowOf<typeof invitations>

export const invitationProjection = defineProjection<RosterEvent | AddressEvent>({
  name: 'rungate.invitation',
  version: 1,
  onPoison: 'park',
  tables: [invitations],
  handlers: {
    'rungate.InvitationCreated.v1': ({ data }) => {
      const { occurred_at: created_at, author: _, ...facts } = snake(data)
      return [upsert(invitations, { ...facts, status: 'pending', accepted_at: null, created_at })]
    },
    'rungate.InvitationResent.v1': ({ data }) => [
      patch(invitations, snake(data, 'invitationId'), snake(data, 'tokenHash', 'expiresAt')),
    ],
    'rungate.InvitationRevoked.v1': ({ data }) => [
      patch(invitations, snake(data, 'invitationId'), { status: 'revoked' }),
    ],
    'rungate.InvitationAccepted.v1': ({ data }) => [
      patch(invitations, snake(data, 'invitationId'), { status: 'accepted', accepted_at: data.occurredAt }),
    ],
    'rungate.InvitationExpired.v1': ({ data }) => [
      patch(invitations, snake(data, 'invitationId'), { status: 'expired' }),
    ],
    'rungate.MemberForgotten.v1': ({ data }) => [erase(invitations, snake(data, 'memberId'), ['email'])],
  },
})

interface Filter {
  accountId: string
  status?: InvitationRow['status'] | undefined
  /** RFC 3339: a pending one has expired by its time. */
  now: string
}
export const invitationsOf: Query<'rungate_invitations', Filter> = (db, { accountId, status, now }) => {
  let query = rungateTables(db).selectFrom('rungate_invitations').selectAll().where('account_id', '=', accountId)
  if (status !== undefined) {
    const standing = sql`CASE WHEN status = 'pending' AND expires_at <= ${now}::timestamptz THEN 'expired' ELSE status END`
    query = query.where(sql<SqlBool>`${standing} = ${status}`)
  }
  return query.orderBy('created_at', 'desc').orderBy('invitation_id', 'desc')
}

export const findInvitationByToken = preparedOne((db, tokenHash: string) =>
  db.selectFrom('rungate_invitations').selectAll().where('token_hash', '=', tokenHash),
)

/** Pending ones whose time is over at `now` (RFC 3339), the longest over first. */
export const findExpiredInvitations = (db: ReadModels, now: string, limit: number) =>
  rungateTables(db)
    .selectFrom('rungate_invitations')
    .select(['account_id', 'invitation_id'])
    .where('status', '=', 'pending')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .orderBy('invitation_id')
    .limit(limit)
    .execute()
