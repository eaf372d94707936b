/** Rungate’s pages in the console: runs with their steps, approvals, agents, and policies with their versions. */
import { html } from 'hono/html'
import type { Table } from '../../../projections/projection.ts'
import { agents } from '../../../projections/rungate/agent.ts'
import { policies, policyVersions } from '../../../projections/rungate/policy.ts'
import { providerKeys } from '../../../projections/rungate/provider-key.ts'
import { type RunRow, runs } from '../../../projections/rungate/run.ts'
import { steps } from '../../../projections/rungate/step.ts'
import type { Asked, ContextConsole, Markup } from '../../pages/declaration.ts'
import type { ListOf } from '../../pages/list.ts'
import { link, pathOf, section, shortId, state, time } from '../../pages/markup.ts'
import { plainPages } from '../../pages/plain-pages.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { finderOf, rowsOf, type WithDatabase } from '../../pages/things.ts'
import { consoleSignIn, type RungateParts } from '../access.ts'
import { approvalActions, approvalThings } from './approval-actions.ts'
import { budgetOf, showSpend } from './spend.ts'
import { sendTest, webhookList, webhookPages } from './webhooks.ts'

/** Of one run, and of one policy. */
const STEPS_SHOWN_MAX = 200
const VERSIONS_SHOWN_MAX = 50

/** What an account's token needs to look. */
const scopes = ['read'] as const

const list = <T extends Table>(of: ListOf<T>): ListOf<T> => of
const ofAccount = { name: 'account_id', label: 'Account id' } as const
const toRun = (id: string) => pathOf('rungate', 'runs', id)
const toAgent = (id: string) => pathOf('rungate', 'agents', id)
const toPolicy = (id: string) => pathOf('rungate', 'policies', id)

const runList = list({
  ...{ table: runs, kind: 'run', kinds: 'runs', tenant: 'account_id', id: 'run_id', at: 'started_at' },
  path: '/rungate/runs',
  nameOf: ({ name, run_id }) => name ?? run_id,
  columns: [
    { name: 'run_id', label: 'Run' },
    { name: 'name' },
    { name: 'agent_name', label: 'Agent', show: (row) => link(row.agent_name, toAgent(row.agent_id)) },
    { name: 'status', label: 'Status' },
    { name: 'ended_reason', label: 'Why it ended' },
    { name: 'step_count', label: 'Steps', isFigure: true },
    { name: 'cost_usd', label: 'Cost, USD', isFigure: true },
    { name: 'hard_limit_usd', label: 'Limit, USD', isFigure: true },
    { name: 'account_id', label: 'Account' },
    { name: 'started_at', label: 'Began' },
  ],
  filters: [
    { name: 'status' },
    { name: 'agent_name', label: 'Agent', is: 'begins' },
    { name: 'run_id', label: 'Run id' },
    ofAccount,
  ],
  sorts: ['cost_usd', 'step_count'],
  empty: { says: 'No agent has begun a run.', command: 'opslog rungate --help' },
})

const approvalList = list({
  ...approvalThings,
  columns: [
    { name: 'approval_id', label: 'Approval' },
    { name: 'tool_name', label: 'Tool' },
    { name: 'status', label: 'Status' },
    { name: 'agent_name', label: 'Agent', show: (row) => link(row.agent_name, toAgent(row.agent_id)) },
    { name: 'run_id', label: 'Run', show: ({ run_id }) => shortId(run_id, toRun(run_id)) },
    { name: 'reason' },
    { name: 'created_at', label: 'Asked' },
    { name: 'expires_at', label: 'Until' },
  ],
  filters: [{ name: 'status' }, { name: 'tool_name', label: 'Tool', is: 'begins' }, ofAccount],
  empty: { says: 'Nothing was to be approved.' },
})

const agentList = list({
  ...{ table: agents, kind: 'agent', kinds: 'agents', tenant: 'account_id', id: 'agent_id', at: 'created_at' },
  aliases: ['text_id'],
  path: '/rungate/agents',
  nameOf: ({ name }) => name,
  columns: [
    { name: 'name' },
    { name: 'agent_id', label: 'Agent' },
    { name: 'status', label: 'Status' },
    { name: 'policy_id', label: 'Policy', show: ({ policy_id }) => shortId(policy_id, toPolicy(policy_id)) },
    { name: 'account_id', label: 'Account' },
    { name: 'created_at', label: 'Created' },
  ],
  filters: [{ name: 'status', choices: ['active', 'disabled'] }, { name: 'name', is: 'begins' }, ofAccount],
  empty: { says: 'No agent has a key.', command: 'opslog rungate --help' },
})

