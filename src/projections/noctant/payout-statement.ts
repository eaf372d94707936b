/**
 * Payout statements: a request and all that came of it. A statement keeps what the policy was applied to, and what it
 * said, as they were recorded.
 */
import type {
  PayoutDecision,
  PayoutEvent,
  PayoutInput,
  PayoutSnapshot,
  SettlementStatus,
} from '../../events/noctant/payout.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, jsonb, numeric, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import {
  type Change,
  columnsBut,
  columnsOf,
  defineProjection,
  defineTable,
  patch,
  upsert,
  type WrittenOf,
} from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Requested = Extract<PayoutEvent, { type: 'noctant.PayoutRequested.v1' }>['data']

export type PayoutReview = {
  decision: 'approved' | 'rejected'
  note: string | null
  operator_reference: string | null
  decided_at: string
}

type PolicyStatus = 'pending_review' | 'approved' | 'rejected'
type EffectStatus = 'not_applicable' | 'reserved' | 'executing' | 'executed' | 'failed' | 'invalid_execution'

export const statements = defineTable({
  name: 'noctant_payout_statements',
  key: ['payout_request_id'],
  columns: {
    payout_request_id: uuid,
    operator_id: uuid,
    program_account_id: uuid,
    user_id: uuid,
    account_id: uuid,
    challenge_instance_id: uuid,
    challenge_chain_id: uuid,
    policy_status: text.of<PolicyStatus>(),
    account_effect_status: text.of<EffectStatus>(),
    external_settlement_status: text.of<SettlementStatus>(),
    external_settlement_reference: text.orNull,
    externally_settled_at: time.orNull,
    requested_amount: numeric,
    accepted_gross_amount: numeric.orNull,
    trader_amount: numeric.orNull,
    firm_retained_amount: numeric.orNull,
    required_remaining_buffer: numeric,
    ordinal_payout_number: integer.orNull,
    policy_snapshot: jsonb.of<PayoutSnapshot>(),
    policy_input: jsonb.of<PayoutInput>(),
    policy_decision: jsonb.of<PayoutDecision>(),
    /** The operator's own decision. */
    review: jsonb.of<PayoutReview>().orNull,
    failure: jsonb.of<{ code: string; reason: string | null }>().orNull,
    note: text.orNull,
    operator_reference: text.orNull,
    trace_id: text.orNull,
    request_command_id: uuid,
    requested_at: time,
    approved_at: time.orNull,
    rejected_at: time.orNull,
    executed_at: time.orNull,
    /** The engine's event. */
    execution_event_id: uuid.orNull,
  },
  indexes: ['(request_command_id)', '(operator_id, user_id, requested_at DESC, payout_request_id DESC)'],
})
type Written = WrittenOf<typeof statements>

const change = (data: { payoutRequestId: string }, values: Partial<Omit<Written, 'payout_request_id'>>): Change =>
  patch(statements, snake(data, 'payoutRequestId'), values)

