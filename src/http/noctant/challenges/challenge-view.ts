/**
 * A challenge as the contract shows it, from a decision's state or from the read model's row, which hold the same: what
 * it was started with, and its last recorded figures.
 */
import { z } from '@hono/zod-openapi'
import type { ChallengeState } from '../../../commands/noctant/challenge.ts'
import type { AccountView } from '../../../projections/noctant/account.ts'
import type { ChallengeRow } from '../../../projections/noctant/challenge.ts'
import { inSnakeCase, snake } from '../../../runtime/letter-case.ts'
import { decimalOut, nullableDecimalOut, nullableTimeOut, nullableUuidOut, timeOut, uuidOut } from '../../schemas.ts'
import { int32 } from '../products/product-view.ts'

export const challengeView = z
  .object({
    instance_id: uuidOut,
    chain_id: uuidOut,
    parent_instance_id: nullableUuidOut.optional(),
    reset_number: int32,
    run_label: z.string(),
    template_id: uuidOut,
    template_version: int32,
    step_sequence: int32,
    rules_snapshot: z.any(),
    execution_snapshot: z.any(),
    org_id: uuidOut,
    user_id: uuidOut,
    account_id: uuidOut,
    account_number: z.string(),
    account_run_label: z.string(),
    status: z.string(),
    started_at: timeOut,
    activated_at: nullableTimeOut.optional(),
    ended_at: nullableTimeOut.optional(),
    created_at: timeOut,
    initial_balance: decimalOut,
    purchase_price_snapshot: decimalOut,
    activation_required_snapshot: z.boolean(),
    activation_price_snapshot: nullableDecimalOut.optional(),
    activation_status: z.string(),
    daily_pnl: decimalOut,
    total_pnl: decimalOut,
    current_drawdown: nullableDecimalOut.optional(),
    trading_days: int32,
    profitable_days: int32,
    peak_balance: nullableDecimalOut.optional(),
    peak_balance_eod: nullableDecimalOut.optional(),
    peak_equity: nullableDecimalOut.optional(),
    peak_equity_eod: nullableDecimalOut.optional(),
    daily_loss_start_equity: nullableDecimalOut.optional(),
    daily_loss_period_start_at: nullableTimeOut.optional(),
    daily_loss_start_recorded_at: nullableTimeOut.optional(),
  })
  .required({ rules_snapshot: true, execution_snapshot: true })
  .openapi('ChallengeView')

type Shown = Pick<
  ChallengeRow,
  'status' | 'activation_status' | 'activated_at' | 'ended_at' | 'started' | 'measures'
> & { account_status?: AccountView['sponsorship_status'] | null }

/** The view of a challenge after a command. Throws where there is none: no accepted command leaves it so. */
export function viewOf(state: ChallengeState) {
  if (state.status === 'absent') throw new Error('a challenge that was never started has no view')
  const { facts: started, activation: activation_status } = state
  return shown({ ...snake(state, 'status', 'measures', 'activatedAt', 'endedAt'), started, activation_status })
}

/** The view of a challenge's row. A live one whose account the operator has disabled is suspended; its time runs on. */
export function shown({ started, measures, ...row }: Shown): z.output<typeof challengeView> {
  const { terms } = started
  const label = `R${started.resetNumber}`
  const { required, price } = terms.activation
  return {
    instance_id: started.instanceId,
    chain_id: started.chainId,
    parent_instance_id: started.parentInstanceId,
    reset_number: started.resetNumber,
    run_label: label,
    template_id: started.templateId,
    template_version: started.templateVersion,
    step_sequence: measures.stepSequence,
    rules_snapshot: inSnakeCase(terms),
    execution_snapshot: inSnakeCase(started.execution),
    org_id: started.orgId,
    user_id: started.globalUserId,
    account_id: started.accountId,
    account_number: started.accountNumber,
    account_run_label: `${started.accountNumber} / ${label}`,
    status: row.ended_at === null && row.account_status === 'disabled' ? 'suspended' : row.status,
    started_at: started.occurredAt,
    activated_at: row.activated_at,
    ended_at: row.ended_at,
    created_at: started.occurredAt,
    initial_balance: started.initialBalance,
    purchase_price_snapshot: started.purchasePrice,
    activation_required_snapshot: required,
    activation_price_snapshot: required ? price : null,
    activation_status: row.activation_status,
    daily_pnl: measures.dailyPnl,
    total_pnl: measures.totalPnl,
    current_drawdown: measures.drawdown,
    trading_days: measures.tradingDays,
    profitable_days: measures.profitableDays,
    peak_balance: measures.peakBalance,
    peak_balance_eod: measures.peakBalanceEod,
    peak_equity: measures.peakEquity,
    peak_equity_eod: measures.peakEquityEod,
    daily_loss_start_equity: measures.day.startEquity,
    daily_loss_period_start_at: measures.day.startsAt,
    daily_loss_start_recorded_at: measures.day.startRecordedAt,
  }
}
