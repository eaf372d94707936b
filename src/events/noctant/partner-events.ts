/**
 * The public side of the log: which events partners are told of, under which name, and which of their facts. These names
 * and fields are a promise to whoever receives webhooks: add to them, never change them. docs/webhooks.md says the rest.
 */
import type { PublishedEvent } from '../published.ts'
import { told } from './partner-event.ts'

const user = ['globalUserId', 'email', 'displayName'] as const
const account = ['programAccountId', 'accountId'] as const
const trade = ['tradeId', 'symbol', 'side', 'quantity', 'entryPrice', 'exitPrice'] as const
const profit = ['grossPnl', 'commission', 'swap', 'netPnl', 'pnlCurrency', 'closeReason'] as const

const challenge = ['instanceId', 'programAccountId', 'accountId', 'globalUserId'] as const
const payout = ['payoutRequestId', 'programAccountId'] as const
const requestedPayout = [...payout, 'accountId', 'globalUserId', 'instanceId', 'currency', 'requestedAmount'] as const

const aboutUsers = [
  told('noctant.UserProvisioned.v1', 'user.provisioned', 'A user is known from now on.', [...user, 'externalId']),
  told('noctant.UserProfileRefreshed.v1', 'user.updated', 'A user has another email or display name.', user),
  told('noctant.UserForgotten.v1', 'user.forgotten', 'A user was forgotten: forget what you were told of them.', [
    'globalUserId',
    'reference',
  ]),
  told('noctant.KycStatusReported.v1', 'kyc.status_changed', 'A user’s identity check stands elsewhere now.', [
    'globalUserId',
    'previousStatus',
    'status',
    'reportedAt',
    'verifiedAt',
    'rejectedAt',
    'rejectionReason',
    'expiresAt',
  ]),
]

const aboutAccounts = [
  told('noctant.AccountOpened.v1', 'account.opened', 'An account is open; the engine has been told.', [
    ...account,
    'attemptId',
    'accountNumber',
    'globalUserId',
    'externalAccountId',
    'accountName',
    'productId',
    'currency',
    'initialBalance',
    'executionMode',
    'marketMode',
    'programType',
    'provisioningSource',
  ]),
  told('noctant.AccountStatusChanged.v1', 'account.status_changed', 'An account was disabled or made active again.', [
    ...account,
    'from',
    'to',
    'reason',
  ]),
  told(
    'noctant.AccountAttemptStarted.v1',
    'account.attempt_started',
    'An account is traded on another run from now on.',
    [...account, 'priorAccountId', 'attemptId', 'attemptNumber', 'initialBalance'],
  ),
  told('noctant.EngineCommandDecided.v1', 'command.confirmed', 'The engine has a command on record, and decided it.', [
    'commandId',
    'accountId',
    'kind',
    'outcome',
    'reasonCode',
    'reason',
  ]),
  told(
    'noctant.EngineCommandDeadLettered.v1',
    'command.dead_lettered',
    'A command was given up: no confirmation came.',
    ['commandId', 'accountId', 'attempts', 'reason'],
  ),
  told('noctant.EngineTradeClosed.v1', 'trade.closed', 'A position, or a part of one, was closed.', [
    'accountId',
    'positionId',
    ...trade,
    'entryTime',
    ...profit,
  ]),
  told('noctant.AccountCorrectionRequested.v1', 'correction.requested', 'A correction of a balance is on its way.', [
    'correctionId',
    ...account,
    'commandId',
    'currency',
    'amount',
    'reason',
    'operatorReference',
  ]),
  told(
    'noctant.EngineBalanceChanged.v1',
    'correction.executed',
    'A correction has changed the balance; `reference` is its id. One that is refused comes as `command.confirmed`.',
    ['accountId', 'commandId', 'reference', 'change', 'balance'],
    ({ cause }) => cause === 'correction',
  ),
]

const aboutChallenges = [
  told('noctant.ChallengeStarted.v1', 'challenge.started', 'A run of a challenge has begun.', [
    ...challenge,
    'chainId',
    'parentInstanceId',
    'resetNumber',
    'templateId',
    'templateVersion',
    'productId',
    'initialBalance',
    'status',
  ]),
  told('noctant.ChallengeStepPassed.v1', 'challenge.step_passed', 'A step is passed and the next has begun.', [
    ...challenge,
    'stepSequence',
    'reached',
  ]),
  told('noctant.ChallengePassed.v1', 'challenge.passed', 'The last evaluation is passed.', [
    ...challenge,
    'stepSequence',
    'reached',
    'funded',
    'status',
  ]),
  told('noctant.ChallengeFailed.v1', 'challenge.failed', 'A rule was broken, or a review said no.', [
    ...challenge,
    'stepSequence',
    'rule',
    'breach',
    'reason',
  ]),
  told('noctant.ChallengeExpired.v1', 'challenge.expired', 'The time is over.', [
    ...challenge,
    'stepSequence',
    'timeLimitDays',
    'expiresAt',
  ]),
  told('noctant.ChallengeReviewRequested.v1', 'challenge.review_requested', 'The target is reached; people decide.', [
    ...challenge,
    'stepSequence',
    'reached',
  ]),
  told('noctant.ChallengeReviewed.v1', 'challenge.reviewed', 'People have decided.', [
    ...challenge,
    'decision',
    'reason',
  ]),
  told('noctant.ChallengeActivated.v1', 'challenge.activated', 'The activation is done.', [
    ...challenge,
    'price',
    'reference',
    'status',
  ]),
  told('noctant.ChallengeCompleted.v1', 'challenge.completed', 'All the payouts of a run are executed.', [
    ...challenge,
    'payouts',
  ]),
  told('noctant.ChallengeReset.v1', 'challenge.reset', 'Another run takes this one’s place.', [
    ...challenge,
    'nextInstanceId',
    'nextAttemptNumber',
    'resetNumber',
    'reason',
  ]),
]

