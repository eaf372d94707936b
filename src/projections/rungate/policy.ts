/** Policies as they are, and every version that they had: those outlive their policy. */
import { type SqlBool, sql } from 'kysely'
import { folded } from '../../events/rungate/name.ts'
import type { PolicyEvent } from '../../events/rungate/policy.ts'
import type { PolicySettings } from '../../events/rungate/policy-settings.ts'
import type { Author, Visibility } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, text, time, uuid } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const policies = defineTable({
  name: 'rungate_policies',
  key: ['policy_id'],
  columns: {
    policy_id: uuid,
    account_id: uuid,
    name: text,
    /** Folded, and not by Postgres: a database whose locale is C, like the private one, knows small letters of ASCII alone. */
    name_text: text,
    settings: jsonb.of<PolicySettings>(),
    visibility: text.of<Visibility>(),
    member_id: uuid.orNull,
    version: integer,
    created_by: jsonb.of<Author>(),
    updated_by: jsonb.of<Author>(),
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, policy_id DESC)'],
})
export type PolicyRow = RowOf<typeof policies>

export const policyVersions = defineTable({
  name: 'rungate_policy_versions',
  key: ['policy_id', 'version'],
  columns: {
    policy_id: uuid,
    version: integer,
    account_id: uuid,
    /** Of the event. */
    version_id: uuid,
    name: text,
    settings: jsonb.of<PolicySettings>(),
    changed_by: text,
    changed_fields: text.array,
    created_at: time,
  },
})
export type PolicyVersionRow = RowOf<typeof policyVersions>

type Version = Extract<PolicyEvent, { data: { version: number } }>

const versionOf = ({ id, data }: { id: string; data: Version['data'] }, changedFields: string[]): Change =>
  upsert(policyVersions, {
    ...snake(data, 'policyId', 'version', 'accountId', 'name', 'settings'),
    ...{ version_id: id, changed_by: data.author.id, changed_fields: changedFields, created_at: data.occurredAt },
  })

export const policyProjection = defineProjection<PolicyEvent>({
  name: 'rungate.policy',
  version: 3,
  onPoison: 'park',
  tables: [policies, policyVersions],
  handlers: {
    'rungate.PolicyCreated.v1': (event) => {
      const { data } = event
      const { author, occurred_at: at, ...facts } = snake(data)
      const made = { created_by: author, updated_by: author, created_at: at, updated_at: at }
      const row = { ...facts, ...made, name_text: folded(data.name), visibility: data.settings.visibility }
      return [upsert(policies, row), versionOf(event, ['_created'])]
    },
    'rungate.PolicyChanged.v1': (event) => {
      const { data } = event
      const values = {
        ...snake(data, 'name', 'settings', 'version'),
        name_text: folded(data.name),
        ...{ visibility: data.settings.visibility, updated_by: data.author, updated_at: data.occurredAt },
      }
      return [patch(policies, snake(data, 'policyId'), values), versionOf(event, data.changedFields)]
    },
    'rungate.PolicyReassigned.v1': ({ data }) => [
      patch(policies, snake(data, 'policyId'), {
        ...{ member_id: data.memberId, updated_by: data.author, updated_at: data.occurredAt },
      }),
    ],
    'rungate.PolicyDeleted.v1': (event) => [
      remove(policies, snake(event.data, 'policyId')),
      versionOf(event, ['_deleted']),
    ],
  },
})

/** Whose policies: those of everybody in the account, and the member's own. */
export interface Seer {
  accountId: string
  memberId: string | null
}
const seen = (memberId: string | null) => sql<SqlBool>`(visibility = 'org' OR member_id = ${memberId}::text::uuid)`

export const findPolicy = preparedOne((db, accountId: string, memberId: string | null, policyId: string) =>
  db
    .selectFrom('rungate_policies')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('policy_id', '=', policyId)
    .where(seen(memberId)),
)

/** `name`: a part of the names that are meant. */
export const policiesOf: Query<'rungate_policies', Seer & { name?: string | undefined }> = (
  db,
  { accountId, memberId, name },
) => {
  let query = rungateTables(db)
    .selectFrom('rungate_policies')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(seen(memberId))
  if (name !== undefined) query = query.where(sql<SqlBool>`strpos(name_text, ${folded(name)}) > 0`)
  return query.orderBy('created_at', 'desc').orderBy('policy_id', 'desc')
}

/** Ascending; also of a deleted policy. */
export const policyVersionsOf: Query<'rungate_policy_versions', { accountId: string; policyId: string }> = (
  db,
  { accountId, policyId },
) =>
  rungateTables(db)
    .selectFrom('rungate_policy_versions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('policy_id', '=', policyId)
    .orderBy('version')

export const findPolicyVersion = preparedOne((db, accountId: string, policyId: string, version: number) =>
  db
    .selectFrom('rungate_policy_versions')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('policy_id', '=', policyId)
    .where('version', '=', version),
)

/** A member's personal policies, at most `limit`. */
export async function personalPolicyIdsOf(
  db: ReadModels,
  accountId: string,
  memberId: string,
  limit = 10_000,
): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_policies')
    .select('policy_id')
    .where('account_id', '=', accountId)
    .where('member_id', '=', memberId)
    .where('visibility', '=', 'personal')
    .orderBy('policy_id')
    .limit(limit)
    .execute()
  return rows.map(({ policy_id }) => policy_id)
}
