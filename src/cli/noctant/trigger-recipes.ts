/** How each event of `opslog trigger` comes about. */
import { challenge } from '../../commands/noctant/challenge.ts'
import type { TemplateTerms } from '../../events/noctant/template.ts'
import { ofRequest, payout, pollChallenge, pollStatement } from './demo/payout-story.ts'
import { makeProfit, reachTarget } from './demo/payout-trading.ts'
import { externalAccountId, externalUserId, ofAccount, ofUser } from './demo/story.ts'
import { forgetUser } from './forgetting.ts'
import type { Ground } from './trigger-ground.ts'

export interface Recipe {
  /** In a sentence, for `--list`. */
  says: string
  make(ground: Ground): Promise<void>
}

const silent = () => undefined

const users: Record<string, Recipe> = {
  'user.provisioned': { says: 'a user is provisioned', make: (on) => on.user() },
  'user.updated': {
    says: 'a user is provisioned, and again with another name',
    async make(on) {
      await on.user()
      const email = `other-${on.story.run}@example.com`
      const body = { external_id: externalUserId(on.story), email, display_name: 'Ada of another name' }
      await on.accepted(on.story.operator.POST('/v1/users', { body }))
    },
  },
  'user.forgotten': {
    says: 'a user is provisioned, and forgotten',
    async make(on) {
      await on.user()
      await forgetUser(on.tools, on.story.found.globalUserId, { yes: true, quiet: true, reference: 'trigger' })
    },
  },
  'kyc.status_changed': {
    says: 'a user’s identity check is reported as pending',
    async make(on) {
      await on.user()
      const body = { status: 'pending' as const, reported_at: new Date().toISOString(), provider_name: 'trigger' }
      const { operator } = on.story
      await on.accepted(operator.POST('/v1/users/{global_user_id}/kyc-status', { params: ofUser(on.story), body }))
    },
  },
}

async function correct(on: Ground): Promise<void> {
  await on.account()
  const body = {
    external_account_id: externalAccountId(on.story),
    amount: '12.50',
    reason: 'To try with',
    idempotency_key: `${on.story.run}-correction`,
  }
  const path = '/v1/users/{global_user_id}/account-corrections'
  await on.accepted(on.story.operator.POST(path, { params: ofUser(on.story), body }))
}

async function closeAll(on: Ground): Promise<void> {
  const body = { idempotency_key: `${on.story.run}-close-all`, reason: 'To try with' }
  const path = '/v1/accounts/by-external-id/close-all'
  await on.accepted(on.story.operator.POST(path, { params: ofAccount(on.story), body }))
}

const resettable = (terms: TemplateTerms): TemplateTerms => ({
  ...terms,
  resetPolicy: { allowed: true, maximumCount: null, coolDownHours: 0 },
})

async function reset(on: Ground): Promise<void> {
  await on.challenge('one-step', resettable)
  const params = { path: { instance_id: on.story.known.instanceId } }
  const body = { idempotency_key: `${on.story.run}-reset` }
  await on.accepted(on.story.operator.POST('/v1/challenges/{instance_id}/reset', { params, body }))
}

const accounts: Record<string, Recipe> = {
  'account.opened': { says: 'an account is opened for a new user', make: (on) => on.account() },
  'account.status_changed': {
    says: 'an account is opened, and disabled',
    async make(on) {
      await on.account()
      const { operator, run } = on.story
      const body = { status: 'disabled' as const, idempotency_key: `${run}-disable`, reason: 'To try with' }
      const params = ofAccount(on.story)
      await on.accepted(operator.PATCH('/v1/accounts/by-external-id/status', { params, body }))
    },
  },
  'account.attempt_started': { says: 'a challenge begins on an account, and begins anew', make: reset },
  'command.confirmed': { says: 'an account is opened, and the engine has it', make: (on) => on.account() },
  'trade.closed': {
    says: 'a position is opened, and closed',
    async make(on) {
      await on.account()
      await on.buy('0.10')
      await closeAll(on)
    },
  },
  'correction.requested': { says: 'a balance is corrected', make: correct },
  'correction.executed': { says: 'a balance is corrected', make: correct },
}

/** Terms under which buying at the market is enough to fail: the spread is a loss at once. */
const strict = (terms: TemplateTerms): TemplateTerms => ({
  ...terms,
  steps: terms.steps.map((step) => ({
    ...step,
    maximumDailyLoss: null,
    maximumDrawdown: { kind: 'amount' as const, value: '1', mode: 'static' as const },
  })),
})

async function fail(on: Ground): Promise<void> {
  await on.challenge('one-step', strict)
  await on.buy('20')
  await pollChallenge(on.story, ({ status }) => status === 'failed')
}

const reviewed = (terms: TemplateTerms): TemplateTerms => ({
  ...terms,
  steps: terms.steps.map((step) => ({ ...step, reviewBeforePass: step.kind === 'evaluation' })),
})

async function reach(on: Ground, preset: string, change?: (terms: TemplateTerms) => TemplateTerms): Promise<void> {
  await on.challenge(preset, change)
  await reachTarget(on.story, silent)
}

