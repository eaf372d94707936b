/** Operators' users. */
import type { UserEvent } from '../../events/noctant/user.ts'
import { type CamelCased, snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { columnsBut, columnsOf, defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { type NoctantDatabase, preparedOne } from './tables.ts'

export const users = defineTable({
  name: 'noctant_users',
  key: ['global_user_id'],
  columns: {
    global_user_id: uuid,
    operator_id: uuid,
    org_id: uuid,
    external_id: text,
    email: text.orNull,
    display_name: text.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(external_id, operator_id)'],
})

export const userProjection = defineProjection<UserEvent>({
  name: 'noctant.user',
  version: 3,
  onPoison: 'park',
  tables: [users],
  handlers: {
    'noctant.UserProvisioned.v1': ({ data }) => [
      upsert(users, { ...snake(data), created_at: data.occurredAt, updated_at: data.occurredAt }),
    ],
    'noctant.UserProfileRefreshed.v1': ({ data }) => [
      patch(users, snake(data, 'globalUserId'), {
        ...snake(data, 'email', 'displayName'),
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [
      patch(users, snake(data, 'globalUserId'), { email: null, display_name: null, updated_at: data.occurredAt }),
    ],
  },
})

/** What the contract's UserSummary shows. */
export type UserView = Omit<RowOf<typeof users>, 'operator_id' | 'org_id'>
const viewColumns = columnsBut(users, 'operator_id', 'org_id')

/** The view that a read shows of a user with these facts. */
export const userView = (facts: CamelCased<UserView>): UserView => columnsOf(viewColumns, snake(facts))

const ofOperator = (db: NoctantDatabase, operatorId: string) =>
  db.selectFrom('noctant_users').select(viewColumns).where('operator_id', '=', operatorId)

export const findUser = preparedOne((db, operatorId: string, globalUserId: string) =>
  ofOperator(db, operatorId).where('global_user_id', '=', globalUserId),
)

/** `externalId` is compared byte for byte. */
export const findUserByExternalId = preparedOne((db, operatorId: string, externalId: string) =>
  ofOperator(db, operatorId).where('external_id', '=', externalId),
)
