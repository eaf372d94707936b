/**
 * Corrections of balances. The request makes the row; what became of its command to the engine follows from the relay's
 * records and the engine's own events, each of which sets columns of its own, and the status from which of them are set.
 */
import type { AccountEvent } from '../../events/noctant/account.ts'
import type { EngineEvent } from '../../events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../events/noctant/engine-command.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { numeric, text, time, uuid } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import {
  type Change,
  columnsBut,
  columnsOf,
  defineProjection,
  defineTable,
  patch,
  type RowOf,
  upsert,
  type WrittenOf,
} from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

export type CorrectionStatus =
  | 'publishing'
  | 'published'
  | 'executed'
  | 'publish_failed'
  | 'execution_failed'
  | 'invalid_execution'

export const corrections = defineTable({
  name: 'noctant_corrections',
  key: ['command_id'],
  columns: {
    command_id: uuid,
    correction_id: uuid.unique,
    operator_id: uuid,
    user_id: uuid,
    program_account_id: uuid,
    account_id: uuid,
    amount: numeric,
    reason: text,
    note: text.orNull,
    operator_reference: text.orNull,
    idempotency_key: text,
    trace_id: text.orNull,
    requested_at: time,
    published_at: time.orNull,
    publish_failed_at: time.orNull,
    /** The engine's decision on the command. */
    outcome: text.orNull,
    /** What the engine added to the balance. */
    executed_amount: numeric.orNull,
    executed_at: time.orNull,
    execution_event_id: uuid.orNull,
    execution_failed_at: time.orNull,
    execution_failure_code: text.orNull,
    execution_failure_reason: text.orNull,
  },
  generated: {
    // An engine that accepts a correction and moves another amount, or refuses it and moves one, is not to be believed.
    status: text.of<CorrectionStatus>().computed(`CASE
      WHEN outcome = 'accepted' AND executed_amount IS NOT DISTINCT FROM amount THEN 'executed'
      WHEN outcome = 'accepted' OR (outcome IS NOT NULL AND executed_amount IS NOT NULL) THEN 'invalid_execution'
      WHEN outcome IS NOT NULL THEN 'execution_failed'
      WHEN publish_failed_at IS NOT NULL THEN 'publish_failed'
      WHEN published_at IS NOT NULL THEN 'published'
      ELSE 'publishing' END`),
  },
  indexes: ['(correction_id)', '(operator_id, user_id, requested_at DESC, correction_id DESC)'],
  writeOnce: ['published_at'],
})

const change = (commandId: string, values: Partial<Omit<WrittenOf<typeof corrections>, 'command_id'>>): Change =>
  patch(corrections, { command_id: commandId }, values)

/** As the request leaves it. */
const begun = {
  published_at: null,
  publish_failed_at: null,
  outcome: null,
  executed_amount: null,
  executed_at: null,
  execution_event_id: null,
  execution_failed_at: null,
  execution_failure_code: null,
  execution_failure_reason: null,
}

type Requested = Extract<AccountEvent, { type: 'noctant.AccountCorrectionRequested.v1' }>['data']

const correctionRow = (data: Requested) => ({
  ...snake(data),
  ...begun,
  user_id: data.globalUserId,
  requested_at: data.occurredAt,
})

/** The request stands in the log before anything that can follow from it, so its row is there for all the others. */
export const correctionProjection = defineProjection<AccountEvent | EngineCommandEvent | EngineEvent>({
  name: 'noctant.correction',
  version: 2,
  onPoison: 'halt',
  tables: [corrections],
  handlers: {
    'noctant.AccountCorrectionRequested.v1': ({ data }) => [upsert(corrections, correctionRow(data))],
    'noctant.EngineCommandPublished.v1': ({ data }) => [change(data.commandId, { published_at: data.occurredAt })],
    'noctant.EngineCommandDeadLettered.v1': ({ data }) => [
      change(data.commandId, { publish_failed_at: data.occurredAt }),
    ],
    'noctant.EngineCommandRetryRequested.v1': ({ data }) => [change(data.commandId, { publish_failed_at: null })],
    'noctant.EngineBalanceChanged.v1': ({ id, data }) => {
      if (data.cause !== 'correction' || data.commandId === null) return []
      const executed = { executed_amount: data.change, executed_at: data.occurredAt, execution_event_id: id }
      return [change(data.commandId, executed)]
    },
    'noctant.EngineCommandDecided.v1': ({ data }) => {
      if (data.kind !== 'adjust_balance') return []
      const { outcome, reasonCode, reason, occurredAt } = data
      const failure = {
        execution_failed_at: occurredAt,
        execution_failure_code: reasonCode,
        execution_failure_reason: reason,
      }
      return [change(data.commandId, { outcome, ...(outcome === 'accepted' ? {} : failure) })]
    },
  },
})

const hidden = ['operator_id', 'program_account_id', 'note', 'outcome', 'executed_amount'] as const
/** What the contract's AccountCorrectionView shows, but for what is the same for all. */
export type CorrectionView = Omit<RowOf<typeof corrections>, (typeof hidden)[number]>
const viewColumns = columnsBut(corrections, ...hidden)

/** What a read shows of a correction that has just been requested. */
export const requestedCorrection = (data: Requested): CorrectionView =>
  columnsOf(viewColumns, { ...correctionRow(data), status: 'publishing' as const })

/** A correction of this user of the operator's, or undefined. */
export const findCorrection = preparedOne((db, operatorId: string, userId: string, correctionId: string) =>
  db
    .selectFrom('noctant_corrections')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('user_id', '=', userId)
    .where('correction_id', '=', correctionId),
)

/** Newest first. */
export function listCorrections(
  db: ReadModels,
  { operatorId, userId }: { operatorId: string; userId: string },
  page: Page<'requested_at' | 'correction_id'>,
): Promise<CorrectionView[]> {
  const query = noctantTables(db).selectFrom('noctant_corrections').select(viewColumns)
  const ofUser = query.where('operator_id', '=', operatorId).where('user_id', '=', userId)
  return newestFirst(ofUser, ['requested_at', 'correction_id'], page).execute()
}
