/** What was paid out: the cash events of payouts that the engine has executed. */
import type { Recorded } from '../../events/event.ts'
import type { PayoutEvent } from '../../events/noctant/payout.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, upsert } from '../projection.ts'
import { noctantTables } from './tables.ts'

type Executed = Extract<PayoutEvent, { type: 'noctant.PayoutExecuted.v1' }>

/** What the contract's PayoutRecord shows. */
export type PayoutView = {
  event_id: string
  amount: string
  currency: string
  occurred_at: string
  instance_id: string
  chain_id: string
  source_event_id: string
  /** The payout request. */
  correlation_id: string
  description: string
}

export type PayoutRow = PayoutView & { operator_id: string; user_id: string }

export const cashEvents = defineTable<PayoutRow, 'event_id'>({
  name: 'noctant_payouts',
  key: ['event_id'],
  columns: {
    event_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    user_id: 'uuid NOT NULL',
    amount: 'numeric NOT NULL',
    currency: 'text NOT NULL',
    occurred_at: 'timestamptz(3) NOT NULL',
    instance_id: 'uuid NOT NULL',
    chain_id: 'uuid NOT NULL',
    source_event_id: 'uuid NOT NULL',
    correlation_id: 'text NOT NULL',
    description: 'text NOT NULL',
  },
  indexes: ['(operator_id, user_id, occurred_at DESC, event_id DESC)'],
})

export const payoutProjection = defineProjection<PayoutEvent>({
  name: 'noctant.payout',
  version: 1,
  onPoison: 'halt',
  tables: [cashEvents],
  handlers: { 'noctant.PayoutExecuted.v1': (event) => [upsert(cashEvents, cash(event))] },
})

/** The trader's part is what is paid out; the account was debited by all of it. */
const cash = ({ id, data }: Recorded<Executed>): PayoutRow => ({
  event_id: id,
  operator_id: data.operatorId,
  user_id: data.globalUserId,
  amount: data.traderAmount,
  currency: data.currency,
  occurred_at: data.executedAt,
  instance_id: data.instanceId,
  chain_id: data.chainId,
  source_event_id: data.sourceEventId,
  correlation_id: data.payoutRequestId,
  description: `Payout ${data.ordinal}: the trader’s part of ${data.grossAmount} ${data.currency}`,
})

const payoutColumns = Object.keys(cashEvents.columns).filter(
  (name) => !['operator_id', 'user_id'].includes(name),
) as (keyof PayoutView)[]

/** Newest first; `before` is the last payout of the page before. */
export const listPayouts = (
  db: ReadModels,
  { operatorId, userId }: { operatorId: string; userId: string },
  { before, limit }: { before?: { occurredAt: string; eventId: string } | undefined; limit: number },
): Promise<PayoutView[]> =>
  noctantTables(db)
    .selectFrom('noctant_payouts')
    .select(payoutColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('occurred_at', 'event_id'), '<', tuple(before!.occurredAt, before!.eventId)),
      ),
    )
    .orderBy('occurred_at', 'desc')
    .orderBy('event_id', 'desc')
    .limit(limit)
    .execute()
