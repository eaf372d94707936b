/** What the events of `opslog trigger` stand on: a user, an account with a position, a challenge, each made once a run. */
import { importTemplate } from '../commands/noctant/template.ts'
import type { TemplateTerms } from '../events/noctant/template.ts'
import { presetPack } from '../processes/noctant/presets.ts'
import type { AdminSession } from './admin-session.ts'
import type { Answer } from './demo/client.ts'
import { demoTerms, type PayoutStory, productTerms, userPath } from './demo/payout-story.ts'
import {
  accountPolicies,
  externalAccountId,
  externalUserId,
  initialBalance,
  objectOf,
  pollSummary,
  type Row,
  type Story,
} from './demo/story.ts'
import { CliError, EXIT } from './terminal.ts'

export interface Ground {
  session: AdminSession
  story: PayoutStory
  /** Asks as the operator. Throws CliError (refused) with what the API says where it refuses. */
  ask(method: string, path: string, body?: object): Promise<Row>
  user(): Promise<void>
  /** Open, and known to the engine. */
  account(): Promise<void>
  /** On the account that is traded now: bought at the market. */
  buy(quantity: string): Promise<void>
  /** Under the terms of a preset, changed; on an account of its own. */
  challenge(preset: string, change?: (terms: TemplateTerms) => TemplateTerms): Promise<void>
}

export function createGround(session: AdminSession, of: Story): Ground {
  const known = { templateId: '', productId: '', instanceId: '', payoutRequestId: '' }
  const story: PayoutStory = { ...of, known: { ...known, fundedBalance: initialBalance, balance: '' } }
  const { run, found } = story

  async function ask(method: string, path: string, body?: object): Promise<Row> {
    return accepted(await story.operator(method, path, body))
  }

  async function user(): Promise<void> {
    if (found.globalUserId !== '') return
    const body = { external_id: externalUserId(story), email: `ada-${run}@example.com`, display_name: 'Ada Example' }
    found.globalUserId = String((await ask('POST', '/v1/users', body)).global_user_id)
  }

  async function openAccount(more: object): Promise<void> {
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
    found.accountId = String(objectOf(await ask('POST', '/v1/accounts', body), 'account').account_id)
    await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  }

  async function account(): Promise<void> {
    if (found.accountId === '') await openAccount({ rules_owner: 'partner' })
  }

  async function buy(quantity: string): Promise<void> {
    const order = { symbol: 'EURUSD', side: 'buy', orderType: 'market', quantity }
    accepted(
      await story.trader('POST', '/orders', { accountId: found.accountId, clientOrderId: `${run}-buy`, ...order }),
    )
  }

  async function challenge(preset: string, change = (terms: TemplateTerms) => terms): Promise<void> {
    const { operator_id } = objectOf(await ask('GET', '/v1/me'), 'operator')
    const pack = presetPack().find(({ key }) => key === preset)
    if (!pack) throw new Error(`the pack has a template ${preset}`)
    const terms = { ...change(demoTerms(pack.terms)), name: 'To try with' }
    const { state } = await importTemplate(
      session.bus,
      { operatorId: String(operator_id), key: `trigger-${run}`, terms },
      session.context(),
    )
    story.known.templateId = state.status === 'absent' ? '' : state.templateId
    const product = await ask('POST', '/v1/products', productOf(story))
    story.known.productId = String(product.product_id)
    await openAccount({ product_id: story.known.productId, rules_owner: 'noctant' })
    const now = new Date().toISOString()
    const report = { status: 'verified', reported_at: now, verified_at: now, provider_name: 'trigger' }
    await ask('POST', userPath(story, 'kyc-status'), report)
    const begun = await ask('POST', '/v1/challenges', {
      idempotency_key: `${run}-challenge`,
      user_id: found.globalUserId,
      external_account_id: externalAccountId(story),
      template_id: story.known.templateId,
    })
    story.known.instanceId = String(begun.instance_id)
    found.accountId = String(begun.account_id)
    if (begun.status === 'active') await pollSummary(story, ({ trading_status }) => trading_status === 'active')
  }

  return { session, story, ask, user, account, buy, challenge }
}

const productOf = ({ run, known }: PayoutStory) => ({
  idempotency_key: `${run}-product`,
  template_id: known.templateId,
  display_name: 'To try with',
  slug: `try-${run}`,
  ...productTerms,
  kyc_gate: 'none',
})

function accepted({ status, body }: Answer): Row {
  if (status < 400) return body
  const said = [body.code, body.title, body.detail].filter((part) => typeof part === 'string').join(': ')
  throw new CliError(EXIT.refused, `the instance answers ${status} ${said}`)
}
