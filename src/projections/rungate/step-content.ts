/** Contents of steps, sealed: what was asked and answered, of those steps that keep it. */
import type { StepContentEvent } from '../../events/rungate/step-content.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, type RowOf, upsert } from '../projection.ts'
import { preparedOne, rungateTables } from './tables.ts'

export const stepContents = defineTable({
  name: 'rungate_step_contents',
  key: ['step_id'],
  columns: {
    step_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    run_id: uuid,
    /** `2026-11-29`, in UTC: with the account's id what its key is called in the vault. */
    day: text,
    sealed_request: text.orNull,
    request_bytes: integer,
    sealed_response: text.orNull,
    response_bytes: integer,
    created_at: time,
  },
  indexes: ['(account_id, created_at)'],
})
export type StepContentRow = RowOf<typeof stepContents>

export const stepContentProjection = defineProjection<StepContentEvent>({
  name: 'rungate.stepContent',
  version: 1,
  onPoison: 'park',
  tables: [stepContents],
  handlers: {
    'rungate.StepContentLogged.v1': ({ data }) => {
      const { occurred_at: created_at, ...facts } = snake(data)
      return [upsert(stepContents, { ...facts, created_at })]
    },
  },
})

export const findStepContent = preparedOne((db, accountId: string, stepId: string) =>
  db.selectFrom('rungate_step_contents').selectAll().where('account_id', '=', accountId).where('step_id', '=', stepId),
)

/** Of these steps; a page of them, so there are few. */
export const stepContentsOf = (
  db: ReadModels,
  accountId: string,
  stepIds: readonly string[],
): Promise<StepContentRow[]> =>
  rungateTables(db)
    .selectFrom('rungate_step_contents')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('step_id', 'in', [...stepIds])
    .execute()
