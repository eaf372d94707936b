/** Actions of agents: what was asked, which transactions were signed for it, and how it has ended. */
import type { ActionEvent } from '../../events/ostium/action.ts'
import type { Operation, RevertFacts } from '../../events/ostium/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { bigint, integer, jsonb, numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { ostiumTables, preparedOne } from './tables.ts'

export const actionStatuses = [
  'requested',
  'signed',
  'broadcast',
  'included',
  'reverted',
  'abandoned',
  'refused',
] as const
export type ActionStatus = (typeof actionStatuses)[number]
export const underWay = ['requested', 'signed', 'broadcast'] as const satisfies readonly ActionStatus[]

export const actions = defineTable({
  name: 'ostium_action',
  key: ['action_id'],
  columns: {
    action_id: uuid,
    trader_id: text,
    chain_id: integer,
    trader: text,
    agent_id: uuid,
    operation: text.of<Operation>(),
    status: text.of<ActionStatus>(),
    sponsor: text.orNull,
    sponsor_nonce: integer.orNull,
    attempt: integer,
    tx_hash: text.orNull,
    /** As it was signed last: sent again, it is the same. */
    raw_transaction: text.orNull,
    block_number: bigint.orNull,
    block_hash: text.orNull,
    gas_used: numeric.orNull,
    gas_price: numeric.orNull,
    order_id: numeric.orNull,
    revert: jsonb.of<RevertFacts>().orNull,
    reason: text.orNull,
    deadline: time.orNull,
    requested_at: time,
    updated_at: time,
  },
  indexes: [
    '(tx_hash) WHERE tx_hash IS NOT NULL',
    '(trader_id, requested_at DESC)',
    "(requested_at) WHERE status IN ('requested', 'signed', 'broadcast')",
    '(sponsor, sponsor_nonce)',
  ],
})
export type ActionRow = RowOf<typeof actions>

type DataOf<Type extends ActionEvent['type']> = Extract<ActionEvent, { type: Type }>['data']

const traderIdOf = ({ chainId, trader }: { chainId: number; trader: string }) => `${chainId}.${trader.toLowerCase()}`
const idOf = ({ actionId }: { actionId: string }) => ({ action_id: actionId })

const begun = (
  data: DataOf<'ostium.DelegatedActionRequested.v1'> | DataOf<'ostium.DelegatedActionRefused.v1'>,
  ended: Pick<ActionRow, 'status' | 'revert' | 'deadline'>,
) => [
  upsert(actions, {
    ...idOf(data),
    ...{ trader_id: traderIdOf(data), chain_id: data.chainId, trader: data.trader },
    ...{ agent_id: data.agentId, operation: data.operation, ...ended },
    ...{ sponsor: null, sponsor_nonce: null, attempt: 0, tx_hash: null, raw_transaction: null },
    ...{ block_number: null, block_hash: null, gas_used: null, gas_price: null, order_id: null, reason: null },
    ...{ requested_at: data.occurredAt, updated_at: data.occurredAt },
  }),
]

const inBlock = (data: DataOf<'ostium.DelegatedActionIncluded.v1'> | DataOf<'ostium.DelegatedActionReverted.v1'>) => ({
  ...{ tx_hash: data.txHash, block_number: data.blockNumber, block_hash: data.blockHash },
  ...{ gas_used: data.gasUsed, gas_price: data.gasPrice, updated_at: data.occurredAt },
})

export const actionProjection = defineProjection<ActionEvent>({
  name: 'ostium.action',
  version: 2,
  onPoison: 'park',
  tables: [actions],
  handlers: {
    'ostium.DelegatedActionRequested.v1': ({ data }) =>
      begun(data, { status: 'requested', revert: null, deadline: data.deadline }),
    'ostium.DelegatedActionRefused.v1': ({ data }) =>
      begun(data, { status: 'refused', revert: data.revert, deadline: null }),
    'ostium.DelegatedActionSigned.v1': ({ data }) => [
      patch(actions, idOf(data), {
        ...{ status: 'signed', sponsor: data.sponsor, sponsor_nonce: data.sponsorNonce, attempt: data.attempt },
        ...{ tx_hash: data.txHash, raw_transaction: data.rawTransaction, updated_at: data.occurredAt },
      }),
    ],
    'ostium.DelegatedActionBroadcast.v1': ({ data }) => [
      patch(actions, idOf(data), { status: 'broadcast', updated_at: data.occurredAt }),
    ],
    'ostium.DelegatedActionIncluded.v1': ({ data }) => [
      patch(actions, idOf(data), { ...inBlock(data), status: 'included', order_id: data.orderId }),
    ],
    'ostium.DelegatedActionReverted.v1': ({ data }) => [
      patch(actions, idOf(data), { ...inBlock(data), status: 'reverted', revert: data.revert }),
    ],
    'ostium.DelegatedActionAbandoned.v1': ({ data }) => [
      patch(actions, idOf(data), {
        ...{ status: 'abandoned', reason: data.reason, revert: data.revert, updated_at: data.occurredAt },
      }),
    ],
  },
})

export const findAction = preparedOne((db, actionId: string) =>
  db.selectFrom('ostium_action').selectAll().where('action_id', '=', actionId),
)

/** Those of a chain that have not ended, the oldest first. */
export const findActionsUnderWay = (db: ReadModels, chainId: number, limit: number): Promise<ActionRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_action')
    .selectAll()
    .where('chain_id', '=', chainId)
    .where('status', 'in', underWay)
    .orderBy('requested_at')
    .orderBy('action_id')
    .limit(limit)
    .execute()

/** What has a nonce of the sponsor from this one on, in the order of the nonces. */
export const findByNonce = (
  db: ReadModels,
  chainId: number,
  sponsor: string,
  from: number,
  limit: number,
): Promise<ActionRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_action')
    .selectAll()
    .where('chain_id', '=', chainId)
    .where('sponsor', '=', sponsor)
    .where('sponsor_nonce', '>=', from)
    .orderBy('sponsor_nonce')
    .limit(limit)
    .execute()

interface Filter {
  /** As its stream is called. */
  traderId?: string | undefined
  status?: ActionStatus | undefined
}

/** Newest first, at most `limit`. */
export function listActions(db: ReadModels, { traderId, status }: Filter, limit: number): Promise<ActionRow[]> {
  let query = ostiumTables(db).selectFrom('ostium_action').selectAll()
  if (traderId !== undefined) query = query.where('trader_id', '=', traderId)
  if (status !== undefined) query = query.where('status', '=', status)
  return query.orderBy('requested_at', 'desc').limit(limit).execute()
}

/** The account that has paid last on this chain; undefined: none has. */
export async function findLastSponsor(db: ReadModels, chainId: number): Promise<string | undefined> {
  const found = await ostiumTables(db)
    .selectFrom('ostium_action')
    .select('sponsor')
    .where('chain_id', '=', chainId)
    .where('sponsor', 'is not', null)
    .orderBy('requested_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return found?.sponsor ?? undefined
}

/** Those that were asked for, never signed, and are past their deadline: the oldest first. */
export const findLapsedActions = (db: ReadModels, at: string, limit: number): Promise<ActionRow[]> =>
  ostiumTables(db)
    .selectFrom('ostium_action')
    .selectAll()
    .where('status', '=', 'requested')
    .where('deadline', '<=', at)
    .orderBy('requested_at')
    .limit(limit)
    .execute()
