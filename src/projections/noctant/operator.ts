/** Operators, as GET /v1/me and the administrator's lists show them. */
import type { OperatorEvent } from '../../events/noctant/operator.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export type OperatorRow = {
  operator_id: string
  org_id: string
  name: string
  slug: string
  status: 'active' | 'suspended'
  environment: 'production' | 'staging' | 'development' | 'sandbox'
  rate_limit_tier: 'standard' | 'pro' | 'enterprise' | 'unlimited'
  operator_api_access: 'disabled' | 'allowlisted_beta'
  allowed_origins: string[]
  activated_at: string | null
  created_at: string
  updated_at: string
}

export const operators = defineTable<OperatorRow, 'operator_id'>({
  name: 'noctant_operators',
  key: ['operator_id'],
  columns: {
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    name: 'text NOT NULL',
    slug: 'text NOT NULL',
    status: 'text NOT NULL',
    environment: 'text NOT NULL',
    rate_limit_tier: 'text NOT NULL',
    operator_api_access: 'text NOT NULL',
    allowed_origins: 'text[] NOT NULL',
    activated_at: 'timestamptz(3)',
    created_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
})

export const operatorProjection = defineProjection<OperatorEvent>({
  name: 'noctant.operator',
  version: 1,
  onPoison: 'park',
  tables: [operators],
  handlers: {
    'noctant.OperatorCreated.v1': ({ data }) => [
      upsert(operators, {
        operator_id: data.operatorId,
        org_id: data.orgId,
        name: data.name,
        slug: data.slug,
        status: 'active',
        environment: data.environment,
        rate_limit_tier: data.rateLimitTier,
        operator_api_access: data.apiAccess,
        allowed_origins: data.allowedOrigins,
        activated_at: data.occurredAt,
        created_at: data.occurredAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.OperatorSuspended.v1': ({ data }) => [
      patch(operators, { operator_id: data.operatorId }, { status: 'suspended', updated_at: data.occurredAt }),
    ],
    'noctant.OperatorResumed.v1': ({ data }) => [
      patch(operators, { operator_id: data.operatorId }, { status: 'active', updated_at: data.occurredAt }),
    ],
    'noctant.OperatorOriginsChanged.v1': ({ data }) => [
      patch(
        operators,
        { operator_id: data.operatorId },
        { allowed_origins: data.allowedOrigins, updated_at: data.occurredAt },
      ),
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
