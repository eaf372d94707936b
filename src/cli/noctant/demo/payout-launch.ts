/** The first part of the payout's story: what is sold, to whom, and the challenge that begins. */
import { importTemplate } from '../../../commands/noctant/template.ts'
import { presetPack } from '../../../processes/noctant/presets.ts'
import { statusOf } from '../../demo/typed-client.ts'
import { demoTerms, type PayoutStory, pollChallenge, productTerms, type Say, TARGET } from './payout-story.ts'
import { accountPolicies, externalAccountId, initialBalance, ofUser, pollSummary } from './story.ts'

export async function importDemoTemplate(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known } = story
  const operatorId = (await operator.GET('/v1/me')).data?.operator.operator_id ?? ''
  const preset = presetPack().find(({ key }) => key === 'one-step')
  if (!preset) throw new Error('the pack has a template of one step')
  const terms = demoTerms(preset.terms)
  const { state } = await story.tools.withSession(({ bus, context }) =>
    importTemplate(bus, { operatorId, key: 'demo-payout', terms }, context()),
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
    kyc_gate: 'both' as const,
  }
  const answer = await operator.POST('/v1/products', { body })
  checks.equal('the product is for sale', `${statusOf(answer)} ${answer.data?.status}`, '201 active')
  known.productId = String(answer.data?.product_id)
  say(`${body.price} ${body.currency}, KYC before challenge and payout`)
}

export async function openChallengeAccount(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, found } = story
  const { data } = await operator.POST('/v1/accounts', {
    body: {
      external_account_id: externalAccountId(story),
      global_user_id: found.globalUserId,
      product_id: known.productId,
      currency: 'USD',
      initial_balance: initialBalance,
      rules_owner: 'noctant',
      ...accountPolicies,
    },
  })
  const opened = data?.account
  const isSold = opened?.product_id === known.productId ? 'its product' : `product ${opened?.product_id}`
  checks.equal('the account is sold under the product', isSold, 'its product')
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  checks.equal('the engine has it', `${summary.trading_status} ${summary.balance}`, `active ${initialBalance}`)
  say(`${opened?.account_number}, ${summary.balance} ${summary.currency}`)
}

const challengeRequest = (story: PayoutStory, key: string) => ({
  idempotency_key: `${story.run}-${key}`,
  user_id: story.found.globalUserId,
  external_account_id: externalAccountId(story),
  template_id: story.known.templateId,
})

export async function reportKyc(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks } = story
  const early = await operator.POST('/v1/challenges', { body: challengeRequest(story, 'too-early') })
  checks.equal('no challenge before KYC', statusOf(early), '409 kyc_required')
  const now = new Date().toISOString()
  const answer = await operator.POST('/v1/users/{global_user_id}/kyc-status', {
    params: ofUser(story),
    body: { status: 'verified', reported_at: now, verified_at: now, provider_name: 'demo' },
  })
  checks.equal('the user is verified', `${statusOf(answer)} ${answer.data?.status}`, '200 verified')
  const stands = await operator.POST('/v1/users/{global_user_id}/kyc-status', {
    params: ofUser(story),
    body: { status: 'pending', reported_at: '2020-01-01T00:00:00Z' },
  })
  checks.equal('an older report changes nothing', stands.data?.status, 'verified')
  say('verified')
}

export async function startChallenge(story: PayoutStory, say: Say): Promise<void> {
  const { operator, checks, known, found } = story
  const body = challengeRequest(story, 'challenge')
  const answer = await operator.POST('/v1/challenges', { body })
  checks.equal('the challenge begins', `${statusOf(answer)} ${answer.data?.status}`, '201 active')
  known.instanceId = String(answer.data?.instance_id)
  found.accountId = String(answer.data?.account_id)
  const again = await operator.POST('/v1/challenges', { body })
  const isSame = again.data?.instance_id === answer.data?.instance_id ? 'same id' : 'another id'
  checks.equal('asked for again it is the same one', isSame, 'same id')
  const summary = await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  checks.equal('it is traded from its first balance on', summary.balance, initialBalance)
  const asked = await operator.POST('/v1/users/{global_user_id}/payout-requests', {
    params: ofUser(story),
    body: {
      external_account_id: externalAccountId(story),
      amount: '1.00',
      idempotency_key: `${story.run}-too-early`,
    },
  })
  checks.equal('nothing is paid out of an evaluation', statusOf(asked), '409 payout_not_eligible')
  const shown = await pollChallenge(story, ({ status }) => status === 'active')
  say(`${shown.run_label} on ${shown.account_number}`)
}
