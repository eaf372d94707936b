/** What was paid out: the cash events of payouts that the engine has executed. */
import type { PayoutEvent } from '../../events/noctant/payout.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { numeric, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { columnsBut, defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

export const cashEvents = defineTable({
  name: 'noctant_payouts',
  key: ['event_id'],
  columns: {
    event_id: uuid,
    operator_id: uuid,
    user_id: uuid,
    amount: numeric,
    currency: text,
    occurred_at: time,
    instance_id: uuid,
    chain_id: uuid,
    source_event_id: uuid,
    /** The payout request. */
    correlation_id: text,
    description: text,
  },
  indexes: ['(operator_id, user_id, occurred_at DESC, event_id DESC)'],
})

export const payoutProjection = defineProjection<PayoutEvent>({
  name: 'noctant.payout',
  version: 1,
  onPoison: 'halt',
  tables: [cashEvents],
  handlers: {
    'noctant.PayoutExecuted.v1': ({ id, data }) => [
      upsert(cashEvents, {
        ...snake(data),
        event_id: id,
        user_id: data.globalUserId,
        // The trader's part is what is paid out; the account was debited by all of it.
        amount: data.traderAmount,
        occurred_at: data.executedAt,
        correlation_id: data.payoutRequestId,
        description: `Payout ${data.ordinal}: the trader’s part of ${data.grossAmount} ${data.currency}`,
      }),
    ],
  },
})

const hidden = ['operator_id', 'user_id'] as const
/** What the contract's PayoutRecord shows. */
export type PayoutView = Omit<RowOf<typeof cashEvents>, (typeof hidden)[number]>
const viewColumns = columnsBut(cashEvents, ...hidden)

/** Newest first. */
export function listPayouts(
  db: ReadModels,
  { operatorId, userId }: { operatorId: string; userId: string },
  page: Page<'occurred_at' | 'event_id'>,
): Promise<PayoutView[]> {
  const query = noctantTables(db).selectFrom('noctant_payouts').select(viewColumns)
  const ofUser = query.where('operator_id', '=', operatorId).where('user_id', '=', userId)
  return newestFirst(ofUser, ['occurred_at', 'event_id'], page).execute()
}
