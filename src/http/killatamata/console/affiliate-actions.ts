/** What administrators decide about affiliates: who is one, and what they are paid. */
import { html } from 'hono/html'
import { type AffiliateCommand, affiliate } from '../../../commands/killatamata/affiliate.ts'
import { usdText } from '../../../commands/killatamata/money.ts'
import type { PayoutRequestRow } from '../../../projections/killatamata/affiliate.ts'
import { findAffiliate } from '../../../projections/killatamata/affiliate.ts'
import { invalid } from '../../errors.ts'
import type { Acting, ActionDeclaration, Asked, Performed, Prepared } from '../../pages/declaration.ts'
import { cameOf, said } from '../../pages/markup.ts'
import { thingOf } from '../../pages/things.ts'
import type { KillatamataParts } from '../access.ts'
import { affiliateList, payoutRequestList } from './lists.ts'

type Action = ActionDeclaration<KillatamataParts>
type Look = Asked<KillatamataParts>

const audience = ['administrator'] as const
const REFERENCE_LENGTH_MAX = 200

/** Gives the command, and waits until the read models show what came of it. */
async function decided(
  { parts, runtime, command: context }: Acting<KillatamataParts>,
  command: AffiliateCommand,
  message: string,
): Promise<Performed> {
  const { position } = await parts.bus.handle(affiliate, command.accountId, command, context)
  if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
  return { message, links: [cameOf(context.commandId)] }
}

const affiliateIn = (asked: Look) => thingOf(affiliateList, asked, asked.params.id ?? '')
const requestIn = (asked: Look) => thingOf(payoutRequestList, asked, asked.params.id ?? '')

const approve: Action = {
  ...{ of: '/killatamata/affiliates/:id', audience, name: 'approve', title: 'Approve' },
  async prepare(asked): Promise<Prepared | undefined> {
    const row = await affiliateIn(asked)
    return (
      row && {
        says: html`<p>Lets ${row.affiliate_id} have a code, and be paid for what it brings.</p>`,
        ...(row.status === 'active' ? { obstacle: 'It is approved.' } : {}),
      }
    )
  },
  async perform(acting) {
    const row = await affiliateIn(acting)
    if (!row) throw new Error('the affiliate of an action was there a moment ago')
    const { account_id: accountId } = row
    return decided(acting, { kind: 'approve', accountId, at: acting.command.at }, 'The affiliate is approved.')
  },
}

const onRequest = (
  name: 'pay' | 'reject',
  title: string,
  says: (row: PayoutRequestRow, to: string | null) => NonNullable<Prepared['says']>,
  more: Partial<Action>,
  perform: (acting: Acting<KillatamataParts>, row: PayoutRequestRow) => Promise<Performed>,
): Action => ({
  ...{ of: '/killatamata/payout-requests/:id', audience, name, title, ...more },
  async prepare(asked): Promise<Prepared | undefined> {
    const row = await requestIn(asked)
    if (!row) return undefined
    const of = await findAffiliate(asked.parts.db, row.account_id)
    return {
      says: says(row, of?.payout_address ?? null),
      ...(row.status === 'requested' ? {} : { obstacle: `It is decided: ${row.status}.` }),
    }
  },
  async perform(acting) {
    const row = await requestIn(acting)
    if (!row) throw new Error('the payout request of an action was there a moment ago')
    return perform(acting, row)
  },
})

const ofRequest = (
  { command: { at } }: Acting<KillatamataParts>,
  { account_id: accountId, payout_request_id: payoutRequestId }: PayoutRequestRow,
) => ({ accountId, payoutRequestId, at })

const dollarsOf = ({ usd_micros }: PayoutRequestRow): string => usdText(BigInt(usd_micros))

const pay = onRequest(
  'pay',
  'Record payout',
  (row, to) =>
    html`<p>Notes that ${dollarsOf(row)} USD were paid to ${
      to === null ? 'an affiliate who names no address' : said(to)
    }. The money itself goes another way.</p>`,
  {
    fields: [
      {
        ...{ name: 'reference', label: 'Reference', isRequired: true, lengthMax: REFERENCE_LENGTH_MAX },
        hint: 'How the payment is called.',
      },
    ],
  },
  (acting, row) => {
    const reference = acting.form.get('reference')?.trim() ?? ''
    if (reference === '') throw invalid('/reference', 'required', 'The payment needs a reference.')
    return decided(acting, { kind: 'pay', ...ofRequest(acting, row), reference }, 'The payout is recorded.')
  },
)

const reject = onRequest(
  'reject',
  'Reject',
  (row) => html`<p>Gives ${dollarsOf(row)} USD back to what the affiliate can request.</p>`,
  { reason: 'required' },
  (acting, row) =>
    decided(
      acting,
      { kind: 'reject', ...ofRequest(acting, row), reason: acting.reason },
      'The payout request is rejected.',
    ),
)

export const affiliateActions: readonly Action[] = [approve, pay, reject]
