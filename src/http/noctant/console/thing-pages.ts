/** Pages of one thing of noctant's each, with every field that the API shows of it. */
import { html } from 'hono/html'
import { Rejected } from '../../../commands/noctant/rejection.ts'
import { accounts } from '../../../projections/noctant/account.ts'
import { apiKeys } from '../../../projections/noctant/api-key.ts'
import { findChallenge } from '../../../projections/noctant/challenge.ts'
import { statements } from '../../../projections/noctant/payout-statement.ts'
import { type Asked, hasScope, type Markup, type Shown } from '../../pages/declaration.ts'
import { fieldsOf, link, live, onRecord, pathOf, said, section, shortId, state, time } from '../../pages/markup.ts'
import { figure, rowsTable } from '../../pages/table.ts'
import { rowsOf, thingView } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { shown as challengeView } from '../challenges/challenge-view.ts'
import { statementView } from '../payouts/payout-view.ts'
import { payoutTable } from './accounts.ts'
import { type Limit, limitsOf } from './plots.ts'
import {
  challengeThings,
  correctionThings,
  historicalThings,
  keyThings,
  launchThings,
  operatorThings,
  payoutThings,
  productThings,
  userThings,
} from './things.ts'

const SHOWN_MAX = 50

type Noctant = Asked<NoctantParts>

const linked = (id: string, path: string, says: string): Markup => html`${id} ${link(says, path)}`
const toUser = (id: string) => linked(id, pathOf('noctant', 'users', id), 'Show the user')
const toAccount = (id: string) => linked(id, pathOf('noctant', 'accounts', id), 'Show the account')

export const showUser = thingView(userThings, async (asked: Noctant, row): Promise<Shown> => {
  const { operator_id: _, org_id: _org, ...view } = row
  const of = { of: ['global_user_id', row.global_user_id] as const, limit: SHOWN_MAX }
  const [own, payouts] = await Promise.all([
    hasScope(asked.viewer, 'accounts:read') ? rowsOf(asked, accounts, { at: 'created_at', ...of }) : [],
    hasScope(asked.viewer, 'payouts:read')
      ? rowsOf(asked, statements, { at: 'requested_at', of: ['user_id', row.global_user_id], limit: SHOWN_MAX })
      : [],
  ])
  return {
    title: `User ${row.external_id}`,
    content: html`${fieldsOf(view)}
${section(
  'Accounts',
  rowsTable('Accounts', own, 'The user has no account.', [
    { name: 'external_account_id', label: 'External id', show: (each) => said(each.external_account_id) },
    {
      name: 'account_id',
      label: 'Account',
      show: (each) => shortId(each.account_id, pathOf('noctant', 'accounts', each.account_id)),
    },
    { name: 'sponsorship_status', label: 'Status', show: (each) => state(each.sponsorship_status) },
    { name: 'created_at', label: 'Opened', show: (each) => time(each.created_at) },
  ]),
)}
${section('Payouts', payoutTable(payouts))}${onRecord(row.global_user_id)}`,
  }
})

export const showProduct = thingView(productThings, async (_: Noctant, row): Promise<Shown> => {
  const { operator_id: _operator, metadata_text: _text, ...view } = row
  return { title: `Product ${row.display_name}`, content: html`${fieldsOf(view)}${onRecord(row.product_id)}` }
})

const limitTable = (limits: readonly Limit[], currency: string): Markup =>
  rowsTable('Distance to its limits', limits, 'The step has no limits.', [
    { name: 'limit', label: 'Limit', show: ({ label }) => label },
    figure('at', `Reached at, ${currency}`, ({ at }) => at),
    figure('distance', `Left, ${currency}`, ({ distance }) => distance),
  ])

/** How far each of the rules is from being broken, as its own numbers say. */
export const showChallenge = thingView(challengeThings, async (asked: Noctant, row): Promise<Shown> => {
  const render = async () => {
    const found = await findChallenge(asked.parts.db, row.operator_id, row.instance_id)
    if (!found) throw new Rejected('challenge_not_found', 'There is no such challenge.')
    const view = challengeView(found)
    const figures = fieldsOf(view, { user_id: toUser(view.user_id), account_id: toAccount(view.account_id) })
    return html`${section('Distance to its limits', limitTable(limitsOf(found), found.started.terms.currency))}${figures}`
  }
  return {
    title: `Challenge ${row.instance_id.slice(0, 8)}`,
    content: html`${live(asked, 'figures', await render())}${onRecord(row.instance_id)}`,
    parts: { figures: render },
  }
})

