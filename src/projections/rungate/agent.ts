/** Agents: what they may do and use, and the hash that a presented key is compared with. */
import { type SqlBool, sql } from 'kysely'
import type { AgentEvent, AgentProfile } from '../../events/rungate/agent.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { jsonb, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const agents = defineTable({
  name: 'rungate_agents',
  key: ['agent_id'],
  columns: {
    agent_id: uuid,
    account_id: uuid,
    /** The id in the key's own text. */
    text_id: text,
    /** SHA-256 of the key, hex. */
    key_hash: text,
    key_prefix: text,
    name: text,
    policy_id: uuid,
    status: text.of<'active' | 'disabled'>(),
    profile: jsonb.of<AgentProfile>(),
    /** Provider keys that it names. */
    provider_key_ids: uuid.array,
    member_id: uuid.orNull,
    created_by: jsonb.of<Author>(),
    updated_by: jsonb.of<Author>(),
    created_at: time,
    updated_at: time,
  },
  indexes: [
    '(text_id)',
    '(member_id) WHERE member_id IS NOT NULL',
    '(account_id, created_at DESC, agent_id DESC)',
    '(account_id, policy_id, created_at DESC, agent_id DESC)',
    'USING gin (provider_key_ids)',
  ],
})
export type AgentRow = RowOf<typeof agents>

const idsOf = ({ providerKeys }: AgentProfile): string[] => [
  ...new Set(
    Object.values(providerKeys).flatMap((of) => (typeof of === 'string' ? [of] : of.map(({ keyId }) => keyId))),
  ),
]

/** The columns that show its profile. */
const profiled = (profile: AgentProfile) => ({
  ...snake(profile, 'name', 'policyId', 'status'),
  ...{ profile, provider_key_ids: idsOf(profile) },
})

export const agentProjection = defineProjection<AgentEvent>({
  name: 'rungate.agent',
  version: 3,
  onPoison: 'park',
  tables: [agents],
  handlers: {
    'rungate.AgentCreated.v1': ({ data }) => {
      const { author, occurred_at: at, profile, ...facts } = snake(data)
      const made = { created_by: author, updated_by: author, created_at: at, updated_at: at }
      return [upsert(agents, { ...facts, ...profiled(profile), ...made })]
    },
    'rungate.AgentChanged.v1': ({ data }) => [
      patch(agents, snake(data, 'agentId'), {
        ...profiled(data.profile),
        ...{ updated_by: data.author, updated_at: data.occurredAt },
      }),
    ],
    'rungate.AgentReassigned.v1': ({ data }) => [
      patch(agents, snake(data, 'agentId'), {
        ...{ member_id: data.memberId, updated_by: data.author, updated_at: data.occurredAt },
      }),
    ],
    'rungate.AgentKeyRotated.v1': ({ data }) => [
      patch(agents, snake(data, 'agentId'), {
        ...snake(data, 'textId', 'keyHash', 'keyPrefix'),
        ...{ updated_by: data.author, updated_at: data.occurredAt },
      }),
    ],
  },
})

export const findAgent = preparedOne((db, accountId: string, agentId: string) =>
  db.selectFrom('rungate_agents').selectAll().where('account_id', '=', accountId).where('agent_id', '=', agentId),
)

interface Filter {
  accountId: string
  status?: AgentRow['status'] | undefined
  policyId?: string | undefined
}
export const agentsOf: Query<'rungate_agents', Filter> = (db, { accountId, status, policyId }) => {
  let query = rungateTables(db).selectFrom('rungate_agents').selectAll().where('account_id', '=', accountId)
  if (status) query = query.where('status', '=', status)
  if (policyId) query = query.where('policy_id', '=', policyId)
  return query.orderBy('created_at', 'desc').orderBy('agent_id', 'desc')
}

/** Agents that name the provider key, oldest first, after the one of this id; `[]`: there are no more. */
export const agentsNaming = (
  db: ReadModels,
  keyId: string,
  afterId: string | undefined,
  limit: number,
): Promise<AgentRow[]> => {
  const query = rungateTables(db)
    .selectFrom('rungate_agents')
    .selectAll()
    .where(sql<SqlBool>`provider_key_ids @> ARRAY[${keyId}::uuid]`)
  return (afterId === undefined ? query : query.where('agent_id', '>', afterId))
    .orderBy('agent_id')
    .limit(limit)
    .execute()
}

/** Agents of the account that could use a key of this provider: those that name it, and those that name none at all. */
export const agentsUsing = (db: ReadModels, accountId: string, keyId: string, limit: number): Promise<AgentRow[]> =>
  rungateTables(db)
    .selectFrom('rungate_agents')
    .selectAll()
    .where('account_id', '=', accountId)
    .where(sql<SqlBool>`(provider_key_ids @> ARRAY[${keyId}::uuid] OR provider_key_ids = '{}')`)
    .orderBy('created_at', 'desc')
    .orderBy('agent_id', 'desc')
    .limit(limit)
    .execute()

/** Of the whole installation. */
export async function countAgents(db: ReadModels): Promise<number> {
  const { count } = await rungateTables(db)
    .selectFrom('rungate_agents')
    .select((of) => of.fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  return Number(count)
}

/** Every agent of an account, at most `limit`. */
export async function agentIdsOf(db: ReadModels, accountId: string, limit = 10_000): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_agents')
    .select('agent_id')
    .where('account_id', '=', accountId)
    .orderBy('created_at')
    .limit(limit)
    .execute()
  return rows.map(({ agent_id }) => agent_id)
}

/** A member's agents, at most `limit`. */
export async function agentIdsOfMember(
  db: ReadModels,
  accountId: string,
  memberId: string,
  limit = 10_000,
): Promise<string[]> {
  const rows = await rungateTables(db)
    .selectFrom('rungate_agents')
    .select('agent_id')
    .where('account_id', '=', accountId)
    .where('member_id', '=', memberId)
    .orderBy('agent_id')
    .limit(limit)
    .execute()
  return rows.map(({ agent_id }) => agent_id)
}
