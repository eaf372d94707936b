/** Operators, as GET /v1/me and the administrator's lists show them. */
import type { OperatorEvent } from '../../events/noctant/operator.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export const operators = defineTable({
  name: 'noctant_operators',
  key: ['operator_id'],
  columns: {
    operator_id: uuid,
    org_id: uuid,
    name: text,
    slug: text,
    status: text.of<'active' | 'suspended'>(),
    environment: text.of<'production' | 'staging' | 'development' | 'sandbox'>(),
    rate_limit_tier: text.of<'standard' | 'pro' | 'enterprise' | 'unlimited'>(),
    operator_api_access: text.of<'disabled' | 'allowlisted_beta'>(),
    allowed_origins: text.array,
    activated_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(slug)', '(org_id)'],
})
export type OperatorRow = RowOf<typeof operators>

export const operatorProjection = defineProjection<OperatorEvent>({
  name: 'noctant.operator',
  version: 2,
  onPoison: 'park',
  tables: [operators],
  handlers: {
    'noctant.OperatorCreated.v1': ({ data }) => [
      upsert(operators, {
        ...snake(data),
        status: 'active',
        operator_api_access: data.apiAccess,
        activated_at: data.occurredAt,
        created_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.OperatorSuspended.v1': ({ data }) => [
      patch(operators, snake(data, 'operatorId'), { status: 'suspended', updated_at: data.occurredAt }),
    ],
    'noctant.OperatorResumed.v1': ({ data }) => [
      patch(operators, snake(data, 'operatorId'), { status: 'active', updated_at: data.occurredAt }),
    ],
    'noctant.OperatorOriginsChanged.v1': ({ data }) => [
      patch(operators, snake(data, 'operatorId'), {
        ...snake(data, 'allowedOrigins'),
        updated_at: data.occurredAt,
      }),
    ],
  },
})

export const findOperator = preparedOne((db, operatorId: string) =>
  db.selectFrom('noctant_operators').selectAll().where('operator_id', '=', operatorId),
)

/** Oldest first, at most `limit`. */
export const listOperators = (db: ReadModels, limit = 1_000): Promise<OperatorRow[]> =>
  noctantTables(db)
    .selectFrom('noctant_operators')
    .selectAll()
    .orderBy('created_at')
    .orderBy('operator_id')
    .limit(limit)
    .execute()
