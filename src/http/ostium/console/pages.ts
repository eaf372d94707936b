/** Ostium’s pages in the console: what agents did on the chain, the agents, transactions that were handed out, and their plots. */
import { html } from 'hono/html'
import { actionStatuses, actions } from '../../../projections/ostium/action.ts'
import { agents } from '../../../projections/ostium/agent.ts'
import { builds } from '../../../projections/ostium/build.ts'
import type { Table } from '../../../projections/projection.ts'
import type { Asked, ContextConsole, Shown } from '../../pages/declaration.ts'
import type { ListOf } from '../../pages/list.ts'
import { pathOf, section, shortId, state, time } from '../../pages/markup.ts'
import { plainPages } from '../../pages/plain-pages.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { finderOf, rowsOf } from '../../pages/things.ts'
import type { OstiumParts } from '../access.ts'

/** Of one agent. */
const ACTIONS_SHOWN_MAX = 100

const list = <T extends Table>(of: ListOf<T>): ListOf<T> => of
const toAction = (id: string) => pathOf('ostium', 'actions', id)

const actionList = list({
  ...{ table: actions, kind: 'action', kinds: 'actions', tenant: undefined, id: 'action_id', at: 'requested_at' },
  aliases: ['tx_hash'],
  path: '/ostium/actions',
  nameOf: ({ operation, action_id }) => `${operation} (${action_id.slice(0, 8)})`,
  columns: [
    { name: 'action_id', label: 'Action' },
    { name: 'operation', label: 'What' },
    { name: 'status', label: 'Status' },
    { name: 'trader', label: 'Trader', show: ({ trader }) => shortId(trader) },
    { name: 'tx_hash', label: 'Transaction', show: ({ tx_hash }) => shortId(tx_hash) },
    { name: 'block_number', label: 'Block', isFigure: true },
    { name: 'gas_used', label: 'Gas' },
    { name: 'reason', label: 'Why not' },
    { name: 'requested_at', label: 'Asked' },
  ],
  filters: [
    { name: 'status', choices: actionStatuses },
    { name: 'operation', label: 'What', is: 'begins' },
    { name: 'trader', label: 'Trader' },
    { name: 'agent_id', label: 'Agent id' },
  ],
  empty: { says: 'No agent has acted.', command: 'opslog demo --help' },
})

const agentList = list({
  ...{ table: agents, kind: 'agent', kinds: 'agents', tenant: undefined, id: 'agent_id', at: 'created_at' },
  aliases: ['trader_id', 'agent_wallet', 'smart_account'],
  path: '/ostium/agents',
  nameOf: ({ trader }) => trader,
  columns: [
    { name: 'agent_id', label: 'Agent' },
    { name: 'trader', label: 'Trader' },
    { name: 'status', label: 'Status' },
    { name: 'smart_account', label: 'Smart account', show: ({ smart_account }) => shortId(smart_account) },
    { name: 'verified_at', label: 'Verified' },
    { name: 'created_at', label: 'Made' },
  ],
  filters: [
    { name: 'status', choices: ['pending', 'verified', 'suspended'] },
    { name: 'trader', label: 'Trader' },
  ],
  empty: { says: 'No trader has an agent.' },
})

const buildList = list({
  ...{ table: builds, kind: 'build', kinds: 'builds', tenant: undefined, id: 'build_id', at: 'built_at' },
  path: '/ostium/builds',
  nameOf: ({ operation, build_id }) => `${operation} (${build_id.slice(0, 8)})`,
  columns: [
    { name: 'build_id', label: 'Build' },
    { name: 'operation', label: 'What' },
    { name: 'trader', label: 'Trader', show: ({ trader }) => shortId(trader) },
    { name: 'channel', label: 'By' },
    { name: 'built_at', label: 'Handed out' },
  ],
  filters: [
    { name: 'operation', label: 'What', is: 'begins' },
    { name: 'trader', label: 'Trader' },
  ],
  empty: { says: 'No transaction was handed out.' },
})

async function showFigures(asked: Asked<OstiumParts>): Promise<Shown> {
  const { series, span, draw } = asked.plotting
  const of = { table: actions, at: 'requested_at' } as const
  const [statuses, operations, gas, handedOut] = await Promise.all([
    series({ ...of, by: 'status' }),
    series({ ...of, by: 'operation' }),
    series({ ...of, measure: { of: 'gas_used', as: 'sum' } }),
    series({ table: builds, at: 'built_at', by: 'operation' }),
  ])
  const inStep = `in ${span.stepS} s`
  const says = 'From the read model of actions, by the time at which each was asked for.'
  return {
    content: html`<div class="plots">${[
      draw({ name: 'actions', title: 'Actions by what became of them', unit: inStep, lines: statuses, says }),
      draw({ name: 'operations', title: 'Actions by what was asked', unit: inStep, lines: operations, says }),
      draw({ name: 'gas', title: 'Gas that the sponsor has paid for', unit: `gas ${inStep}`, lines: gas, says }),
      draw({
        ...{ name: 'builds', title: 'Transactions that were handed out', unit: inStep, lines: handedOut },
        says: 'From the read model of builds.',
      }),
    ]}</div>`,
  }
}

export const ostiumConsole: ContextConsole<OstiumParts> = {
  title: 'Ostium',
  pages: [
    ...plainPages({ list: actionList, title: 'Actions', without: ['raw_transaction'] }),
    ...plainPages({
      list: agentList,
      title: 'Agents',
      without: ['api_key_hash', 'api_key_id'],
      async more(asked, { agent_id }) {
        const of = { at: 'requested_at', of: ['agent_id', agent_id], limit: ACTIONS_SHOWN_MAX } as const
        return section(
          'Actions',
          rowsTable('Actions', await rowsOf(asked, actions, of), 'It has not acted.', [
            { name: 'action_id', label: 'Action', show: (row) => shortId(row.action_id, toAction(row.action_id)) },
            { name: 'operation', label: 'What', show: ({ operation }) => operation },
            { name: 'status', label: 'Status', show: ({ status }) => state(status) },
            figure('gas_used', 'Gas', ({ gas_used }) => gas_used),
            { name: 'requested_at', label: 'Asked', show: ({ requested_at }) => time(requested_at) },
          ]),
        )
      },
    }),
    ...plainPages({ list: buildList, title: 'Builds' }),
    { path: '/ostium/figures', title: 'Figures', group: 'operate', audience: ['administrator'], view: showFigures },
  ],
  finders: [actionList, agentList, buildList].map((each) => finderOf(each as never)),
}
