/** Members of accounts. A removed one stays as a row without what is personal, so that its sessions are known to be no good. */
import type { RosterEvent } from '../../events/rungate/roster.ts'
import type { Role } from '../../events/rungate/vocabulary.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const members = defineTable({
  name: 'rungate_members',
  key: ['member_id'],
  columns: {
    member_id: uuid,
    account_id: uuid,
    address_id: uuid,
    /** Personal, as the name is. */
    email: text.orNull,
    display_name: text.orNull,
    role: text.of<Role>(),
    status: text.of<'active' | 'removed'>(),
    invitation_id: uuid.orNull,
    invited_by: text.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, member_id DESC)'],
})
export type MemberRow = RowOf<typeof members>

export const memberProjection = defineProjection<RosterEvent>({
  name: 'rungate.member',
  version: 1,
  onPoison: 'park',
  tables: [members],
  handlers: {
    'rungate.MemberJoined.v1': ({ data }) => {
      const { occurred_at: created_at, ...facts } = snake(data)
      return [upsert(members, { ...facts, status: 'active', created_at, updated_at: created_at })]
    },
    'rungate.MemberRoleChanged.v1': ({ data }) => [
      patch(members, snake(data, 'memberId'), { role: data.role, updated_at: data.occurredAt }),
    ],
    'rungate.MemberRenamed.v1': ({ data }) => [
      patch(members, snake(data, 'memberId'), { display_name: data.displayName, updated_at: data.occurredAt }),
    ],
    'rungate.MemberRemoved.v1': ({ data }) => [
      patch(members, snake(data, 'memberId'), {
        ...{ status: 'removed', email: null, display_name: null, updated_at: data.occurredAt },
      }),
    ],
    'rungate.OwnershipTransferred.v1': ({ data: { fromId, toId, occurredAt: updated_at } }) => [
      patch(members, { member_id: fromId }, { role: 'admin', updated_at }),
      patch(members, { member_id: toId }, { role: 'owner', updated_at }),
    ],
  },
})

/** Those who have not been removed. */
export const membersOf: Query<'rungate_members', { accountId: string }> = (db, { accountId }) =>
  rungateTables(db)
    .selectFrom('rungate_members')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'active')
    .orderBy('created_at', 'desc')
    .orderBy('member_id', 'desc')

export const findOwner = preparedOne((db, accountId: string) =>
  db
    .selectFrom('rungate_members')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('status', '=', 'active')
    .where('role', '=', 'owner'),
)

export const findMember = preparedOne((db, memberId: string) =>
  db.selectFrom('rungate_members').selectAll().where('member_id', '=', memberId),
)
