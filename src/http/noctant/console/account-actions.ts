/** What can be done to an account: each by the operation of the API that does it. */

import { Decimal } from 'decimal.js'
import { html } from 'hono/html'
import { listPositions } from '../../../projections/noctant/position.ts'
import { findSummary } from '../../../projections/noctant/summary.ts'
import type { ActionDeclaration, Asked, Markup, Performed, Prepared } from '../../pages/declaration.ts'
import { amount, cameOf, said } from '../../pages/markup.ts'
import { callOperation } from '../../pages/operation-call.ts'
import { thingOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { closeAllPositionsByExternalId } from '../accounts/close-all-positions.ts'
import { updateAccountStatusByExternalId } from '../accounts/update-account-status.ts'
import { createAccountCorrection } from '../corrections/create-account-correction.ts'
import { createLaunchSession } from '../launches/create-launch-session.ts'
import { createPayoutRequest } from '../payouts/create-payout-request.ts'
import { principalFor } from './operator.ts'
import { type AccountRow, accountThings } from './things.ts'

type Action = ActionDeclaration<NoctantParts>

const of = '/noctant/accounts/:id'
const audience = ['administrator', 'operator'] as const

const accountIn = (asked: Asked<NoctantParts>) => thingOf(accountThings, asked, asked.params.id ?? '')

/** The account of a form that was sent: it was there when the form was made. */
async function requireAccount(asked: Asked<NoctantParts>): Promise<AccountRow> {
  const row = await accountIn(asked)
  if (!row) throw new Error('the account of an action was there a moment ago')
  return row
}

/** `0.5 lots EURUSD, 1 lot GBPUSD`: what is held, added up by symbol and side. */
async function holdings(
  { parts }: Asked<NoctantParts>,
  { account_id, external_account_id }: AccountRow,
): Promise<Markup> {
  const positions = await listPositions(parts.db, account_id)
  const sums = new Map<string, Decimal>()
  for (const { symbol, side, quantity } of positions) {
    const name = `${side} ${symbol}`
    sums.set(name, (sums.get(name) ?? new Decimal(0)).plus(quantity))
  }
  const listed = [...sums].map(([name, sum]) => `${sum.toFixed()} ${name}`).join(', ')
  const count = positions.length === 1 ? '1 open position' : `${positions.length} open positions`
  return html`${count} of ${said(external_account_id)}${listed === '' ? '' : `: ${listed}`}`
}

const about =
  (says: (asked: Asked<NoctantParts>, row: AccountRow) => Promise<Partial<Prepared> & { says: Markup }>) =>
  async (asked: Asked<NoctantParts>): Promise<Prepared | undefined> => {
    const row = await accountIn(asked)
    return row && says(asked, row)
  }

const commandLink = (commandId: unknown): Performed['links'] =>
  typeof commandId === 'string' ? [cameOf(commandId)] : []

const setStatus =
  (to: 'active' | 'disabled', isForced: boolean): Action['perform'] =>
  async (acting) => {
    const row = await requireAccount(acting)
    const { reason, idempotencyKey: idempotency_key, form } = acting
    const force_close_positions = isForced && form.get('force_close_positions') === 'true'
    const { body } = await callOperation(
      'noctant',
      updateAccountStatusByExternalId,
      acting,
      await principalFor(acting, row.operator_id),
      {
        query: { external_account_id: row.external_account_id },
        body: { status: to, idempotency_key, reason: reason || null, force_close_positions },
      },
    )
    const done = to === 'active' ? 'Trading is enabled' : 'Trading is disabled'
    return { message: `${done} on ${row.external_account_id}.`, links: commandLink(body.command_id) ?? [] }
  }

export const disableTrading: Action = {
  ...{ of, audience, name: 'disable-trading', title: 'Disable trading', reason: 'required' },
  scopes: ['accounts:status_write'],
  fields: [
    { name: 'force_close_positions', label: 'Close all positions too', kind: 'check', hint: 'At the market, at once.' },
  ],
  prepare: about(async (asked, row) => ({
    says: html`<p>Stops trading on the account: no order is taken any more. It holds ${await holdings(asked, row)}.</p>`,
    ...(row.sponsorship_status === 'disabled' ? { obstacle: 'Trading is disabled already.' } : {}),
  })),
  perform: setStatus('disabled', true),
}

export const enableTrading: Action = {
  ...{ of, audience, name: 'enable-trading', title: 'Enable trading', reason: 'required' },
  scopes: ['accounts:status_write'],
  prepare: about(async (_, row) => ({
    says: html`<p>Lets ${said(row.external_account_id)} trade again.</p>`,
    ...(row.sponsorship_status === 'active' ? { obstacle: 'Trading is enabled already.' } : {}),
  })),
  perform: setStatus('active', false),
}

export const closeAll: Action = {
  ...{ of, audience, name: 'close-all', title: 'Close all positions', reason: 'required' },
  scopes: ['accounts:close_all'],
  prepare: about(async (asked, row) => ({
    says: html`<p>Closes ${await holdings(asked, row)}, at the market, at once.</p>`,
  })),
  async perform(acting) {
    const row = await requireAccount(acting)
    const principal = await principalFor(acting, row.operator_id)
    const { body } = await callOperation('noctant', closeAllPositionsByExternalId, acting, principal, {
      query: { external_account_id: row.external_account_id },
      body: { idempotency_key: acting.idempotencyKey, reason: acting.reason || null },
    })
    return { message: 'The engine is asked to close every position.', links: commandLink(body.command_id) ?? [] }
  },
}

export const correctBalance: Action = {
  ...{ of, audience, name: 'correct-balance', title: 'Correct balance', reason: 'required' },
  scopes: ['account_corrections:create'],
  fields: [
    {
      name: 'amount',
      label: 'Amount',
      kind: 'number',
      isRequired: true,
      hint: 'Added to the balance; -25.00 takes away.',
    },
    { name: 'operator_reference', label: 'Reference', hint: 'Of your own books; may be left out.', lengthMax: 255 },
  ],
  prepare: about(async ({ parts }, row) => {
    const summary = await findSummary(parts.db, row.account_id)
    return {
      says: html`<p>Changes the balance of ${said(row.external_account_id)}${
        summary ? html`, which is ${amount(summary.balance, summary.currency)}` : ''
      }.</p>`,
    }
  }),
  async perform(acting) {
    const row = await requireAccount(acting)
    const { form, reason, idempotencyKey: idempotency_key } = acting
    const { body } = await callOperation(
      'noctant',
      createAccountCorrection,
      acting,
      await principalFor(acting, row.operator_id),
      {
        params: { global_user_id: row.global_user_id },
        body: {
          ...{ external_account_id: row.external_account_id, amount: form.get('amount')?.trim() ?? '', reason },
          ...{ idempotency_key, operator_reference: form.get('operator_reference') || null },
        },
      },
    )
    const { correction_id: id } = body.correction as { correction_id: string }
    return {
      message: 'The correction is on its way to the engine.',
      links: [['The correction', `/noctant/corrections/${id}`]],
    }
  },
}

export const requestPayout: Action = {
  ...{ of, audience, name: 'request-payout', title: 'Request payout' },
  scopes: ['payout_requests:create'],
  fields: [
    { name: 'amount', label: 'Amount', kind: 'number', isRequired: true, hint: 'In the account’s currency.' },
    { name: 'note', label: 'Note', kind: 'area' },
    { name: 'operator_reference', label: 'Reference', lengthMax: 255 },
  ],
  prepare: about(async (_, row) => ({
    says: html`<p>Asks for a payout out of ${said(row.external_account_id)}, by the policy that its challenge has frozen.</p>`,
  })),
  async perform(acting) {
    const row = await requireAccount(acting)
    const { form, idempotencyKey: idempotency_key } = acting
    const { body } = await callOperation(
      'noctant',
      createPayoutRequest,
      acting,
      await principalFor(acting, row.operator_id),
      {
        params: { global_user_id: row.global_user_id },
        body: {
          ...{
            external_account_id: row.external_account_id,
            amount: form.get('amount')?.trim() ?? '',
            idempotency_key,
          },
          ...{ note: form.get('note') || null, operator_reference: form.get('operator_reference') || null },
        },
      },
    )
    const { payout_request_id: id, policy_status } = body.statement as Record<
      'payout_request_id' | 'policy_status',
      string
    >
    const says = policy_status === 'rejected' ? 'The policy has rejected the request.' : 'The payout is asked for.'
    return { message: says, links: [['The request', `/noctant/payouts/${id}`]] }
  },
}

export const createLaunchLink: Action = {
  ...{ of, audience, name: 'create-launch-link', title: 'Create launch link' },
  scopes: ['launch_sessions:create'],
  fields: [
    {
      name: 'return_url',
      label: 'Return address',
      hint: 'An allowed origin of the operator; may be left out.',
      lengthMax: 2_000,
    },
  ],
  prepare: about(async (_, row) => ({
    says: html`<p>Makes a link that opens the terminal on ${said(row.external_account_id)}, once and for minutes.</p>`,
  })),
  async perform(acting) {
    const row = await requireAccount(acting)
    const { body } = await callOperation(
      'noctant',
      createLaunchSession,
      acting,
      await principalFor(acting, row.operator_id),
      {
        body: launchBody(row, acting.form),
      },
    )
    const { launch_url: url } = body as { launch_url: string }
    const once = html`<div class="message" role="status">The link, shown this once: <code>${url}</code></div>`
    return { message: 'The launch is made.', once }
  },
}

const launchBody = (row: AccountRow, form: URLSearchParams) => ({
  external_account_id: row.external_account_id,
  global_user_id: row.global_user_id,
  requested_route: '/trade',
  requested_product_mode: row.challenge_instance_id === null ? 'terminal' : 'challenge',
  return_url: form.get('return_url')?.trim() || null,
})

export const accountActions: readonly Action[] = [
  ...[disableTrading, enableTrading, closeAll, correctBalance, requestPayout, createLaunchLink],
]
