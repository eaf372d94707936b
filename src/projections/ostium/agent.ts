/** Agents that live, one for each trader and chain: what may be known of them, and the hash that a key is compared with. */
import type { AgentEvent } from '../../events/ostium/agent.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { ostiumTables, preparedOne } from './tables.ts'

export type AgentStatus = 'pending' | 'verified' | 'suspended'

export const agents = defineTable({
  name: 'ostium_agent',
  key: ['trader_id'],
  columns: {
    /** `<chainId>.<trader in lower case>`, the id of its stream. */
    trader_id: text,
    chain_id: integer,
    trader: text,
    agent_id: uuid.unique,
    status: text.of<AgentStatus>(),
    agent_wallet: text,
    smart_account: text,
    /** The id in the API key's own text. */
    api_key_id: text,
    /** SHA-256 of the API key, hex. */
    api_key_hash: text,
    pending_until: time,
    verified_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: [
    '(agent_wallet)',
    '(smart_account)',
    "(pending_until) WHERE status = 'pending'",
    "(chain_id) WHERE status = 'verified'",
  ],
})
export type AgentRow = RowOf<typeof agents>

const idOf = ({ chainId, trader }: { chainId: number; trader: string }) => ({
  trader_id: `${chainId}.${trader.toLowerCase()}`,
})

export const agentProjection = defineProjection<AgentEvent>({
  name: 'ostium.agent',
  version: 2,
  onPoison: 'park',
  tables: [agents],
  handlers: {
    'ostium.AgentWalletCreated.v1': ({ data }) => [
      upsert(agents, {
        ...idOf(data),
        ...{ chain_id: data.chainId, trader: data.trader, agent_id: data.agentId, status: 'pending' },
        ...{ agent_wallet: data.agentWallet, smart_account: data.smartAccount },
        ...{ api_key_id: data.apiKeyId, api_key_hash: data.apiKeyHash, pending_until: data.pendingUntil },
        ...{ verified_at: null, created_at: data.occurredAt, updated_at: data.occurredAt },
      }),
    ],
    'ostium.AgentVerified.v1': ({ data }) => [
      patch(agents, idOf(data), { status: 'verified', verified_at: data.occurredAt, updated_at: data.occurredAt }),
    ],
    'ostium.AgentSuspended.v1': ({ data }) => [
      patch(agents, idOf(data), { status: 'suspended', updated_at: data.occurredAt }),
    ],
    'ostium.AgentCancelled.v1': ({ data }) => [remove(agents, idOf(data))],
    'ostium.AgentRevoked.v1': ({ data }) => [remove(agents, idOf(data))],
  },
})

export const findAgent = preparedOne((db, traderId: string) =>
  db.selectFrom('ostium_agent').selectAll().where('trader_id', '=', traderId),
)

/** Those that nobody has verified in time, the oldest first. */
export const findLapsedAgents = (db: ReadModels, at: string, limit: number): Promise<AgentRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_agent')
    .selectAll()
    .where('status', '=', 'pending')
    .where('pending_until', '<=', at)
    .orderBy('pending_until')
    .limit(limit)
    .execute()

/** Those of a chain whose traders have made them delegates: by trader, `limit` of them after this one. */
export const findVerifiedAgents = (
  db: ReadModels,
  chainId: number,
  after: string,
  limit: number,
): Promise<AgentRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_agent')
    .selectAll()
    .where('chain_id', '=', chainId)
    .where('status', '=', 'verified')
    .where('trader_id', '>', after)
    .orderBy('trader_id')
    .limit(limit)
    .execute()

/** Every agent, newest first, at most `limit`. */
export const listAgents = (db: ReadModels, limit: number): Promise<AgentRow[]> =>
  ostiumTables(db).selectFrom('ostium_agent').selectAll().orderBy('created_at', 'desc').limit(limit).execute()
