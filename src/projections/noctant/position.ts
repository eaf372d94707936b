/** Open positions of the execution accounts; a closed one leaves the table and lives on in the trades. */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, remove, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export type PositionRow = {
  position_id: string
  account_id: string
  symbol: string
  side: 'long' | 'short'
  /** Decimals as text. */
  quantity: string
  avg_entry_price: string
  take_profit: string | null
  stop_loss: string | null
  unrealized_pnl: string | null
  opened_at: string
  updated_at: string
}

/** What the contract's AccountPositionView shows. */
export type PositionView = PositionRow & { org_id: string }

export const positions = defineTable<PositionRow, 'position_id'>({
  name: 'noctant_positions',
  key: ['position_id'],
  columns: {
    position_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    symbol: 'text NOT NULL',
    side: 'text NOT NULL',
    quantity: 'numeric NOT NULL',
    avg_entry_price: 'numeric NOT NULL',
    take_profit: 'numeric',
    stop_loss: 'numeric',
    unrealized_pnl: 'numeric',
    opened_at: 'timestamptz(3) NOT NULL',
    updated_at: 'timestamptz(3) NOT NULL',
  },
  indexes: ['(account_id, opened_at DESC, position_id DESC)'],
})

export const positionProjection = defineProjection<EngineEvent>({
  name: 'noctant.position',
  version: 1,
  onPoison: 'park',
  tables: [positions],
  handlers: {
    'noctant.EnginePositionChanged.v1': ({ data }) => [
      upsert(positions, {
        position_id: data.positionId,
        account_id: data.accountId,
        symbol: data.symbol,
        side: data.side,
        quantity: data.quantity,
        avg_entry_price: data.averageEntryPrice,
        take_profit: data.takeProfit,
        stop_loss: data.stopLoss,
        unrealized_pnl: data.unrealizedPnl,
        opened_at: data.openedAt,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.EngineAccountMarked.v1': ({ data }) =>
      data.positions.map((marked) =>
        patch(
          positions,
          { position_id: marked.positionId },
          { unrealized_pnl: marked.unrealizedPnl, updated_at: data.occurredAt },
        ),
      ),
    'noctant.EnginePositionClosed.v1': ({ data }) => [remove(positions, { position_id: data.positionId })],
  },
})

/** Positions of an execution account, newest first, at most `limit`. */
export const listPositions = (db: ReadModels, accountId: string, limit = 1_000): Promise<PositionView[]> =>
  noctantTables(db)
    .selectFrom('noctant_positions')
    .innerJoin('noctant_attempts', 'noctant_attempts.account_id', 'noctant_positions.account_id')
    .selectAll('noctant_positions')
    .select('noctant_attempts.org_id')
    .where('noctant_positions.account_id', '=', accountId)
    .orderBy('opened_at', 'desc')
    .orderBy('position_id', 'desc')
    .limit(limit)
    .execute()
