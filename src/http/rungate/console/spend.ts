/** Rungate's spend: cost by model and by provider key, tokens, refusals, and how much of its limit each running run has used. */
import { html } from 'hono/html'
import type { Filter } from '../../../projections/listing.ts'
import { listRows } from '../../../projections/listing.ts'
import { ledger } from '../../../projections/rungate/ledger.ts'
import { policies } from '../../../projections/rungate/policy.ts'
import { type RunRow, runs } from '../../../projections/rungate/run.ts'
import { steps } from '../../../projections/rungate/step.ts'
import type { Asked, Line, Markup, Shown } from '../../pages/declaration.ts'
import { link, pathOf, said, section, state } from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { ownFilter } from '../../pages/things.ts'
import type { RungateParts } from '../access.ts'

type Look = Asked<RungateParts>

/** Runs whose budgets are shown, and policies. */
const SHOWN_MAX = 50

/** How much of its limit a run has used: as a bar, and in figures beside it. */
export function budgetOf({ cost_usd, hard_limit_usd }: Pick<RunRow, 'cost_usd' | 'hard_limit_usd'>): Markup {
  if (hard_limit_usd === null) return html`${cost_usd} <small>(no limit)</small>`
  return html`${cost_usd} <meter min="0" max="${hard_limit_usd}" value="${cost_usd}" aria-label="Of its limit"></meter> <small>of ${hard_limit_usd}</small>`
}

const says = 'From the ledger, an entry for each call that cost something or used tokens.'

const named = (label: string, lines: readonly Line[]): Line[] =>
  lines.slice(0, 1).map(({ points }) => ({ label, points }))

async function plotsOf({ plotting: { series, span, draw } }: Look, filters: readonly Filter[]): Promise<Markup> {
  const booked = { table: ledger, at: 'created_at', filters } as const
  const sum = (of: string) => ({ of, as: 'sum' as const })
  const [models, keys, tokensIn, tokensOut, cached, codes] = await Promise.all([
    series({ ...booked, by: 'model', measure: sum('cost_usd') }),
    series({ ...booked, by: 'provider_key_id', measure: sum('cost_usd') }),
    series({ ...booked, measure: sum('input_tokens') }),
    series({ ...booked, measure: sum('output_tokens') }),
    series({ ...booked, measure: sum('cache_read_tokens') }),
    series({ table: steps, at: 'created_at', by: 'code', filters }),
  ])
  const inStep = `in ${span.stepS} s`
  return html`<div class="plots">${[
    draw({ name: 'models', title: 'Cost by model', unit: `USD ${inStep}`, lines: models, says }),
    draw({ name: 'keys', title: 'Cost by provider key', unit: `USD ${inStep}`, lines: keys, says }),
    draw({
      ...{ name: 'tokens', title: 'Tokens', unit: inStep, says },
      lines: [...named('in', tokensIn), ...named('out', tokensOut), ...named('read from a cache', cached)],
    }),
    draw({
      ...{ name: 'refusals', title: 'Refusals by reason', unit: inStep },
      says: 'From the steps of runs, by the code that the client was told.',
      // A step without a code was not refused.
      lines: codes.filter(({ label }) => label !== 'none'),
    }),
  ]}</div>`
}

export async function showSpend(asked: Look): Promise<Shown> {
  const { db } = asked.parts
  const filters = ownFilter({ table: runs, kinds: 'runs', tenant: 'account_id' }, asked)
  const running: Filter[] = [...filters, { column: 'status', is: 'equal', value: 'running' }]
  const [{ rows: under }, { rows: budgets }] = await Promise.all([
    listRows(db, runs, { filters: running, sort: { column: 'cost_usd', isDescending: true }, limit: SHOWN_MAX }),
    listRows(db, policies, { filters, sort: { column: 'updated_at', isDescending: true }, limit: SHOWN_MAX }),
  ])
  return {
    content: html`${await plotsOf(asked, filters)}
${section(
  'Budgets under way',
  rowsTable('Budgets under way', under, 'No run is under way.', [
    {
      name: 'name',
      label: 'Run',
      show: (row) => link(said(row.name ?? row.run_id), pathOf('rungate', 'runs', row.run_id)),
    },
    {
      name: 'agent_name',
      label: 'Agent',
      show: (row) => link(said(row.agent_name), pathOf('rungate', 'agents', row.agent_id)),
    },
    { name: 'status', label: 'Status', show: (row) => state(row.status) },
    { name: 'cost_usd', label: 'Of its limit, USD', show: budgetOf },
    figure('step_count', 'Steps', (row) => row.step_count),
  ]),
)}
${section(
  'Budgets by policy',
  rowsTable('Budgets by policy', budgets, 'There is no policy.', [
    {
      name: 'name',
      label: 'Policy',
      show: (row) => link(said(row.name), pathOf('rungate', 'policies', row.policy_id)),
    },
    figure('hard_limit_usd', 'Hard limit, USD', ({ settings }) => settings.budget.hardLimitUsd ?? 'none'),
    figure('alert_usd', 'Alert at, USD', ({ settings }) => settings.budget.alertThresholdUsd ?? 'none'),
    figure('hard_limit_tokens', 'Hard limit, tokens', ({ settings }) => settings.budget.hardLimitTokens ?? 'none'),
  ]),
)}`,
  }
}
