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
import { type Change, defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Requested = Extract<PayoutEvent, { type: 'noctant.PayoutRequested.v1' }>['data']

export type PayoutReview = {
  decision: 'approved' | 'rejected'
  note: string | null
  operator_reference: string | null
  decided_at: string
}

/** What the contract's PayoutStatement shows, but for what follows from it. */
export type StatementView = {
  payout_request_id: string
  user_id: string
  account_id: string
  challenge_instance_id: string
  challenge_chain_id: string
  policy_status: 'pending_review' | 'approved' | 'rejected'
  account_effect_status: 'not_applicable' | 'reserved' | 'executing' | 'executed' | 'failed' | 'invalid_execution'
  external_settlement_status: SettlementStatus
  external_settlement_reference: string | null
  externally_settled_at: string | null
  requested_amount: string
  accepted_gross_amount: string | null
  trader_amount: string | null
  firm_retained_amount: string | null
  required_remaining_buffer: string
  ordinal_payout_number: number | null
  policy_snapshot: PayoutSnapshot
  policy_input: PayoutInput
  policy_decision: PayoutDecision
  /** The operator's own decision. */
  review: PayoutReview | null
  failure: { code: string; reason: string | null } | null
  operator_reference: string | null
  trace_id: string | null
  request_command_id: string
  requested_at: string
  approved_at: string | null
  rejected_at: string | null
  executed_at: string | null
  /** The engine's event. */
  execution_event_id: string | null
}

export type StatementRow = StatementView & { operator_id: string; program_account_id: string; note: string | null }

export const statements = defineTable<StatementRow, 'payout_request_id'>({
  name: 'noctant_payout_statements',
  key: ['payout_request_id'],
  columns: {
    payout_request_id: 'uuid NOT NULL',
    operator_id: 'uuid NOT NULL',
    program_account_id: 'uuid NOT NULL',
    user_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    challenge_instance_id: 'uuid NOT NULL',
    challenge_chain_id: 'uuid NOT NULL',
    policy_status: 'text NOT NULL',
    account_effect_status: 'text NOT NULL',
    external_settlement_status: 'text NOT NULL',
    external_settlement_reference: 'text',
    externally_settled_at: 'timestamptz(3)',
    requested_amount: 'numeric NOT NULL',
    accepted_gross_amount: 'numeric',
    trader_amount: 'numeric',
    firm_retained_amount: 'numeric',
    required_remaining_buffer: 'numeric NOT NULL',
    ordinal_payout_number: 'integer',
    policy_snapshot: 'jsonb NOT NULL',
    policy_input: 'jsonb NOT NULL',
    policy_decision: 'jsonb NOT NULL',
    review: 'jsonb',
    failure: 'jsonb',
    note: 'text',
    operator_reference: 'text',
    trace_id: 'text',
    request_command_id: 'uuid NOT NULL',
    requested_at: 'timestamptz(3) NOT NULL',
    approved_at: 'timestamptz(3)',
    rejected_at: 'timestamptz(3)',
    executed_at: 'timestamptz(3)',
    execution_event_id: 'uuid',
  },
  indexes: ['(operator_id, user_id, requested_at DESC, payout_request_id DESC)'],
})

const change = (data: { payoutRequestId: string }, values: Partial<Omit<StatementRow, 'payout_request_id'>>): Change =>
  patch(statements, { payout_request_id: data.payoutRequestId }, values)

export const payoutStatementProjection = defineProjection<PayoutEvent>({
  name: 'noctant.payoutStatement',
  version: 1,
  onPoison: 'halt',
  tables: [statements],
  handlers: {
    'noctant.PayoutRequested.v1': ({ data }) => [upsert(statements, requested(data, 'pending_review'))],
    'noctant.PayoutRequestRefused.v1': ({ data }) => [upsert(statements, requested(data, 'rejected'))],
    'noctant.PayoutApproved.v1': ({ data }) => {
      const { note, operatorReference: operator_reference, occurredAt } = data
      const review: PayoutReview = { decision: 'approved', note, operator_reference, decided_at: occurredAt }
      const decided = { policy_status: 'approved', account_effect_status: 'reserved', approved_at: occurredAt } as const
      return [change(data, { ...decided, review })]
    },
    'noctant.PayoutRejected.v1': ({ data }) => {
      const { reason: note, operatorReference: operator_reference, occurredAt } = data
      const review: PayoutReview = { decision: 'rejected', note, operator_reference, decided_at: occurredAt }
      return [change(data, { policy_status: 'rejected', rejected_at: occurredAt, review })]
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
      change(data, { account_effect_status: 'failed', failure: { code: data.code, reason: data.reason } }),
    ],
    'noctant.PayoutExecutionInvalid.v1': ({ data }) => [
      change(data, {
        account_effect_status: 'invalid_execution',
        execution_event_id: data.sourceEventId,
        failure: { code: data.code, reason: data.reason },
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

const requested = (data: Requested, policy_status: 'pending_review' | 'rejected'): StatementRow => ({
  payout_request_id: data.payoutRequestId,
  operator_id: data.operatorId,
  program_account_id: data.programAccountId,
  user_id: data.globalUserId,
  account_id: data.accountId,
  challenge_instance_id: data.instanceId,
  challenge_chain_id: data.chainId,
  policy_status,
  account_effect_status: 'not_applicable',
  external_settlement_status: 'not_tracked',
  external_settlement_reference: null,
  externally_settled_at: null,
  requested_amount: data.requestedAmount,
  accepted_gross_amount: data.policyDecision.granted?.grossAmount ?? null,
  trader_amount: data.policyDecision.granted?.traderAmount ?? null,
  firm_retained_amount: data.policyDecision.granted?.firmRetainedAmount ?? null,
  required_remaining_buffer: data.policyDecision.requiredRemainingBuffer,
  ordinal_payout_number: data.policyDecision.granted?.ordinal ?? null,
  policy_snapshot: data.policySnapshot,
  policy_input: data.policyInput,
  policy_decision: data.policyDecision,
  review: null,
  failure: null,
  note: data.note,
  operator_reference: data.operatorReference,
  trace_id: data.traceId,
  request_command_id: data.requestCommandId,
  requested_at: data.occurredAt,
  approved_at: null,
  rejected_at: policy_status === 'rejected' ? data.occurredAt : null,
  executed_at: null,
  execution_event_id: null,
})

/** The view's columns: all but the tenant's and the note, which is for the record. */
const statementColumns = Object.keys(statements.columns).filter(
  (name) => !['operator_id', 'program_account_id', 'note'].includes(name),
) as (keyof StatementView)[]

/** Whose. */
type Owner = { operatorId: string; userId: string }

export const findStatement = preparedOne((db, operatorId: string, userId: string, payoutRequestId: string) =>
  db
    .selectFrom('noctant_payout_statements')
    .select(statementColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .where('payout_request_id', '=', payoutRequestId),
)

/** Newest first; `before` is the last statement of the page before. */
export const listStatements = (
  db: ReadModels,
  { operatorId, userId }: Owner,
  { before, limit }: { before?: { requestedAt: string; payoutRequestId: string } | undefined; limit: number },
): Promise<StatementView[]> =>
  noctantTables(db)
    .selectFrom('noctant_payout_statements')
    .select(statementColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('requested_at', 'payout_request_id'), '<', tuple(before!.requestedAt, before!.payoutRequestId)),
      ),
    )
    .orderBy('requested_at', 'desc')
    .orderBy('payout_request_id', 'desc')
    .limit(limit)
    .execute()
