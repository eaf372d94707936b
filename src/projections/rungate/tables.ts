/** All tables of this context, as its queries know them, and lists of their rows. */
import { type SelectQueryBuilder, sql } from 'kysely'
import type { ReadModels } from '../../postgres/database.ts'
import { queriesOver } from '../../postgres/queries.ts'
import type { TablesOf } from '../projection.ts'
import type { accounts } from './account.ts'
import type { addresses } from './address.ts'
import type { adminTokens } from './admin-token.ts'
import type { agents } from './agent.ts'
import type { alertRules } from './alert-rule.ts'
import type { approvals } from './approval.ts'
import type { circuits } from './circuit.ts'
import type { invitations } from './invitation.ts'
import type { keyUses } from './key-use.ts'
import type { ledger } from './ledger.ts'
import type { members } from './member.ts'
import type { openCalls } from './open-call.ts'
import type { policies, policyVersions } from './policy.ts'
import type { providerKeys } from './provider-key.ts'
import type { runs } from './run.ts'
import type { sessions } from './session.ts'
import type { refusals, steps } from './step.ts'
import type { stepContents } from './step-content.ts'
import type { webhooks } from './webhook.ts'
import type { webhookDeliveries } from './webhook-delivery.ts'

/** Table name → row. */
export type RungateTables = TablesOf<
  | typeof accounts
  | typeof addresses
  | typeof adminTokens
  | typeof agents
  | typeof alertRules
  | typeof approvals
  | typeof circuits
  | typeof keyUses
  | typeof ledger
  | typeof invitations
  | typeof members
  | typeof openCalls
  | typeof policies
  | typeof policyVersions
  | typeof providerKeys
  | typeof refusals
  | typeof runs
  | typeof steps
  | typeof stepContents
  | typeof sessions
  | typeof webhookDeliveries
  | typeof webhooks
>

/** The database for queries over this context's tables, and queries for at most one row of them, compiled once. */
export const { tables: rungateTables, preparedOne } = queriesOver<RungateTables>()

/** Rows of a table under a filter, in their order. */
export type Query<Name extends keyof RungateTables, Filter> = (
  db: ReadModels,
  filter: Filter,
) => SelectQueryBuilder<RungateTables, Name, RungateTables[Name]>

/** Rows that a list without pages shows at most. */
const LISTED_MAX = 1_000

/** The first rows, and how many there are in all. */
export async function listed<Name extends keyof RungateTables, Filter>(
  db: ReadModels,
  query: Query<Name, Filter>,
  filter: Filter,
): Promise<{ rows: RungateTables[Name][]; total: number }> {
  const counted = query(db, filter).select(sql<string>`count(*) OVER ()`.as('total')).limit(LISTED_MAX)
  const rows = (await counted.execute()) as unknown as (RungateTables[Name] & { total: string })[]
  return { rows, total: Number(rows[0]?.total ?? 0) }
}
