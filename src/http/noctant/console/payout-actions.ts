/** What can be done about a payout request. */
import { html } from 'hono/html'
import type { Operation } from '../../operation.ts'
import type { Acting, ActionDeclaration, Asked, Performed, Prepared } from '../../pages/declaration.ts'
import { amount, cameOf, said } from '../../pages/markup.ts'
import { callOperation } from '../../pages/operation-call.ts'
import { thingOf } from '../../pages/things.ts'
import type { NoctantParts } from '../access.ts'
import { approveAndExecutePayoutRequest } from '../payouts/approve-and-execute-payout-request.ts'
import { approvePayoutRequest } from '../payouts/approve-payout-request.ts'
import { rejectPayoutRequest } from '../payouts/reject-payout-request.ts'
import { updatePayoutSettlement } from '../payouts/update-payout-settlement.ts'
import { principalFor } from './operator.ts'
import { payoutThings } from './things.ts'

type Action = ActionDeclaration<NoctantParts>
type Noctant = Asked<NoctantParts>

const of = '/noctant/payouts/:id'
const audience = ['administrator', 'operator'] as const

const payoutIn = (asked: Noctant) => thingOf(payoutThings, asked, asked.params.id ?? '')

const about =
  (does: string, more: (id: string) => Partial<Prepared> = () => ({})) =>
  async (asked: Noctant): Promise<Prepared | undefined> => {
    const row = await payoutIn(asked)
    if (!row) return undefined
    const { requested_amount: requested, trader_amount: trader, payout_request_id: id } = row
    const says = html`<p>${does} Requested: ${amount(requested)}${
      trader === null ? '' : html`, of which the trader gets ${amount(trader)}`
    }. The policy says ${said(row.policy_decision.outcome)}.</p>`
    return { says, ...more(id) }
  }

/** The operation on the request of the page. */
async function decide(
  acting: Acting<NoctantParts>,
  operation: Operation<NoctantParts>,
  body: object,
  message: string,
): Promise<Performed> {
  const row = await payoutIn(acting)
  if (!row) throw new Error('the request of an action was there a moment ago')
  const params = { global_user_id: row.user_id, payout_request_id: row.payout_request_id }
  const principal = await principalFor(acting, row.operator_id)
  const { commandId } = await callOperation('noctant', operation, acting, principal, { params, body })
  return { message, links: commandId === undefined ? [] : [cameOf(commandId)] }
}

const reference = {
  name: 'operator_reference',
  label: 'Reference',
  hint: 'Of your own books; may be left out.',
  lengthMax: 255,
}
const referenceIn = (form: URLSearchParams) => form.get('operator_reference')?.trim() || null

export const payoutActions: readonly Action[] = [
  {
    ...{ of, audience, name: 'approve', title: 'Approve', reason: 'optional', fields: [reference] },
    scopes: ['payout_requests:approve'],
    prepare: about('Grants the payout and reserves the amount; the account is not debited yet.'),
    perform: (acting) =>
      decide(
        acting,
        approvePayoutRequest,
        { note: acting.reason || null, operator_reference: referenceIn(acting.form) },
        'The payout is approved.',
      ),
  },
  {
    ...{
      of,
      audience,
      name: 'approve-and-execute',
      title: 'Approve and execute',
      reason: 'optional',
      fields: [reference],
    },
    scopes: ['payout_requests:approve'],
    prepare: about('Grants the payout, and has the engine debit the account at once.', (id) => ({
      confirm: id.slice(0, 8),
    })),
    perform: (acting) =>
      decide(
        acting,
        approveAndExecutePayoutRequest,
        { note: acting.reason || null, operator_reference: referenceIn(acting.form) },
        'The payout is approved, and on its way to the engine.',
      ),
  },
  {
    ...{ of, audience, name: 'reject', title: 'Reject', reason: 'required', fields: [reference] },
    scopes: ['payout_requests:reject'],
    prepare: about('Turns the request down; what was reserved is free again.'),
    perform: (acting) =>
      decide(
        acting,
        rejectPayoutRequest,
        { reason: acting.reason, operator_reference: referenceIn(acting.form) },
        'The payout is rejected.',
      ),
  },
  {
    ...{ of, audience, name: 'record-settlement', title: 'Record settlement', reason: 'optional' },
    scopes: ['payout_settlements:write'],
    fields: [
      {
        name: 'status',
        label: 'How far it is paid',
        kind: 'choice',
        choices: [
          ['pending_operator_payment', 'to be paid'],
          ['operator_marked_paid', 'paid'],
          ['operator_rejected_payment', 'rejected'],
          ['operator_cancelled_payment', 'cancelled'],
        ],
      },
      { name: 'external_settlement_reference', label: 'Reference of the payment', lengthMax: 255 },
    ],
    prepare: about('Notes how far the payment outside has come.'),
    perform: (acting) =>
      decide(
        acting,
        updatePayoutSettlement,
        {
          status: acting.form.get('status'),
          external_settlement_reference: acting.form.get('external_settlement_reference')?.trim() || null,
          note: acting.reason || null,
        },
        'The settlement is recorded.',
      ),
  },
]
