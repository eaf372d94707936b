/** The first part of the payout's story: what is sold, to whom, and the challenge that begins. */
import { importTemplate } from '../../commands/noctant/template.ts'
import { presetPack } from '../../processes/noctant/presets.ts'
import { withAdminSession } from '../admin-session.ts'
import { demoTerms, type PayoutStory, pollChallenge, productTerms, type Say, TARGET, userPath } from './payout-story.ts'
import { accountPolicies, externalAccountId, initialBalance, objectOf, pollSummary, statusOf } from './story.ts'

export async function importDemoTemplate(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known } = story
  const { operator_id } = objectOf((await operator('GET', '/v1/me')).body, 'operator')
  const preset = presetPack().find(({ key }) => key === 'one-step')
  if (!preset) throw new Error('the pack has a template of one step')
  const terms = demoTerms(preset.terms)
  const { state } = await withAdminSession(({ bus, context }) =>
    importTemplate(bus, { operatorId: String(operator_id), key: 'demo-payout', terms }, context()),
  )
  checks.equal('the template is there', state.status, 'active')
  known.templateId = state.status === 'absent' ? '' : state.templateId
  say(`${terms.name}: ${TARGET} ${terms.currency} to be made`)
}

export async function createProduct(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, run } = story
  const body = {
    idempotency_key: `${run}-product`,
    template_id: known.templateId,
    display_name: 'Demo challenge',
    slug: `demo-${run}`,
    ...productTerms,
    kyc_gate: 'both',
  }
  const answer = await operator('POST', '/v1/products', body)
  checks.equal('the product is for sale', `${statusOf(answer)} ${answer.body.status}`, '201 active')
  known.productId = String(answer.body.product_id)
  say(`${body.price} ${body.currency}, KYC before challenge and payout`)
}

export async function openChallengeAccount(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, found } = story
  const answer = await operator('POST', '/v1/accounts', {
    external_account_id: externalAccountId(story),
    global_user_id: found.globalUserId,
    product_id: known.productId,
    currency: 'USD',
    initial_balance: initialBalance,
    rules_owner: 'noctant',
    ...accountPolicies,
  })
  const opened = objectOf(answer.body, 'account')
  const isSold = opened.product_id === known.productId ? 'its product' : `product ${opened.product_id}`
  checks.equal('the account is sold under the product', isSold, 'its product')
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  checks.equal('the engine has it', `${summary.trading_status} ${summary.balance}`, `active ${initialBalance}`)
  say(`${opened.account_number}, ${summary.balance} ${summary.currency}`)
}

const challengeRequest = (story: PayoutStory, key: string) => ({
  idempotency_key: `${story.run}-${key}`,
  user_id: story.found.globalUserId,
  external_account_id: externalAccountId(story),
  template_id: story.known.templateId,
})

export async function reportKyc(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks } = story
  const early = await operator('POST', '/v1/challenges', challengeRequest(story, 'too-early'))
  checks.equal('no challenge before KYC', statusOf(early), '409 kyc_required')
  const now = new Date().toISOString()
  const report = { status: 'verified', reported_at: now, verified_at: now, provider_name: 'demo' }
  const answer = await operator('POST', userPath(story, 'kyc-status'), report)
  checks.equal('the user is verified', `${statusOf(answer)} ${answer.body.status}`, '200 verified')
  const late = { status: 'pending', reported_at: '2020-01-01T00:00:00Z' }
  const stands = await operator('POST', userPath(story, 'kyc-status'), late)
  checks.equal('an older report changes nothing', stands.body.status, 'verified')
  say('verified')
}

export async function startChallenge(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, found } = story
  const body = challengeRequest(story, 'challenge')
  const answer = await operator('POST', '/v1/challenges', body)
  checks.equal('the challenge begins', `${statusOf(answer)} ${answer.body.status}`, '201 active')
  known.instanceId = String(answer.body.instance_id)
  found.accountId = String(answer.body.account_id)
  const again = await operator('POST', '/v1/challenges', body)
  const isSame = again.body.instance_id === answer.body.instance_id ? 'same id' : 'another id'
  checks.equal('asked for again it is the same one', isSame, 'same id')
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  checks.equal('it is traded from its first balance on', summary.balance, initialBalance)
  const asked = await operator('POST', userPath(story, 'payout-requests'), {
    external_account_id: externalAccountId(story),
    amount: '1.00',
    idempotency_key: `${story.run}-too-early`,
  })
  checks.equal('nothing is paid out of an evaluation', statusOf(asked), '409 payout_not_eligible')
  const shown = await pollChallenge(story, ({ status }) => status === 'active')
  say(`${shown.run_label} on ${shown.account_number}`)
}