export const payoutStatementProjection = defineProjection<PayoutEvent>({
  name: 'noctant.payoutStatement',
  version: 2,
  onPoison: 'halt',
  tables: [statements],
  handlers: {
    'noctant.PayoutRequested.v1': ({ data }) => [
      upsert(statements, statementRow(data, { ...untouched, policy_status: 'pending_review' })),
    ],
    'noctant.PayoutRequestRefused.v1': ({ data }) => [
      upsert(statements, statementRow(data, { ...untouched, policy_status: 'rejected', rejected_at: data.occurredAt })),
    ],
    'noctant.PayoutApproved.v1': ({ data }) => {
      const { note, operatorReference: operator_reference, occurredAt } = data
      const review: PayoutReview = { decision: 'approved', note, operator_reference, decided_at: occurredAt }
      const decided = { policy_status: 'approved', account_effect_status: 'reserved', approved_at: occurredAt } as const
      return [change(data, { ...decided, review })]
    },
    'noctant.PayoutRejected.v1': ({ data }) => {
      const { reason: note, operatorReference: operator_reference, occurredAt } = data
      const review: PayoutReview = { decision: 'rejected', note, operator_reference, decided_at: occurredAt }
      const decided = { policy_status: 'rejected', account_effect_status: 'not_applicable' } as const
      return [change(data, { ...decided, rejected_at: occurredAt, review })]
    },
    'noctant.PayoutExecutionRequested.v1': ({ data }) => [change(data, { account_effect_status: 'executing' })],
    'noctant.PayoutExecuted.v1': ({ data }) => [
      change(data, {
        account_effect_status: 'executed',
        executed_at: data.executedAt,
        execution_event_id: data.sourceEventId,
        failure: null,
      }),
    ],
    'noctant.PayoutExecutionFailed.v1': ({ data }) => [
      change(data, { account_effect_status: 'failed', failure: snake(data, 'code', 'reason') }),
    ],
    'noctant.PayoutExecutionInvalid.v1': ({ data }) => [
      change(data, {
        account_effect_status: 'invalid_execution',
        execution_event_id: data.sourceEventId,
        failure: snake(data, 'code', 'reason'),
      }),
    ],
    'noctant.PayoutSettlementUpdated.v1': ({ data }) => [
      change(data, {
        external_settlement_status: data.to,
        externally_settled_at: data.to === 'operator_marked_paid' ? data.occurredAt : null,
        ...(data.reference === null ? {} : { external_settlement_reference: data.reference }),
      }),
    ],
  },
})

/** What later events change of a statement. */
type Standing = Pick<
  Written,
  | 'policy_status'
  | 'account_effect_status'
  | 'external_settlement_status'
  | 'external_settlement_reference'
  | 'externally_settled_at'
  | 'review'
  | 'failure'
  | 'approved_at'
  | 'rejected_at'
  | 'executed_at'
  | 'execution_event_id'
>

const untouched: Omit<Standing, 'policy_status'> = {
  account_effect_status: 'not_applicable',
  external_settlement_status: 'not_tracked',
  external_settlement_reference: null,
  externally_settled_at: null,
  review: null,
  failure: null,
  approved_at: null,
  rejected_at: null,
  executed_at: null,
  execution_event_id: null,
}

const statementRow = (data: Requested, standing: Standing): Written => ({
  ...snake(data, 'payoutRequestId', 'operatorId', 'programAccountId', 'accountId', 'requestedAmount'),
  ...snake(data, 'policySnapshot', 'policyInput', 'policyDecision'),
  ...snake(data, 'note', 'operatorReference', 'traceId', 'requestCommandId'),
  user_id: data.globalUserId,
  challenge_instance_id: data.instanceId,
  challenge_chain_id: data.chainId,
  accepted_gross_amount: data.policyDecision.granted?.grossAmount ?? null,
  trader_amount: data.policyDecision.granted?.traderAmount ?? null,
  firm_retained_amount: data.policyDecision.granted?.firmRetainedAmount ?? null,
  required_remaining_buffer: data.policyDecision.requiredRemainingBuffer,
  ordinal_payout_number: data.policyDecision.granted?.ordinal ?? null,
  requested_at: data.occurredAt,
  ...standing,
})

const hidden = ['operator_id', 'program_account_id', 'note'] as const
/** What the contract's PayoutStatement shows, but for what follows from it: all but the tenant's, and the note. */
export type StatementView = Omit<Written, (typeof hidden)[number]>
const viewColumns = columnsBut(statements, ...hidden)

/** The view that a read shows of a request that stands so. */
export const statementView = (data: Requested, standing: Standing): StatementView =>
  columnsOf(viewColumns, statementRow(data, standing))

export const findStatement = preparedOne((db, operatorId: string, userId: string, payoutRequestId: string) =>
  db
    .selectFrom('noctant_payout_statements')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .where('payout_request_id', '=', payoutRequestId),
)

/** Newest first. */
export function listStatements(
  db: ReadModels,
  { operatorId, userId }: { operatorId: string; userId: string },
  page: Page<'requested_at' | 'payout_request_id'>,
): Promise<StatementView[]> {
  const query = noctantTables(db).selectFrom('noctant_payout_statements').select(viewColumns)
  const ofUser = query.where('operator_id', '=', operatorId).where('user_id', '=', userId)
  return newestFirst(ofUser, ['requested_at', 'payout_request_id'], page).execute()
}
