/** Accounts: the list, and one of them with its money, its trading and what was asked of the engine. */
import { html } from 'hono/html'
import { type AccountCommandRow, accountCommands } from '../../../projections/noctant/account-command.ts'
import { corrections } from '../../../projections/noctant/correction.ts'
import { listOrders, type OrderView } from '../../../projections/noctant/order.ts'
import { statements } from '../../../projections/noctant/payout-statement.ts'
import { listPositions, type PositionView } from '../../../projections/noctant/position.ts'
import { findSummary } from '../../../projections/noctant/summary.ts'
import { listTrades, type TradeView } from '../../../projections/noctant/trade.ts'
import type { RowOf } from '../../../projections/projection.ts'
import { type Asked, hasScope, type Markup, type Shown } from '../../pages/declaration.ts'
import { listView } from '../../pages/list.ts'
import {
  amount,
  empty,
  fieldsOf,
  link,
  live,
  onRecord,
  pathOf,
  said,
  section,
  shortId,
  state,
  time,
} from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, thingView } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { accountPlot } from './plots.ts'
import { type AccountRow, accountThings, accountView } from './things.ts'

const STATUSES = ['active', 'disabled', 'closed']
/** Rows of each of an account's tables. */
const SHOWN_MAX = 25

export const showAccounts = listView({
  ...accountThings,
  columns: [
    { name: 'external_account_id', label: 'External id' },
    { name: 'account_number', label: 'Number' },
    { name: 'account_id', label: 'Account' },
    { name: 'sponsorship_status', label: 'Status' },
    { name: 'program_type', label: 'Program' },
    { name: 'currency' },
    {
      name: 'global_user_id',
      label: 'User',
      show: (row) => shortId(row.global_user_id, pathOf('noctant', 'users', row.global_user_id)),
    },
    { name: 'operator_id', label: 'Operator' },
    { name: 'created_at', label: 'Opened' },
  ],
  filters: [
    { name: 'sponsorship_status', label: 'Status', choices: STATUSES },
    { name: 'external_account_id', label: 'External id', is: 'begins' },
    { name: 'account_number', label: 'Number' },
    { name: 'account_id', label: 'Account id' },
    { name: 'global_user_id', label: 'User id' },
    { name: 'currency', label: 'Currency' },
    { name: 'operator_id', label: 'Operator id' },
  ],
  sorts: ['external_account_id', 'updated_at'],
  empty: { says: 'No account has been opened.', command: 'npm run demo' },
  asRequest: { path: '/noctant/v1/accounts', command: 'opslog events --type noctant.AccountOpened' },
})

/** What a key does not open is not read; the page says which scope it lacks. */
async function within(
  asked: Asked<NoctantParts>,
  title: string,
  scope: string,
  read: () => Promise<Markup>,
): Promise<Markup> {
  if (hasScope(asked.viewer, scope)) return section(title, await read())
  return section(title, html`<p class="empty">The key lacks the scope ${scope}.</p>`)
}

/** Figures and positions: what changes while one looks. */
async function standing(asked: Asked<NoctantParts>, { account_id }: AccountRow): Promise<Markup> {
  const { db } = asked.parts
  const figures = await within(asked, 'Figures', 'account_summary:read', async () =>
    figuresOf(await findSummary(db, account_id)),
  )
  const positions = await within(asked, 'Open positions', 'positions:read', async () =>
    positionTable(await listPositions(db, account_id)),
  )
  return html`${figures}${positions}`
}

type Summary = Awaited<ReturnType<typeof findSummary>>

function figuresOf(summary: Summary): Markup {
  const { currency = '' } = summary ?? {}
  const money = (value: string | null) => (value === null ? undefined : amount(value, currency))
  return summary
    ? fieldsOf(
        {
          trading_status: summary.trading_status,
          balance: summary.balance,
          equity: summary.equity,
          margin_used: summary.margin_used,
          free_margin: summary.free_margin,
          margin_level: summary.margin_level,
        },
        {
          balance: money(summary.balance),
          equity: money(summary.equity),
          margin_used: money(summary.margin_used),
          free_margin: money(summary.free_margin),
        },
      )
    : empty('The engine has said nothing of the account yet.')
}

const positionTable = (rows: readonly PositionView[]): Markup =>
  rowsTable('Open positions', rows, 'The account holds nothing.', [
    { name: 'position_id', label: 'Position', show: ({ position_id }) => shortId(position_id) },
    { name: 'symbol', label: 'Symbol', show: ({ symbol }) => said(symbol) },
    { name: 'side', label: 'Side', show: ({ side }) => side },
    figure('quantity', 'Quantity', ({ quantity }) => quantity),
    figure('avg_entry_price', 'Entry', ({ avg_entry_price }) => avg_entry_price),
    figure('unrealized_pnl', 'Unrealized', ({ unrealized_pnl }) => unrealized_pnl),
    { name: 'opened_at', label: 'Opened', show: ({ opened_at }) => time(opened_at) },
  ])

const orderTable = (rows: readonly OrderView[]): Markup =>
  rowsTable('Working orders', rows, 'No order is working.', [
    { name: 'order_id', label: 'Order', show: ({ order_id }) => shortId(order_id) },
    { name: 'symbol', label: 'Symbol', show: ({ symbol }) => said(symbol) },
    { name: 'side', label: 'Side', show: ({ side }) => side },
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    figure('quantity', 'Quantity', ({ quantity }) => quantity),
    figure('remaining_quantity', 'Remaining', ({ remaining_quantity }) => remaining_quantity),
    { name: 'created_at', label: 'Placed', show: ({ created_at }) => time(created_at) },
  ])

