/** Killatamata’s pages in the console: accounts and their money, jobs, payments, affiliates, games and plans. */
import { html } from 'hono/html'
import { apiKeys } from '../../../projections/killatamata/account.ts'
import { commissions } from '../../../projections/killatamata/affiliate.ts'
import { channels, releases } from '../../../projections/killatamata/arcade.ts'
import type { Table } from '../../../projections/projection.ts'
import type { Audience, ContextConsole, Markup, PageDeclaration } from '../../pages/declaration.ts'
import { type ListOf, listView } from '../../pages/list.ts'
import { link, section, shortId, state, time } from '../../pages/markup.ts'
import { plainPages } from '../../pages/plain-pages.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { finderOf, rowsOf, type WithDatabase } from '../../pages/things.ts'
import { consoleSignIn, type KillatamataParts } from '../access.ts'
import { moneyOf } from './account-money.ts'
import { affiliateActions } from './affiliate-actions.ts'
import { showFigures } from './figures.ts'
import {
  accountList,
  affiliateList,
  balanceList,
  gameList,
  jobList,
  ledgerList,
  micros,
  payoutRequestList,
  planList,
  releaseList,
  settlementList,
  toAccount,
  toGame,
  toRelease,
  x402List,
} from './lists.ts'
import { behindJob, behindPlan } from './work.ts'

/** Of one account, one affiliate, or one game. */
const SHOWN_MAX = 100

/** Keys of accounts have no scopes: each shows what is its account's. */
const audience: readonly Audience[] = ['administrator', 'operator']

const listOnly = <T extends Table>(list: ListOf<T>, title: string): PageDeclaration<WithDatabase> => ({
  ...{ path: list.path, title, group: 'operate', audience, view: listView(list) },
})

const withAccount = ({ account_id }: { account_id: string | null }): { account_id?: Markup } =>
  account_id === null
    ? {}
    : { account_id: html`<code>${account_id}</code> ${link('Show the account', toAccount(account_id))}` }

const releaseColumns = [
  {
    name: 'release_id',
    label: 'Release',
    show: ({ release_id }: { release_id: string }) => shortId(release_id, toRelease(release_id)),
  },
  { name: 'version', label: 'Version', show: ({ version }: { version: string }) => version },
  { name: 'status', label: 'Status', show: ({ status }: { status: string }) => state(status) },
  { name: 'created_at', label: 'Uploaded', show: ({ created_at }: { created_at: string }) => time(created_at) },
]

const pages: readonly PageDeclaration<WithDatabase>[] = [
  ...plainPages({
    list: accountList,
    title: 'Accounts',
    without: ['email'],
    async more(asked, { account_id }) {
      const keys = await rowsOf(asked, apiKeys, { at: 'created_at', of: ['account_id', account_id], limit: SHOWN_MAX })
      return html`${await moneyOf(asked, account_id)}
${section(
  'Keys',
  rowsTable('Keys', keys, 'It has no key.', [
    { name: 'key_id', label: 'Key', show: ({ key_id }) => shortId(key_id) },
    { name: 'key_prefix', label: 'Begins with', show: ({ key_prefix }) => html`<code>${key_prefix}</code>` },
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    { name: 'created_at', label: 'Made', show: ({ created_at }) => time(created_at) },
  ]),
)}`
    },
  }),
  listOnly(balanceList, 'Balances'),
  listOnly(ledgerList, 'Ledger'),
  ...plainPages({
    list: jobList,
    title: 'Media jobs',
    without: ['job'],
    show: (row) => ({
      ...withAccount(row),
      hold_micros: micros(row.hold_micros),
      charged_micros: micros(row.charged_micros),
    }),
    more: behindJob,
  }),
  ...plainPages({ list: settlementList, title: 'Settlements', show: withAccount }),
  ...plainPages({ list: x402List, title: 'x402 payments', show: withAccount }),
  ...plainPages({
    list: affiliateList,
    title: 'Affiliates',
    without: ['display_name', 'contact_email', 'country_code', 'payout_address'],
    show: (row) => ({
      ...withAccount(row),
      ...{ pending_micros: micros(row.pending_micros), available_micros: micros(row.available_micros) },
      ...{ owed_micros: micros(row.owed_micros), requested_micros: micros(row.requested_micros) },
      ...{ paid_micros: micros(row.paid_micros), reversed_micros: micros(row.reversed_micros) },
    }),
    async more(asked, { account_id }) {
      const of = { at: 'number', of: ['account_id', account_id], limit: SHOWN_MAX } as const
      return section(
        'Commissions',
        rowsTable('Commissions', await rowsOf(asked, commissions, of), 'It has earned nothing.', [
          figure('number', 'Number', ({ number }) => number),
          { name: 'provider', label: 'Paid by', show: ({ provider }) => provider },
          figure('deposit_micros', 'Deposit, micro-dollars', ({ deposit_micros }) => deposit_micros),
          figure('earned_micros', 'Earned', ({ earned_micros }) => earned_micros),
          figure('left_micros', 'Of it left', ({ left_micros }) => left_micros),
          { name: 'available_at', label: 'Can be paid', show: ({ available_at }) => time(available_at) },
        ]),
      )
    },
  }),
  ...plainPages({
    list: payoutRequestList,
    title: 'Payout requests',
    show: (row) => ({ ...withAccount(row), usd_micros: micros(row.usd_micros) }),
  }),
  ...plainPages({
    list: gameList,
    title: 'Games',
    show: withAccount,
    async more(asked, { game_id }) {
      const [all, on] = await Promise.all([
        rowsOf(asked, releases, { at: 'created_at', of: ['game_id', game_id], limit: SHOWN_MAX }),
        rowsOf(asked, channels, { at: 'published_at', of: ['game_id', game_id], limit: SHOWN_MAX }),
      ])
      return html`${section('Releases', rowsTable('Releases', all, 'It has no release.', releaseColumns))}
${section(
  'Published',
  rowsTable('Published', on, 'Nobody can play it.', [
    { name: 'channel', label: 'Channel', show: ({ channel }) => channel },
    { name: 'visibility', label: 'For', show: ({ visibility }) => visibility },
    {
      name: 'release_id',
      label: 'Release',
      show: ({ release_id }) => shortId(release_id, toRelease(release_id)),
    },
    { name: 'published_at', label: 'Since', show: ({ published_at }) => time(published_at) },
  ]),
)}`
    },
  }),
  ...plainPages({
    list: releaseList,
    title: 'Releases',
    show: (row) => ({
      ...withAccount(row),
      game_id: html`<code>${row.game_id}</code> ${link('Show the game', toGame(row.game_id))}`,
    }),
  }),
  ...plainPages({
    list: planList,
    title: 'Approval plans',
    without: ['jobs'],
    show: (row) => ({ ...withAccount(row), total_usd_micros: micros(row.total_usd_micros) }),
    more: behindPlan,
  }),
]

export const killatamataConsole: ContextConsole<KillatamataParts> = {
  title: 'Killa Tamata',
  signIn: consoleSignIn,
  pages: [...pages, { path: '/killatamata/figures', title: 'Figures', group: 'operate', audience, view: showFigures }],
  actions: affiliateActions,
  finders: [
    accountList,
    jobList,
    settlementList,
    x402List,
    affiliateList,
    payoutRequestList,
    gameList,
    releaseList,
    planList,
  ].map((each) => finderOf(each as never)),
}