export const showPayout = thingView(payoutThings, async (asked: Noctant, row): Promise<Shown> => {
  const { operator_id: _, program_account_id: _account, note, ...statement } = row
  const view = statementView(statement)
  const { policy_status: policy, account_effect_status: effect } = view
  const shown = { user_id: toUser(view.user_id), account_id: toAccount(view.account_id) }
  const render = () => fieldsOf({ ...view, note }, shown)
  const isOpen = policy === 'pending_review'
  const mayExecute = isOpen || (policy === 'approved' && ['reserved', 'failed'].includes(effect))
  return {
    title: `Payout ${row.payout_request_id.slice(0, 8)}`,
    content: html`${live(asked, 'statement', render())}${onRecord(row.payout_request_id)}`,
    parts: { statement: render },
    without: [
      ...(isOpen ? [] : ['approve']),
      ...(mayExecute ? [] : ['approve-and-execute']),
      ...(isOpen || effect === 'reserved' ? [] : ['reject']),
      ...(policy === 'approved' ? [] : ['record-settlement']),
    ],
  }
})

export const showCorrection = thingView(correctionThings, async (asked: Noctant, row): Promise<Shown> => {
  const { operator_id: _, program_account_id: _account, ...view } = row
  const render = () => fieldsOf(view, { user_id: toUser(row.user_id), account_id: toAccount(row.account_id) })
  return {
    title: `Correction ${row.correction_id.slice(0, 8)}`,
    content: html`${live(asked, 'correction', render())}${onRecord(row.correction_id)}`,
    parts: { correction: render },
  }
})

export const showLaunch = thingView(launchThings, async (_: Noctant, row): Promise<Shown> => {
  const { browser_session_hash: _hash, browser_session_expires_at: _expires, feed_symbol: _symbol, ...view } = row
  const account = row.account_id === null ? {} : { account_id: toAccount(row.account_id) }
  const shown = { global_user_id: toUser(row.global_user_id), ...account }
  return {
    title: `Launch ${row.launch_session_id.slice(0, 8)}`,
    content: html`${fieldsOf(view, shown)}${onRecord(row.launch_session_id)}`,
  }
})

export const showHistoricalSession = thingView(historicalThings, async (_: Noctant, row): Promise<Shown> => {
  const { operator_id: _operator, ...view } = row
  return {
    title: `Historical session ${row.backtest_run_id.slice(0, 8)}`,
    content: html`${fieldsOf(view, { global_user_id: toUser(row.global_user_id) })}${onRecord(row.backtest_run_id)}`,
  }
})

export const showOperator = thingView(operatorThings, async (asked: Noctant, row): Promise<Shown> => {
  const keys = await rowsOf(asked, apiKeys, {
    at: 'created_at',
    of: ['operator_id', row.operator_id],
    limit: SHOWN_MAX,
  })
  return {
    title: `Operator ${row.name}`,
    without: row.status === 'active' ? ['resume'] : ['suspend'],
    content: html`${fieldsOf(row)}
${section(
  'API keys',
  rowsTable('API keys', keys, 'The operator has no key.', [
    { name: 'key_id', label: 'Key', show: ({ key_id }) => link(key_id, pathOf('keys', key_id)) },
    { name: 'label', label: 'Label', show: ({ label }) => said(label ?? '') },
    { name: 'scopes', label: 'Scopes', show: ({ scopes }) => scopes.join(', ') },
    { name: 'revoked_at', label: 'Revoked', show: ({ revoked_at }) => time(revoked_at) },
    { name: 'created_at', label: 'Issued', show: ({ created_at }) => time(created_at) },
  ]),
)}${onRecord(row.operator_id)}`,
  }
})

export const showKey = thingView(keyThings, async (_: Noctant, row): Promise<Shown> => {
  const { key_hash: _hash, ...view } = row
  const { operator_id: id } = row
  return {
    title: `API key ${row.key_id}`,
    without: row.revoked_at === null ? [] : ['revoke'],
    content: html`${fieldsOf(view, { operator_id: linked(id, pathOf('operators', id), 'Show the operator') })}
${onRecord(row.key_id)}`,
  }
})
