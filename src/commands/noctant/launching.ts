/**
 * The ways to a launch: for an account, for a historical session, and the redemption. What they rest on in other streams
 * (the operator's origins, the user, the account, the feed's grant) is read as it is at the moment.
 */
import type { LaunchSessionEvent } from '../../events/noctant/launch-session.ts'
import type { CommandBus, CommandContext, Handled } from '../handle.ts'
import { account, programAccountIdOf } from './account.ts'
import { backtestPlan, replayBalance } from './backtest-plan.ts'
import { feed, grantedFeed } from './feed.ts'
import { allowedReturnUrl, relativeRoute } from './launch-address.ts'
import {
  type LaunchFacts,
  type LaunchSessionState,
  launchSession,
  launchSessionIdOf,
  redemptionRefusal,
} from './launch-session.ts'
import { operator } from './operator.ts'
import { Rejected } from './rejection.ts'
import { user, userForgotten } from './user.ts'

export interface LaunchRequest {
  operatorId: string
  orgId: string
  globalUserId: string
  requestedRoute: string
  requestedProductMode: LaunchFacts['requestedProductMode']
  returnUrl: string | null
  /** SHA-256 of the token, hex. */
  tokenHash: string
  expiresAt: string
}

type Launched = Promise<Handled<LaunchSessionState, LaunchSessionEvent>>

/** What is launched in an account, and what in history. */
const accountModes: readonly string[] = ['terminal', 'challenge', 'simulator']

const modeMismatch = (detail: string) => new Rejected('launch_mode_invalid', detail, '/requested_product_mode')

/**
 * A launch for an account of one of the operator's users. Rejects with user_not_found, account_not_found (another user's
 * account is none of this one's), account_closed, account_disabled, launch_challenge_missing, launch_mode_invalid, launch_route_invalid, launch_return_invalid.
 */
export async function createAccountLaunch(
  bus: CommandBus,
  request: LaunchRequest & { externalAccountId: string },
  context: CommandContext,
): Launched {
  const { operatorId, globalUserId, externalAccountId, requestedProductMode } = request
  if (!accountModes.includes(requestedProductMode)) {
    throw modeMismatch('Replays and backtests are launched as historical sessions.')
  }
  const common = await commonFacts(bus, request)
  const state = await bus.current(account, programAccountIdOf(operatorId, externalAccountId))
  if (state.status === 'absent' || state.facts.globalUserId !== globalUserId) {
    throw new Rejected('account_not_found', 'The user has no account of this external id.')
  }
  if (state.status === 'closed') throw new Rejected('account_closed', 'The account is closed.')
  if (state.status === 'disabled') {
    throw new Rejected('account_disabled', 'The account is disabled; a launch needs an active one.')
  }
  if (requestedProductMode === 'challenge' && state.challengeInstanceId === null) {
    throw new Rejected('launch_challenge_missing', 'No challenge is held on the account; start one first.')
  }
  const { programAccountId, accountId, visibilityPolicy } = state.facts
  const facts = { programAccountId, accountId, externalAccountId, visibilityPolicy }
  return create(bus, { ...common, account: facts, historical: null }, context)
}

/**
 * A launch of a replay or a backtest. Rejects with user_not_found, feed_not_found, feed_not_granted,
 * market_range_invalid, launch_mode_invalid, launch_route_invalid, launch_return_invalid, backtest_invalid.
 */
export async function createHistoricalLaunch(
  bus: CommandBus,
  request: LaunchRequest & { feedId: string; marketTimeStart: string; marketTimeEnd: string },
  context: CommandContext,
): Launched {
  const { operatorId, feedId, marketTimeStart, marketTimeEnd, requestedProductMode: mode } = request
  if (mode !== 'replay' && mode !== 'backtest') throw modeMismatch('A historical session is a replay or a backtest.')
  if (marketTimeStart >= marketTimeEnd) {
    throw new Rejected('market_range_invalid', 'The market range begins before it ends.', '/market_time_end')
  }
  const common = await commonFacts(bus, request)
  const range = { marketTimeStart, marketTimeEnd }
  const granted = grantedFeed(await bus.current(feed, feedId), operatorId, range)
  const { symbol, kind, contentHash } = granted
  const plan = mode === 'backtest' ? backtestPlan(request.requestedRoute) : { ...replayBalance, strategy: null }
  const historical = { mode, feed: { feedId, symbol, kind, contentHash }, ...range, ...plan }
  return create(bus, { ...common, account: null, historical }, context)
}

/** What every launch has: checked addresses, and a user of this very operator. */
async function commonFacts(
  bus: CommandBus,
  request: LaunchRequest,
): Promise<Omit<LaunchFacts, 'account' | 'historical'>> {
  const { operatorId, orgId, globalUserId, requestedProductMode, returnUrl, tokenHash, expiresAt } = request
  const requestedRoute = relativeRoute(request.requestedRoute)
  if (returnUrl !== null) {
    const tenant = await bus.current(operator, operatorId)
    allowedReturnUrl(returnUrl, tenant.status === 'absent' ? [] : tenant.facts.allowedOrigins)
  }
  const owner = await bus.load(user, globalUserId)
  if (owner.status === 'absent' || owner.operatorId !== operatorId) {
    throw new Rejected('user_not_found', 'The operator has no such user.')
  }
  if (owner.status === 'forgotten') throw userForgotten()
  const { externalId: externalUserId } = owner
  const launchSessionId = launchSessionIdOf(tokenHash)
  const who = { operatorId, orgId, globalUserId, externalUserId }
  return { launchSessionId, ...who, requestedRoute, requestedProductMode, returnUrl, tokenHash, expiresAt }
}

const create = (bus: CommandBus, facts: LaunchFacts, context: CommandContext): Launched =>
  bus.handle(launchSession, facts.launchSessionId, { kind: 'create', facts, at: context.at }, context)

/**
 * Redeems a launch: once, by whoever comes first. Rejects with launch_session_not_found, launch_session_redeemed,
 * launch_session_expired, and with launch_session_withdrawn where the operator is suspended or the account no longer active.
 */
export async function redeemLaunch(
  bus: CommandBus,
  redemption: { tokenHash: string; browserSessionHash: string; browserSessionExpiresAt: string },
  context: CommandContext,
): Launched {
  const { tokenHash, ...browserSession } = redemption
  const command = { kind: 'redeem', ...browserSession, commandId: context.commandId, at: context.at } as const
  const id = launchSessionIdOf(tokenHash)
  return bus.handle(launchSession, id, command, context, async () => {
    const launch = await bus.load(launchSession, id)
    if (launch.status === 'absent') return
    const refusal = redemptionRefusal(launch, context.at)
    if (refusal) throw refusal
    const { operatorId, account: launched } = launch.facts
    const tenant = await bus.current(operator, operatorId)
    const target = launched && (await bus.current(account, launched.programAccountId))
    if (tenant.status !== 'active' || (target && target.status !== 'active')) {
      throw new Rejected('launch_session_withdrawn', 'The launch is not available any more.')
    }
  })
}