const tradeTable = (rows: readonly TradeView[]): Markup =>
  rowsTable('Trades', rows, 'Nothing has been traded.', [
    { name: 'trade_id', label: 'Trade', show: ({ trade_id }) => shortId(trade_id) },
    { name: 'symbol', label: 'Symbol', show: ({ symbol }) => said(symbol) },
    { name: 'side', label: 'Side', show: ({ side }) => side },
    figure('quantity', 'Quantity', ({ quantity }) => quantity),
    figure('entry_price', 'Entry', ({ entry_price }) => entry_price),
    figure('exit_price', 'Exit', ({ exit_price }) => exit_price),
    figure('net_pnl', 'Net', ({ net_pnl }) => net_pnl),
    { name: 'closed_at', label: 'Closed', show: ({ closed_at }) => time(closed_at) },
  ])

/** What was asked of the engine, and what became of it. */
async function records(asked: Asked<NoctantParts>, row: AccountRow): Promise<Markup> {
  const { db } = asked.parts
  const { program_account_id: programAccountId, current_program_account_attempt_id: attemptId } = row
  const of = ['program_account_id', programAccountId] as const
  const page = { programAccountId, before: undefined, limit: SHOWN_MAX }
  const sections = await Promise.all([
    within(asked, 'Working orders', 'orders:read', async () =>
      orderTable(await listOrders(db, { ...page, attemptId, status: 'working' })),
    ),
    within(asked, 'Trades', 'trades:read', async () =>
      tradeTable(await listTrades(db, { ...page, attemptId: undefined })),
    ),
    within(asked, 'Commands', 'accounts:read', async () =>
      commandTable(await rowsOf(asked, accountCommands, { at: 'accepted_at', of, limit: SHOWN_MAX })),
    ),
    within(asked, 'Corrections', 'account_corrections:read', async () =>
      correctionTable(await rowsOf(asked, corrections, { at: 'requested_at', of, limit: SHOWN_MAX })),
    ),
    within(asked, 'Payouts', 'payouts:read', async () =>
      payoutTable(await rowsOf(asked, statements, { at: 'requested_at', of, limit: SHOWN_MAX })),
    ),
  ])
  return html`${sections}`
}

const commandTable = (rows: readonly AccountCommandRow[]): Markup =>
  rowsTable('Commands', rows, 'Nothing was asked of the engine.', [
    {
      name: 'command_id',
      label: 'Command',
      show: ({ command_id }) => shortId(command_id, pathOf('commands', command_id)),
    },
    { name: 'command_type', label: 'What', show: ({ command_type }) => command_type ?? '' },
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    { name: 'engine_command_outcome', label: 'Outcome', show: (each) => each.engine_command_outcome ?? '' },
    { name: 'accepted_at', label: 'Accepted', show: ({ accepted_at }) => time(accepted_at) },
  ])

const correctionTable = (rows: readonly RowOf<typeof corrections>[]): Markup =>
  rowsTable('Corrections', rows, 'The balance was never corrected.', [
    {
      name: 'correction_id',
      label: 'Correction',
      show: (each) => shortId(each.correction_id, pathOf('noctant', 'corrections', each.correction_id)),
    },
    figure('amount', 'Amount', (each) => each.amount),
    { name: 'status', label: 'Status', show: ({ status }) => state(status) },
    { name: 'reason', label: 'Reason', show: ({ reason }) => said(reason) },
    { name: 'requested_at', label: 'Requested', show: ({ requested_at }) => time(requested_at) },
  ])

export const payoutTable = (rows: readonly RowOf<typeof statements>[]): Markup =>
  rowsTable('Payouts', rows, 'No payout was asked for.', [
    {
      name: 'payout_request_id',
      label: 'Request',
      show: (each) => shortId(each.payout_request_id, pathOf('noctant', 'payouts', each.payout_request_id)),
    },
    figure('requested_amount', 'Requested', (each) => each.requested_amount),
    { name: 'policy_status', label: 'Policy', show: ({ policy_status }) => state(policy_status) },
    { name: 'account_effect_status', label: 'Account', show: (each) => state(each.account_effect_status) },
    { name: 'requested_at', label: 'Requested at', show: ({ requested_at }) => time(requested_at) },
  ])

export const showAccount = thingView(accountThings, async (asked: Asked<NoctantParts>, row): Promise<Shown> => {
  const parts = { standing: () => standing(asked, row), records: () => records(asked, row) }
  const title = `Account ${row.external_account_id}`
  if (asked.part !== undefined) return { title, content: '', parts }
  const view = accountView(row)
  const {
    global_user_id: user,
    product_id: product,
    challenge_instance_id: challenge,
    sponsorship_status: status,
  } = row
  const shown = {
    global_user_id: html`${user} ${link('Show the user', pathOf('noctant', 'users', user))}`,
    ...(product && {
      product_id: html`${product} ${link('Show the product', pathOf('noctant', 'products', product))}`,
    }),
    ...(challenge && {
      challenge_instance_id: html`${challenge} ${link('Show the challenge', pathOf('noctant', 'challenges', challenge))}`,
    }),
  }
  const curve = hasScope(asked.viewer, 'account_summary:read') ? await accountPlot(asked, row) : ''
  const content = html`${live(asked, 'standing', await standing(asked, row))}${curve}
${section('The account', fieldsOf(view, shown))}
${live(asked, 'records', await records(asked, row))}
${onRecord(row.account_id)}`
  const without = status === 'active' ? ['enable-trading'] : status === 'disabled' ? ['disable-trading'] : []
  return { title, content, parts, without }
})
