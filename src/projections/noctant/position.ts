/** Open positions of the execution accounts; a closed one leaves the table and lives on in the trades. */
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { numeric, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export const positions = defineTable({
  name: 'noctant_positions',
  key: ['position_id'],
  columns: {
    position_id: uuid,
    account_id: uuid,
    symbol: text,
    side: text.of<'long' | 'short'>(),
    quantity: numeric,
    avg_entry_price: numeric,
    take_profit: numeric.orNull,
    stop_loss: numeric.orNull,
    unrealized_pnl: numeric.orNull,
    opened_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, opened_at DESC, position_id DESC)'],
})

/** What the contract's AccountPositionView shows. */
export type PositionView = RowOf<typeof positions> & { org_id: string }

export const positionProjection = defineProjection<EngineEvent>({
  name: 'noctant.position',
  version: 1,
  onPoison: 'park',
  tables: [positions],
  handlers: {
    'noctant.EnginePositionChanged.v1': ({ data }) => [
      upsert(positions, {
        ...snake(data),
        avg_entry_price: data.averageEntryPrice,
        updated_at: data.occurredAt,
      }),
    ],
    'noctant.EngineAccountMarked.v1': ({ data }) =>
      data.positions.map((marked) =>
        patch(positions, snake(marked, 'positionId'), {
          unrealized_pnl: marked.unrealizedPnl,
          updated_at: data.occurredAt,
        }),
      ),
    'noctant.EnginePositionClosed.v1': ({ data }) => [remove(positions, snake(data, 'positionId'))],
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
