/**
 * Corrections of balances. The request makes the row; what became of its command to the engine follows from the relay's
 * records and the engine's own events, each of which sets columns of its own, and the status from which of them are set.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, patch, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Requested = Extract<AccountEvent, { type: 'noctant.AccountCorrectionRequested.v1' }>['data']

export type CorrectionStatus =
  | 'publishing'
  | 'published'
  | 'executed'
  | 'publish_failed'
  | 'execution_failed'
  | 'invalid_execution'

/** What the contract's AccountCorrectionView shows, but for what is the same for all. */
export type CorrectionView = {
  correction_id: string
  user_id: string
  account_id: string
  amount: string
  reason: string
  operator_reference: string | null
  idempotency_key: string
  command_id: string
  trace_id: string | null
  requested_at: string
  published_at: string | null
  publish_failed_at: string | null
  executed_at: string | null
  execution_event_id: string | null
  execution_failed_at: string | null
  execution_failure_code: string | null
  execution_failure_reason: string | null
}

export type CorrectionColumns = CorrectionView & {
  operator_id: string
  program_account_id: string
  note: string | null
  /** The engine's decision on the command. */
  outcome: string | null
  /** What the engine added to the balance. */
  executed_amount: string | null
}
export type CorrectionRow = CorrectionColumns & { status: CorrectionStatus }

export const corrections = defineTable<CorrectionColumns, 'command_id'>({
  name: 'noctant_corrections',
  key: ['command_id'],
  columns: {
    command_id: 'uuid NOT NULL',
    correction_id: 'uuid NOT NULL UNIQUE',
    operator_id: 'uuid NOT NULL',
    user_id: 'uuid NOT NULL',
    program_account_id: 'uuid NOT NULL',
    account_id: 'uuid NOT NULL',
    amount: 'numeric NOT NULL',
    reason: 'text NOT NULL',
    note: 'text',
    operator_reference: 'text',
    idempotency_key: 'text NOT NULL',
    trace_id: 'text',
    requested_at: 'timestamptz(3) NOT NULL',
    published_at: 'timestamptz(3)',
    publish_failed_at: 'timestamptz(3)',
    outcome: 'text',
    executed_amount: 'numeric',
    executed_at: 'timestamptz(3)',
    execution_event_id: 'uuid',
    execution_failed_at: 'timestamptz(3)',
    execution_failure_code: 'text',
    execution_failure_reason: 'text',
  },
  generated: {
    // An engine that accepts a correction and moves another amount, or refuses it and moves one, is not to be believed.
    status: `text GENERATED ALWAYS AS (CASE
      WHEN outcome = 'accepted' AND executed_amount IS NOT DISTINCT FROM amount THEN 'executed'
      WHEN outcome = 'accepted' OR (outcome IS NOT NULL AND executed_amount IS NOT NULL) THEN 'invalid_execution'
      WHEN outcome IS NOT NULL THEN 'execution_failed'
      WHEN publish_failed_at IS NOT NULL THEN 'publish_failed'
      WHEN published_at IS NOT NULL THEN 'published'
      ELSE 'publishing' END) STORED`,
  },
  indexes: ['(operator_id, user_id, requested_at DESC, correction_id DESC)'],
  writeOnce: ['published_at'],
})

/** The request stands in the log before anything that can follow from it, so its row is there for all the others. */
export const correctionProjection = defineProjection<AccountEvent | EngineCommandEvent | EngineEvent>({
  name: 'noctant.correction',
  version: 1,
  onPoison: 'halt',
  tables: [corrections],
  handlers: {
    'noctant.AccountCorrectionRequested.v1': ({ data }) => [upsert(corrections, requested(data))],
    'noctant.EngineCommandPublished.v1': ({ data }) => [
      patch(corrections, { command_id: data.commandId }, { published_at: data.occurredAt }),
    ],
    'noctant.EngineCommandDeadLettered.v1': ({ data }) => [
      patch(corrections, { command_id: data.commandId }, { publish_failed_at: data.occurredAt }),
    ],
    'noctant.EngineCommandRetryRequested.v1': ({ data }) => [
      patch(corrections, { command_id: data.commandId }, { publish_failed_at: null }),
    ],
    'noctant.EngineBalanceChanged.v1': ({ id, data }) => {
      if (data.cause !== 'correction' || data.commandId === null) return []
      const executed = { executed_amount: data.change, executed_at: data.occurredAt, execution_event_id: id }
      return [patch(corrections, { command_id: data.commandId }, executed)]
    },
    'noctant.EngineCommandDecided.v1': ({ data }) => {
      if (data.kind !== 'adjust_balance') return []
      const { outcome, reasonCode, reason, occurredAt } = data
      const failure = {
        execution_failed_at: occurredAt,
        execution_failure_code: reasonCode,
        execution_failure_reason: reason,
      }
      return [
        patch(corrections, { command_id: data.commandId }, { outcome, ...(outcome === 'accepted' ? {} : failure) }),
      ]
    },
  },
})

const requested = (data: Requested): CorrectionColumns => ({
  command_id: data.commandId,
  correction_id: data.correctionId,
  operator_id: data.operatorId,
  user_id: data.globalUserId,
  program_account_id: data.programAccountId,
  account_id: data.accountId,
  amount: data.amount,
  reason: data.reason,
  note: data.note,
  operator_reference: data.operatorReference,
  idempotency_key: data.idempotencyKey,
  trace_id: data.traceId,
  requested_at: data.occurredAt,
  published_at: null,
  publish_failed_at: null,
  outcome: null,
  executed_amount: null,
  executed_at: null,
  execution_event_id: null,
  execution_failed_at: null,
  execution_failure_code: null,
  execution_failure_reason: null,
})

const viewColumns = [
  'correction_id',
  'user_id',
  'account_id',
  'status',
  'amount',
  'reason',
  'operator_reference',
  'idempotency_key',
  'command_id',
  'trace_id',
  'requested_at',
  'published_at',
  'publish_failed_at',
  'executed_at',
  'execution_event_id',
  'execution_failed_at',
  'execution_failure_code',
  'execution_failure_reason',
] as const

/** A correction of this user of the operator's, or undefined. */
export const findCorrection = preparedOne((db, operatorId: string, userId: string, correctionId: string) =>
  db
    .selectFrom('noctant_corrections')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .where('correction_id', '=', correctionId),
)

/** Newest first; `before` is the last correction of the page before. */
export function listCorrections(
  db: ReadModels,
  of: { operatorId: string; userId: string },
  page: { before?: { requestedAt: string; correctionId: string } | undefined; limit: number },
): Promise<(CorrectionView & { status: CorrectionStatus })[]> {
  const { before, limit } = page
  return noctantTables(db)
    .selectFrom('noctant_corrections')
    .select(viewColumns)
    .where('operator_id', '=', of.operatorId)
    .where('user_id', '=', of.userId)
    .$if(before !== undefined, (query) =>
      query.where(({ eb, refTuple, tuple }) =>
        eb(refTuple('requested_at', 'correction_id'), '<', tuple(before!.requestedAt, before!.correctionId)),
      ),
    )
    .orderBy('requested_at', 'desc')
    .orderBy('correction_id', 'desc')
    .limit(limit)
    .execute()
}
