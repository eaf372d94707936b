/** GET /api/runs/{id}/ledger: what each step of a run cost. */
import { z } from '@hono/zod-openapi'
import { tokensObject } from '../../../processes/rungate/objects.ts'
import { type LedgerRow, ledgerOf } from '../../../projections/rungate/ledger.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { timeOut, uuidOut } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { decimalNumber, idParams, listOfData, usdOut } from '../schemas.ts'
import { fourBuckets } from './run-view.ts'
import { shownRun } from './up-to-date.ts'

const entry = z
  .object({
    id: z.string(),
    run_id: uuidOut,
    step_id: z.string(),
    agent_id: uuidOut,
    provider: z.string(),
    model: z.string(),
    provider_key_id: uuidOut.optional(),
    tokens: z.object(fourBuckets).optional(),
    cost_usd: usdOut,
    created_at: timeOut,
  })
  .openapi('LedgerEntry')

const entryView = (row: LedgerRow): z.input<typeof entry> => ({
  ...{ id: row.entry_id, run_id: row.run_id, step_id: row.step_id, agent_id: row.agent_id },
  ...{ provider: row.provider, model: row.model },
  ...(row.provider_key_id !== null && { provider_key_id: row.provider_key_id }),
  ...{ tokens: tokensObject(row), cost_usd: decimalNumber(row.cost_usd), created_at: row.created_at },
})

export const listRunLedger = read({
  path: '/api/runs/{id}/ledger',
  id: 'listRunLedger',
  tags: ['Runs'],
  summary: 'The ledger of a run',
  description: 'Answers with an entry for each step that cost something or used tokens, newest first.',
  access: dashboard('read'),
  params: idParams,
  answer: json(listOfData(entry), 'The entries.'),
  refuses: ['run_not_found'],
  async handle({ principal, params: { id }, ...parts }) {
    const { run_id: runId, account_id: accountId } = await shownRun(parts, principal, id)
    const { rows, total } = await listed(parts.db, ledgerOf, { accountId, runId })
    return { data: rows.map(entryView), total }
  },
})
