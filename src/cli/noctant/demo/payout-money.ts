/** The last part of the payout's story: asked for, decided, debited, paid, and in the books. */
import { triesOf } from '@opslog/client'
import { byValue, decimal } from '../../demo/checks.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { ofRequest, type PayoutStory, payout, pollStatement, type Say } from './payout-story.ts'
import { externalAccountId, ofUser, pollSummary } from './story.ts'

export async function requestPayout(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, run } = story
  const body = {
    external_account_id: externalAccountId(story),
    amount: payout.gross as string,
    idempotency_key: `${run}-payout`,
    operator_reference: `demo ${run}`,
  }
  const ask = (more: Partial<typeof body> = {}) =>
    operator.POST('/v1/users/{global_user_id}/payout-requests', { params: ofUser(story), body: { ...body, ...more } })
  const answer = await ask()
  const statement = answer.data?.statement
  known.payoutRequestId = String(statement?.payout_request_id)
  checks.equal(
    'the policy lets the request through',
    `${statusOf(answer)} ${statement?.policy_status}`,
    '200 pending_review',
  )
  const { accepted_gross_amount: gross, trader_amount: trader, firm_retained_amount: firm } = statement ?? {}
  const parts = [gross, trader, firm].map(byValue).join(' / ')
  const expected = [payout.gross, payout.trader, payout.firm].map(byValue).join(' / ')
  checks.equal('gross, the trader’s part, the firm’s part', parts, expected)
  const again = await ask()
  const same = again.data?.statement.payout_request_id === known.payoutRequestId ? 'same id' : 'another id'
  const replayed = again.response.headers.get('idempotency-replayed')
  checks.equal('sent again it is the same request', `${same}, replayed ${replayed}`, 'same id, replayed true')
  const greedy = await ask({ amount: '50000.00', idempotency_key: `${run}-greedy` })
  const refused = greedy.data?.statement.policy_status
  checks.equal('more than the policy allows is turned down', refused, 'rejected')
  say(`${payout.gross} USD, of which ${payout.trader} to the trader`)
}

export async function executePayout(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks } = story
  const path = '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/approve-and-execute'
  const execute = (note: string) => operator.POST(path, { params: ofRequest(story), body: { note } })
  const answer = await execute('well traded')
  const decided = answer.data?.statement
  const seen = `${decided?.policy_status}, ${decided?.account_effect_status}`
  const ok = triesOf(answer.response) > 1 ? decided?.policy_status === 'approved' : seen === 'approved, executing'
  checks.holds('it is approved, and on its way to the engine', ok, 'approved, executing', seen)
  const statement = await pollStatement(
    story,
    (each) => !['reserved', 'executing'].includes(String(each.account_effect_status)),
  )
  checks.equal('the engine has debited the account', statement.account_effect_status, 'executed')
  const again = await execute('well traded')
  const repeated = `${statusOf(again)} ${again.data?.statement.account_effect_status}`
  checks.equal('sent again it is the same decision', repeated, '200 executed')
  const other = await execute('once more')
  checks.equal('in other words it is refused', statusOf(other), '409 payout_state_conflict')
  say(String(statement.account_effect_status))
}

export async function settlePayment(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, run } = story
  const path = '/v1/users/{global_user_id}/payout-requests/{payout_request_id}/external-settlement'
  const settle = (more: { external_settlement_reference?: string }) => {
    const body = { status: 'operator_marked_paid' as const, ...more }
    return operator.PATCH(path, { params: ofRequest(story), body })
  }
  checks.equal('a payment has a reference', statusOf(await settle({})), '400 settlement_reference_missing')
  const reference = `wire-${run}`
  const answer = await settle({ external_settlement_reference: reference })
  checks.equal('the trader is paid', answer.data?.statement.external_settlement_status, 'operator_marked_paid')
  say(reference)
}

export async function readTheBooks(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known } = story
  const params = ofUser(story)
  const { data } = await operator.GET('/v1/users/{global_user_id}/payouts', { params })
  const [paid, ...others] = data?.payouts ?? []
  const cash = `${byValue(paid?.amount)} ${paid?.currency}, ${others.length} others`
  checks.equal('one cash event, the trader’s part', cash, `${byValue(payout.trader)} USD, 0 others`)
  const statement = await pollStatement(story, () => true)
  const isSame = paid !== undefined && paid.source_event_id === statement.execution_event_id
  checks.equal('caused by the engine’s own event', isSame ? 'the same event' : 'another event', 'the same event')
  const expected = decimal(known.balance).minus(payout.gross).toFixed(2)
  const summary = await pollSummary(story, ({ balance }) => balance === expected)
  checks.equal('the balance is less by the gross amount', summary.balance, expected)
  const shown: string[] = []
  for await (const each of operator.paginate('/v1/users/{global_user_id}/payout-statements', { params }))
    shown.push(each.policy_status)
  checks.equal('both requests are on record, newest first', shown.join(', '), 'rejected, approved')
  say(`${summary.balance} USD left`)
}