const providerKeyList = list({
  ...{ table: providerKeys, kind: 'provider key', kinds: 'provider keys', tenant: 'account_id', id: 'key_id' },
  at: 'created_at',
  path: '/rungate/provider-keys',
  nameOf: ({ name, provider }) => `${name} (${provider})`,
  columns: [
    { name: 'name' },
    { name: 'key_id', label: 'Key' },
    { name: 'provider' },
    { name: 'masked', label: 'As it looks' },
    { name: 'status', label: 'Status' },
    { name: 'account_id', label: 'Account' },
    { name: 'rotated_at', label: 'Rotated' },
    { name: 'created_at', label: 'Added' },
  ],
  filters: [{ name: 'status', choices: ['active', 'disabled', 'deleted'] }, { name: 'provider' }, ofAccount],
  empty: { says: 'No provider has a key here.', command: 'opslog rungate --help' },
})

const policyList = list({
  ...{ table: policies, kind: 'policy', kinds: 'policies', tenant: 'account_id', id: 'policy_id', at: 'created_at' },
  path: '/rungate/policies',
  // A token is no member, and sees nothing that is a member's own.
  ofKeys: [{ column: 'visibility', is: 'equal', value: 'org' }],
  nameOf: ({ name }) => name,
  columns: [
    { name: 'name' },
    { name: 'policy_id', label: 'Policy' },
    { name: 'version', isFigure: true },
    { name: 'visibility' },
    { name: 'account_id', label: 'Account' },
    { name: 'updated_at', label: 'Changed' },
  ],
  filters: [{ name: 'name', is: 'begins' }, ofAccount],
  empty: { says: 'There is no policy.' },
})

async function stepsOf(asked: Asked<WithDatabase>, { run_id }: RunRow): Promise<Markup> {
  const rows = await rowsOf(asked, steps, { at: 'ordinal', of: ['run_id', run_id], limit: STEPS_SHOWN_MAX })
  return section(
    'Steps',
    rowsTable('Steps', rows, 'It has made no call.', [
      figure('ordinal', 'Step', ({ ordinal }) => ordinal),
      { name: 'type', label: 'What', show: ({ type }) => type },
      { name: 'status', label: 'Status', show: ({ status }) => state(status) },
      { name: 'model', label: 'Model', show: ({ provider, model }) => `${provider} ${model}` },
      figure('input_tokens', 'Tokens in', ({ input_tokens }) => input_tokens),
      figure('output_tokens', 'Tokens out', ({ output_tokens }) => output_tokens),
      figure('cost_usd', 'USD', ({ cost_usd }) => cost_usd),
      figure('latency_ms', 'Took, ms', ({ latency_ms }) => latency_ms),
      { name: 'code', label: 'Refused', show: ({ code }) => code ?? '' },
      { name: 'created_at', label: 'At', show: ({ created_at }) => time(created_at) },
    ]),
  )
}

export const rungateConsole: ContextConsole<RungateParts> = {
  title: 'Rungate',
  signIn: consoleSignIn,
  pages: [
    ...plainPages({
      list: runList,
      title: 'Runs',
      scopes,
      show: (row) => ({
        cost_usd: budgetOf(row),
        agent_id: html`${row.agent_id} ${link('Show the agent', toAgent(row.agent_id))}`,
        policy_id: html`${row.policy_id} ${link('Show the policy', toPolicy(row.policy_id))}`,
      }),
      more: stepsOf,
    }),
    ...plainPages({
      list: approvalList,
      title: 'Approvals',
      scopes,
      without: ['sealed_request'],
      show: ({ run_id }) => ({ run_id: html`${run_id} ${link('Show the run', toRun(run_id))}` }),
    }),
    ...plainPages({ list: agentList, title: 'Agents', scopes, without: ['key_hash'] }),
    ...plainPages({
      list: policyList,
      title: 'Policies',
      scopes,
      async more(asked, { policy_id }) {
        const of = { at: 'version', of: ['policy_id', policy_id], limit: VERSIONS_SHOWN_MAX } as const
        const rows = await rowsOf(asked, policyVersions, of)
        return section(
          'Versions',
          rowsTable('Versions', rows, 'It has none.', [
            figure('version', 'Version', ({ version }) => version),
            { name: 'changed_fields', label: 'Changed', show: ({ changed_fields }) => changed_fields.join(', ') },
            { name: 'changed_by', label: 'By', show: ({ changed_by }) => changed_by },
            { name: 'created_at', label: 'At', show: ({ created_at }) => time(created_at) },
          ]),
        )
      },
    }),
    ...webhookPages,
    ...plainPages({ list: providerKeyList, title: 'Provider keys', scopes, without: ['sealed', 'secret_id'] }),
    {
      path: '/rungate/spend',
      title: 'Spend',
      group: 'operate',
      audience: ['administrator', 'operator'],
      scopes,
      view: showSpend,
    },
  ],
  actions: [...approvalActions, sendTest],
  finders: [runList, approvalList, agentList, policyList, webhookList, providerKeyList].map((each) =>
    finderOf(each as never),
  ),
}