const aboutPayouts = [
  told('noctant.PayoutRequested.v1', 'payout.requested', 'A payout is within the rules; people decide.', [
    ...requestedPayout,
    'policyDecision',
  ]),
  told('noctant.PayoutRequestRefused.v1', 'payout.refused', 'A payout is against the rules.', [
    ...requestedPayout,
    'policyDecision',
  ]),
  told('noctant.PayoutApproved.v1', 'payout.approved', 'A payout is granted, its amount reserved.', [
    ...payout,
    'policyDecision',
    'operatorReference',
  ]),
  told('noctant.PayoutRejected.v1', 'payout.rejected', 'A payout was turned down.', [
    ...payout,
    'reason',
    'operatorReference',
  ]),
  told('noctant.PayoutExecuted.v1', 'payout.executed', 'The account has been debited.', [
    ...payout,
    'commandId',
    'globalUserId',
    'instanceId',
    'currency',
    'grossAmount',
    'traderAmount',
    'firmRetainedAmount',
    'ordinal',
    'executedAt',
  ]),
  told(
    'noctant.PayoutExecutionFailed.v1',
    'payout.execution_failed',
    'Nothing was debited; the amount is free again.',
    [...payout, 'commandId', 'code', 'reason'],
  ),
  told('noctant.PayoutExecutionInvalid.v1', 'payout.execution_invalid', 'The debit is not what was asked for.', [
    ...payout,
    'commandId',
    'debitedAmount',
    'code',
    'reason',
  ]),
  told(
    'noctant.PayoutSettlementUpdated.v1',
    'payout.settlement_updated',
    'The operator’s own payment stands elsewhere.',
    [...payout, 'from', 'to', 'reference', 'operatorReference'],
  ),
]

const launch = ['launchSessionId'] as const
const aboutLaunches = [
  told('noctant.LaunchSessionCreated.v1', 'launch_session.created', 'A launch link was made.', [
    ...launch,
    'globalUserId',
    'externalUserId',
    'requestedRoute',
    'requestedProductMode',
    'account',
    'historical',
    'expiresAt',
  ]),
  told('noctant.LaunchSessionRedeemed.v1', 'launch_session.redeemed', 'A launch link was used.', launch),
  told('noctant.HistoricalSessionRequested.v1', 'historical_session.requested', 'The engine is asked for a session.', [
    ...launch,
    'sessionId',
    'backtestRunId',
    'globalUserId',
    'externalUserId',
    'mode',
    'feedId',
    'marketTimeStart',
    'marketTimeEnd',
  ]),
  told('noctant.EngineReplaySessionCreated.v1', 'historical_session.created', 'The engine has made the session.', [
    'sessionId',
    'feedId',
    'mode',
    'marketTimeStart',
    'marketTimeEnd',
    'currency',
    'initialBalance',
  ]),
  told(
    'noctant.EngineBacktestCompleted.v1',
    'historical_session.completed',
    'A backtest is done; these are its figures.',
    [
      'sessionId',
      'currency',
      'tradeCount',
      'winningTrades',
      'losingTrades',
      'ordersRejected',
      'initialBalance',
      'finalBalance',
      'peakBalance',
      'maxDrawdown',
      'realizedPnl',
    ],
  ),
]

/** By our event type, in the order of the documents. */
export const partnerEvents: ReadonlyMap<string, PublishedEvent> = new Map([
  ...aboutUsers,
  ...aboutAccounts,
  ...aboutChallenges,
  ...aboutPayouts,
  ...aboutLaunches,
])

/** What partners are told of this event; undefined: nothing. */
export function partnerEventOf(event: {
  type: string
  data: Readonly<Record<string, unknown>>
}): PublishedEvent | undefined {
  const entry = partnerEvents.get(event.type)
  return entry && (entry.only?.(event.data) ?? true) ? entry : undefined
}

/** Every name that an endpoint may subscribe to. */
export const partnerEventTypes: readonly string[] = [...partnerEvents.values()].map(({ type }) => type)