const challenges: Record<string, Recipe> = {
  'challenge.started': { says: 'a challenge begins on an account', make: (on) => on.challenge('one-step') },
  'challenge.failed': { says: 'a challenge is traded below its floor', make: fail },
  'challenge.reset': { says: 'a challenge begins on an account, and begins anew', make: reset },
  'challenge.passed': { says: 'a challenge of one step is traded to its target', make: (on) => reach(on, 'one-step') },
  'challenge.step_passed': {
    says: 'a challenge of two steps is traded to its first target',
    make: (on) => reach(on, 'two-step'),
  },
  'challenge.review_requested': {
    says: 'a challenge with a review is traded to its target',
    make: (on) => reach(on, 'one-step', reviewed),
  },
  'challenge.reviewed': {
    says: 'a challenge with a review is traded to its target, and approved',
    async make(on) {
      await reach(on, 'one-step', reviewed)
      const { bus, context } = on.session
      const of = context()
      const command = { kind: 'review', decision: 'approved', reason: null, at: of.at } as const
      await bus.handle(challenge, on.story.known.instanceId, command, of)
    },
  },
  'challenge.activated': {
    says: 'an instantly funded challenge is paid for',
    async make(on) {
      const paid = (terms: TemplateTerms) => ({ ...terms, activation: { required: true, price: '50.00' } })
      await on.challenge('instant-funded', paid)
      const { bus, context } = on.session
      const of = context()
      const command = { kind: 'activate', reference: 'trigger', at: of.at } as const
      await bus.handle(challenge, on.story.known.instanceId, command, of)
    },
  },
}

/** An instantly funded challenge, traded to a profit, of which a part is asked for. */
async function askForPayout(
  on: Ground,
  amount: string = payout.gross,
  change?: (terms: TemplateTerms) => TemplateTerms,
): Promise<void> {
  await on.challenge('instant-funded', change)
  await makeProfit(on.story, silent)
  const body = { external_account_id: externalAccountId(on.story), amount, idempotency_key: `${on.story.run}-payout` }
  const path = '/v1/users/{global_user_id}/payout-requests'
  const { statement } = await on.accepted(on.story.operator.POST(path, { params: ofUser(on.story), body }))
  on.story.known.payoutRequestId = statement.payout_request_id
}

const REQUEST = '/v1/users/{global_user_id}/payout-requests/{payout_request_id}'

async function execute(on: Ground, change?: (terms: TemplateTerms) => TemplateTerms): Promise<void> {
  await askForPayout(on, payout.gross, change)
  await on.accepted(on.story.operator.POST(`${REQUEST}/approve-and-execute`, { params: ofRequest(on.story), body: {} }))
  await pollStatement(on.story, ({ account_effect_status }) => account_effect_status === 'executed')
}

const payouts: Record<string, Recipe> = {
  'payout.requested': {
    says: 'a funded account makes a profit, and asks for a part of it',
    make: (on) => askForPayout(on),
  },
  'payout.refused': {
    says: 'a funded account asks for more than its policy allows',
    make: (on) => askForPayout(on, '50000.00'),
  },
  'payout.approved': {
    says: 'a payout is asked for, and approved',
    async make(on) {
      await askForPayout(on)
      await on.accepted(on.story.operator.POST(`${REQUEST}/approve`, { params: ofRequest(on.story), body: {} }))
    },
  },
  'payout.rejected': {
    says: 'a payout is asked for, and rejected',
    async make(on) {
      await askForPayout(on)
      const body = { reason: 'To try with' }
      await on.accepted(on.story.operator.POST(`${REQUEST}/reject`, { params: ofRequest(on.story), body }))
    },
  },
  'payout.executed': { says: 'a payout is approved, and the account is debited', make: (on) => execute(on) },
  'payout.settlement_updated': {
    says: 'a payout is executed, and reported as paid',
    async make(on) {
      await execute(on)
      const { operator, run } = on.story
      const body = { status: 'operator_marked_paid' as const, external_settlement_reference: `wire-${run}` }
      await on.accepted(operator.PATCH(`${REQUEST}/external-settlement`, { params: ofRequest(on.story), body }))
    },
  },
}

async function launch(on: Ground): Promise<string> {
  await on.account()
  const body = {
    external_account_id: externalAccountId(on.story),
    requested_route: '/terminal',
    requested_product_mode: 'terminal' as const,
    external_user_id: externalUserId(on.story),
  }
  return (await on.accepted(on.story.operator.POST('/v1/launch-sessions', { body }))).launch_url
}

const launches: Record<string, Recipe> = {
  'launch_session.created': {
    says: 'a link to the terminal is made for an account',
    make: async (on) => void (await launch(on)),
  },
  'launch_session.redeemed': {
    says: 'a link to the terminal is made for an account, and used',
    async make(on) {
      const used = await fetch(await launch(on), { method: 'POST', redirect: 'manual' })
      await used.body?.cancel()
    },
  },
}

/** A policy that ends with the first payout. */
const once = (terms: TemplateTerms): TemplateTerms => ({
  ...terms,
  payoutPolicy: terms.payoutPolicy && { ...terms.payoutPolicy, maximumCount: 1 },
})

/** By the event's name, in the order of the documents. */
export const recipes: ReadonlyMap<string, Recipe> = new Map(
  Object.entries({
    ...users,
    ...accounts,
    ...challenges,
    'challenge.completed': {
      says: 'a payout is executed that is the last of its challenge',
      make: (on: Ground) => execute(on, once),
    },
    ...payouts,
    ...launches,
  }),
)
