/** Operators' users. */
import type { UserEvent } from '../../events/noctant/user.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { type NoctantDatabase, preparedOne } from './tables.ts'

export type UserRow = {
  global_user_id: string
  operator_id: string
  org_id: string
  external_id: string
  email: string | null
  display_name: string | null
  created_at: string
  updated_at: string
}

export const users = defineTable<UserRow, 'global_user_id'>({
  name: 'noctant_users',
  key: ['global_user_id'],
  columns: {
    global_user_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    external_id: 'text NOT NULL',
    email: 'text',
    display_name: 'text',
    created_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(operator_id, external_id)'],
})

export const userProjection = defineProjection<UserEvent>({
  name: 'noctant.user',
  version: 2,
  onPoison: 'park',
  tables: [users],
  handlers: {
    'noctant.UserProvisioned.v1': ({ data }) => [
      upsert(users, {
        global_user_id: data.globalUserId,
        operator_id: data.operatorId,
        org_id: data.orgId,
        external_id: data.externalId,
        email: data.email,
        display_name: data.displayName,
        created_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.UserProfileRefreshed.v1': ({ data }) => [
      patch(
        users,
        { global_user_id: data.globalUserId },
        { email: data.email, display_name: data.displayName, updated_at: data.occurredAt },
      ),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [
      patch(
        users,
        { global_user_id: data.globalUserId },
        { email: null, display_name: null, updated_at: data.occurredAt },
      ),
    ],
  },
})

/** What the contract's UserSummary shows. */
export type UserView = Omit<UserRow, 'operator_id' | 'org_id'>

const ofOperator = (db: NoctantDatabase, operatorId: string) =>
  db
    .selectFrom('noctant_users')
    .select(['global_user_id', 'external_id', 'email', 'display_name', 'created_at', 'updated_at'])
    .where('operator_id', '=', operatorId)

export const findUser = preparedOne((db, operatorId: string, globalUserId: string) =>
  ofOperator(db, operatorId).where('global_user_id', '=', globalUserId),
)

/** `externalId` is compared byte for byte. */
export const findUserByExternalId = preparedOne((db, operatorId: string, externalId: string) =>
  ofOperator(db, operatorId).where('external_id', '=', externalId),
)
