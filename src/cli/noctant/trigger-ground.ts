/** What the events of `opslog trigger` stand on: a user, an account with a position, a challenge, each made once a run. */
import type { Answered, DataOf } from '@opslog/client'
import { importTemplate } from '../../commands/noctant/template.ts'
import type { TemplateTerms } from '../../events/noctant/template.ts'
import { presetPack } from '../../processes/noctant/presets.ts'
import { accepted } from '../accepted.ts'
import type { AdminSession } from '../admin-session.ts'
import type { AdminTools } from '../admin-tools.ts'
import { CliError, EXIT } from '../terminal.ts'
import { demoTerms, type PayoutStory, productTerms } from './demo/payout-story.ts'
import {
  accountPolicies,
  entryStatusOf,
  externalAccountId,
  externalUserId,
  initialBalance,
  ofUser,
  pollSummary,
  type Story,
} from './demo/story.ts'

export interface Ground {
  tools: AdminTools
  session: AdminSession
  story: PayoutStory
  /** What the API answers. Throws CliError (refused) with what it says where it refuses. */
  accepted<A extends Answered<unknown, unknown>>(call: Promise<A>): Promise<DataOf<A>>
  user(): Promise<void>
  /** Open, and known to the engine. */
  account(): Promise<void>
  /** On the account that is traded now: bought at the market. */
  buy(quantity: string): Promise<void>
  /** Under the terms of a preset, changed; on an account of its own. */
  challenge(preset: string, change?: (terms: TemplateTerms) => TemplateTerms): Promise<void>
}

export function createGround(tools: AdminTools, session: AdminSession, of: Story): Ground {
  const known = { templateId: '', productId: '', instanceId: '', payoutRequestId: '' }
  const story: PayoutStory = { ...of, known: { ...known, fundedBalance: initialBalance, balance: '' } }
  const { operator, run, found } = story

  async function user(): Promise<void> {
    if (found.globalUserId !== '') return
    const body = { external_id: externalUserId(story), email: `ada-${run}@example.com`, display_name: 'Ada Example' }
    found.globalUserId = (await accepted(operator.POST('/v1/users', { body }))).global_user_id
  }

  async function openAccount(more: { product_id?: string; rules_owner: 'partner' | 'noctant' }): Promise<void> {
    await user()
    const body = {
      external_account_id: externalAccountId(story),
      global_user_id: found.globalUserId,
      account_name: 'An account to try with',
      currency: 'USD',
      initial_balance: initialBalance,
      ...accountPolicies,
      ...more,
    }
    found.accountId = (await accepted(operator.POST('/v1/accounts', { body }))).account.account_id
    await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  }

  async function account(): Promise<void> {
    if (found.accountId === '') await openAccount({ rules_owner: 'partner' })
  }

  async function buy(quantity: string): Promise<void> {
    const order = { symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity }
    const body = { accountId: found.accountId, clientOrderId: `${run}-buy`, ...order }
    const answer = await story.trader('POST', '/orders', body)
    if (answer.status >= 400) throw new CliError(EXIT.refused, `order entry answers ${entryStatusOf(answer)}`)
  }

  async function challenge(preset: string, change = (terms: TemplateTerms) => terms): Promise<void> {
    const { operator_id: operatorId } = (await accepted(operator.GET('/v1/me'))).operator
    const pack = presetPack().find(({ key }) => key === preset)
    if (!pack) throw new Error(`the pack has a template ${preset}`)
    const terms = { ...change(demoTerms(pack.terms)), name: 'To try with' }
    const { state } = await importTemplate(session.bus, { operatorId, key: `trigger-${run}`, terms }, session.context())
    story.known.templateId = state.status === 'absent' ? '' : state.templateId
    const product = await accepted(operator.POST('/v1/products', { body: productOf(story) }))
    story.known.productId = product.product_id
    await openAccount({ product_id: story.known.productId, rules_owner: 'noctant' })
    const now = new Date().toISOString()
    const report = { reported_at: now, verified_at: now, provider_name: 'trigger' }
    const path = '/v1/users/{global_user_id}/kyc-status'
    await accepted(operator.POST(path, { params: ofUser(story), body: { status: 'verified', ...report } }))
    const body = {
      idempotency_key: `${run}-challenge`,
      user_id: found.globalUserId,
      external_account_id: externalAccountId(story),
      template_id: story.known.templateId,
    }
    const begun = await accepted(operator.POST('/v1/challenges', { body }))
    story.known.instanceId = begun.instance_id
    found.accountId = begun.account_id
    if (begun.status === 'active') await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  }

  return { tools, session, story, accepted, user, account, buy, challenge }
}

const productOf = ({ run, known }: PayoutStory) => ({
  idempotency_key: `${run}-product`,
  template_id: known.templateId,
  display_name: 'To try with',
  slug: `try-${run}`,
  ...productTerms,
  kyc_gate: 'none' as const,
})
