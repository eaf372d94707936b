/** The ledger: an entry for each call and each tool call that cost something or used tokens. An entry never changes. */
import type { Tokens } from '../../events/rungate/call-facts.ts'
import type { CleanupEvent } from '../../events/rungate/cleanup.ts'
import type { DeskEvent } from '../../events/rungate/desk.ts'
import { snake } from '../../runtime/letter-case.ts'
import { bigint, numeric, text, time, uuid } from '../columns.ts'
import {
  type Change,
  defineProjection,
  defineTable,
  type RowOf,
  removeAll,
  upsert,
  type WrittenOf,
} from '../projection.ts'
import { type Query, rungateTables } from './tables.ts'
import { callTokens, tokenColumns } from './tokens.ts'

export const ledger = defineTable({
  name: 'rungate_ledger',
  key: ['entry_id'],
  columns: {
    /** Of the event. */
    entry_id: uuid,
    run_id: uuid,
    step_id: uuid,
    account_id: uuid,
    agent_id: uuid,
    provider: text,
    model: text,
    provider_key_id: uuid.orNull,
    input_tokens: bigint,
    output_tokens: bigint,
    cache_read_tokens: bigint,
    cache_creation_tokens: bigint,
    cost_usd: numeric,
    created_at: time,
  },
  indexes: ['(run_id, created_at DESC, entry_id DESC)'],
})
export type LedgerRow = RowOf<typeof ledger>

interface Booked {
  entryId: string
  stepId: string
  model: string
  providerKeyId: string | null
  tokens: Tokens
  of: { runId: string; accountId: string; agentId: string; provider: string; costUsd: string; occurredAt: string }
}

function booked({ entryId, stepId, model, providerKeyId, tokens, of }: Booked): Change[] {
  const isFree = /^[0.]+$/.test(of.costUsd) && Object.values(tokens).every((each) => each === 0)
  if (isFree) return []
  const row: WrittenOf<typeof ledger> = {
    ...snake(of, 'runId', 'accountId', 'agentId', 'provider', 'costUsd'),
    ...{ entry_id: entryId, step_id: stepId, model, provider_key_id: providerKeyId },
    ...{ ...tokenColumns(tokens), created_at: of.occurredAt },
  }
  return [upsert(ledger, row)]
}

export const ledgerProjection = defineProjection<DeskEvent | CleanupEvent>({
  name: 'rungate.ledger',
  version: 1,
  onPoison: 'halt',
  tables: [ledger],
  handlers: {
    'rungate.CallSettled.v1': ({ id, data }) => {
      const { callId, servedModel, model, providerKeyId, usage } = data
      return booked({
        ...{ entryId: id, stepId: callId, model: servedModel ?? model, providerKeyId },
        ...{ tokens: callTokens(usage), of: data },
      })
    },
    'rungate.ToolCallLogged.v1': ({ id, data }) =>
      booked({
        ...{ entryId: id, stepId: data.stepId, model: data.name, providerKeyId: null },
        ...{ tokens: data.tokens, of: data },
      }),
    'rungate.OldDataDeleted.v1': ({ data }) => data.runIds.map((run_id) => removeAll(ledger, { run_id })),
  },
})

/** Of a run, the newest first. */
export const ledgerOf: Query<'rungate_ledger', { accountId: string; runId: string }> = (db, { accountId, runId }) =>
  rungateTables(db)
    .selectFrom('rungate_ledger')
    .selectAll()
    .where('account_id', '=', accountId)
    .where('run_id', '=', runId)
    .orderBy('created_at', 'desc')
    .orderBy('entry_id', 'desc')
