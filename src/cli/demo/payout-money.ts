/** The last part of the payout's story: asked for, decided, debited, paid, and in the books. */
import { byValue, decimal } from './checks.ts'
import { type PayoutStory, payout, pollStatement, type Say, userPath } from './payout-story.ts'
import { externalAccountId, objectOf, pollSummary, rowsOf, statusOf } from './story.ts'

export async function requestPayout(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, run } = story
  const body = {
    external_account_id: externalAccountId(story),
    amount: payout.gross,
    idempotency_key: `${run}-payout`,
    operator_reference: `demo ${run}`,
  }
  const path = userPath(story, 'payout-requests')
  const answer = await operator('POST', path, body)
  const statement = objectOf(answer.body, 'statement')
  known.payoutRequestId = String(statement.payout_request_id)
  checks.equal(
    'the policy lets the request through',
    `${statusOf(answer)} ${statement.policy_status}`,
    '200 pending_review',
  )
  const { accepted_gross_amount, trader_amount, firm_retained_amount } = statement
  const parts = [accepted_gross_amount, trader_amount, firm_retained_amount].map(byValue).join(' / ')
  const expected = [payout.gross, payout.trader, payout.firm].map(byValue).join(' / ')
  checks.equal('gross, the trader’s part, the firm’s part', parts, expected)
  const again = await operator('POST', path, body)
  const same = objectOf(again.body, 'statement').payout_request_id === known.payoutRequestId ? 'same id' : 'another id'
  const replayed = again.headers.get('idempotency-replayed')
  checks.equal('sent again it is the same request', `${same}, replayed ${replayed}`, 'same id, replayed true')
  const greedy = await operator('POST', path, { ...body, amount: '50000.00', idempotency_key: `${run}-greedy` })
  const refused = objectOf(greedy.body, 'statement')
  checks.equal('more than the policy allows is turned down', refused.policy_status, 'rejected')
  say(`${payout.gross} USD, of which ${payout.trader} to the trader`)
}

export async function executePayout(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known } = story
  const path = userPath(story, `payout-requests/${known.payoutRequestId}/approve-and-execute`)
  const answer = await operator('POST', path, { note: 'well traded' })
  const decided = objectOf(answer.body, 'statement')
  const seen = `${decided.policy_status}, ${decided.account_effect_status}`
  const ok = answer.sends > 1 ? decided.policy_status === 'approved' : seen === 'approved, executing'
  checks.holds('it is approved, and on its way to the engine', ok, 'approved, executing', seen)
  const statement = await pollStatement(
    story,
    (each) => !['reserved', 'executing'].includes(String(each.account_effect_status)),
  )
  checks.equal('the engine has debited the account', statement.account_effect_status, 'executed')
  const again = await operator('POST', path, { note: 'well traded' })
  const repeated = objectOf(again.body, 'statement').account_effect_status
  checks.equal('sent again it is the same decision', `${again.status} ${repeated}`, '200 executed')
  const other = await operator('POST', path, { note: 'once more' })
  checks.equal('in other words it is refused', statusOf(other), '409 payout_state_conflict')
  say(String(statement.account_effect_status))
}

export async function settlePayment(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, run } = story
  const path = userPath(story, `payout-requests/${known.payoutRequestId}/external-settlement`)
  const bare = await operator('PATCH', path, { status: 'operator_marked_paid' })
  checks.equal('a payment has a reference', statusOf(bare), '400 settlement_reference_missing')
  const reference = `wire-${run}`
  const answer = await operator('PATCH', path, {
    status: 'operator_marked_paid',
    external_settlement_reference: reference,
  })
  const { external_settlement_status } = objectOf(answer.body, 'statement')
  checks.equal('the trader is paid', external_settlement_status, 'operator_marked_paid')
  say(reference)
}

export async function readTheBooks(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known } = story
  const { body } = await operator('GET', userPath(story, 'payouts'))
  const [paid, ...others] = rowsOf(body, 'payouts')
  const cash = `${byValue(paid?.amount)} ${paid?.currency}, ${others.length} others`
  checks.equal('one cash event, the trader’s part', cash, `${byValue(payout.trader)} USD, 0 others`)
  const statement = await pollStatement(story, () => true)
  const isSame = paid !== undefined && paid.source_event_id === statement.execution_event_id
  checks.equal('caused by the engine’s own event', isSame ? 'the same event' : 'another event', 'the same event')
  const expected = decimal(known.balance).minus(payout.gross).toFixed(2)
  const summary = await pollSummary(story, ({ balance }) => balance === expected)
  checks.equal('the balance is less by the gross amount', summary.balance, expected)
  const statements = rowsOf((await operator('GET', userPath(story, 'payout-statements'))).body, 'statements')
  const shown = statements.map(({ policy_status }) => policy_status).join(', ')
  checks.equal('both requests are on record, newest first', shown, 'rejected, approved')
  say(`${summary.balance} USD left`)
}
