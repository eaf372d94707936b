/**
 * An example of every event type, valid by the registry and consistent with each other: one operator with one user, one
 * account and what happened to it. Tests override what they are about.
 */
import { v5 } from 'uuid'
import type { AnyEvent, Recorded } from '../../src/events/event.ts'
import { LOG_ADOPTED, LOG_IDENTIFIED, LOG_IDENTITY_STREAM } from '../../src/events/log-identity.ts'
import type { AccountEvent } from '../../src/events/noctant/account.ts'
import type { EngineEvent, EngineQuarantineEvent } from '../../src/events/noctant/engine.ts'
import type { EngineCommandEvent } from '../../src/events/noctant/engine-command.ts'
import type { FeedEvent } from '../../src/events/noctant/feed.ts'
import type { KycEvent } from '../../src/events/noctant/kyc.ts'
import type { LaunchSessionEvent } from '../../src/events/noctant/launch-session.ts'
import type { OperatorEvent, OperatorSlugEvent } from '../../src/events/noctant/operator.ts'
import type { PayoutAddressEvent, PayoutEvent } from '../../src/events/noctant/payout.ts'
import type { UserEvent } from '../../src/events/noctant/user.ts'
import { HEARTBEAT } from '../../src/events/registry.ts'
import { SEAL_STREAM, type SealEvent } from '../../src/events/seal.ts'
import type { Poison } from '../../src/events/subscription.ts'
import { type AuditStoryEvent, auditExamples } from './examples/audit.ts'
import { type ChallengeStoryEvent, challengeExamples } from './examples/challenge.ts'
import { type ConsoleStoryEvent, consoleExamples } from './examples/console.ts'
import { type FirsthandStoryEvent, firsthandExamples, firsthandStreamOf } from './examples/firsthand.ts'
import { type KillatamataStoryEvent, killatamataExamples, killatamataStreamOf } from './examples/killatamata.ts'
import { type OstiumStoryEvent, ostiumExamples, ostiumStreamOf } from './examples/ostium.ts'
import { type RungateStoryEvent, rungateExamples, rungateStreamOf } from './examples/rungate.ts'
import { type WebhookStoryEvent, webhookExamples } from './examples/webhook.ts'

/** The same name gives the same UUID. */
export const uuidOf = (name: string): string => v5(name, '0b4ee4a5-7b02-5c0f-8b5b-3f0a0d9f6a11')

/** A time on the examples' day, some seconds after 09:00. */
export const timeAt = (seconds: number): string =>
  new Date(Date.UTC(2026, 2, 2, 9, 0, 0) + Math.round(seconds * 1_000)).toISOString()

export const ids = {
  operator: uuidOf('operator'),
  org: uuidOf('org'),
  user: uuidOf('user'),
  programAccount: uuidOf('program account'),
  attempt: uuidOf('attempt'),
  account: uuidOf('execution account'),
  command: uuidOf('command'),
  order: uuidOf('order'),
  exitOrder: uuidOf('exit order'),
  fill: uuidOf('fill'),
  exitFill: uuidOf('exit fill'),
  position: uuidOf('position'),
  trade: uuidOf('trade'),
  feed: uuidOf('feed'),
  launchSession: uuidOf('launch session'),
  historicalSession: uuidOf('historical session'),
  backtestRun: uuidOf('backtest run'),
} as const

type LogEvent =
  | { type: typeof LOG_IDENTIFIED; data: { logId: string; occurredAt: string } }
  | {
      type: typeof LOG_ADOPTED
      data: {
        logId: string
        formerLogId: string | null
        formerPosition: string
        formerEventId: string
        commonPosition: string | null
        occurredAt: string
      }
    }
type HeartbeatEvent = { type: typeof HEARTBEAT; data: { occurredAt: string } }

export type ExampleEvent =
  | HeartbeatEvent
  | LogEvent
  | SealEvent
  | AuditStoryEvent
  | ConsoleStoryEvent
  | FirsthandStoryEvent
  | RungateStoryEvent
  | OstiumStoryEvent
  | KillatamataStoryEvent
  | OperatorEvent
  | OperatorSlugEvent
  | UserEvent
  | KycEvent
  | PayoutEvent
  | PayoutAddressEvent
  | AccountEvent
  | EngineCommandEvent
  | EngineEvent
  | EngineQuarantineEvent
  | FeedEvent
  | LaunchSessionEvent
  | ChallengeStoryEvent
  | WebhookStoryEvent

export type ExampleType = ExampleEvent['type']
export type DataOf<T extends ExampleType> = Extract<ExampleEvent, { type: T }>['data']

const user = { globalUserId: ids.user, operatorId: ids.operator, email: 'ada@example.com', displayName: 'Ada' }
const account = { programAccountId: ids.programAccount, accountId: ids.account }
const kycReport = {
  operatorId: ids.operator,
  globalUserId: ids.user,
  status: 'verified',
  reportedAt: timeAt(12),
  verifiedAt: timeAt(12),
  rejectedAt: null,
  rejectionReason: null,
  expiresAt: null,
  providerName: 'manual',
  providerReference: 'case-1',
} as const
const payout = {
  payoutRequestId: uuidOf('payout request'),
  programAccountId: ids.programAccount,
}
const granted = { grossAmount: '400.00', traderAmount: '320.00', firmRetainedAmount: '80.00', ordinal: 1 }
const payoutRequest = {
  ...payout,
  accountId: ids.account,
  operatorId: ids.operator,
  globalUserId: ids.user,
  instanceId: uuidOf('challenge'),
  chainId: uuidOf('chain'),
  requestCommandId: uuidOf('payout command'),
  currency: 'USD',
  requestedAmount: '400.00',
  note: null,
  operatorReference: 'case-3',
  idempotencyKey: 'payout-1',
  traceId: null,
  policySnapshot: {
    templateId: uuidOf('template'),
    templateVersion: 1,
    stepSequence: 2,
    currency: 'USD',
    initialBalance: '100000.00',
    fundedAt: timeAt(60),
    kycRequired: true,
    policy: {
      profitSplitPercent: '80',
      minimumProfit: '100.00',
      minimumDaysBetweenPayouts: 0,
      maximum: { kind: 'percent_of_profit', value: '50' },
      requiredRemainingBuffer: '100.00',
      maximumCount: 3,
      kycRequired: true,
    },
  },
  policyInput: {
    evaluatedAt: timeAt(300),
    requestedAmount: '400.00',
    balance: '101000.00',
    equity: '101000.00',
    engineSequence: 40,
    corrections: '0',
    outstandingAmount: '0',
    payoutsBefore: 0,
    lastRequestedAt: null,
    kycStatus: 'verified',
    kycVerified: true,
  },
  policyDecision: {
    outcome: 'accepted',
    checks: [{ rule: 'minimum_profit', passed: true, required: '100.00', actual: '1000.00' }],
    profit: '1000.00',
    availableProfit: '1000.00',
    requiredRemainingBuffer: '100.00',
    granted,
  },
} satisfies Omit<DataOf<'noctant.PayoutRequested.v1'>, 'occurredAt'>
const execution = { ...payout, commandId: uuidOf('payout execution') }

const sent = { commandId: ids.command, accountId: ids.account, streamSequence: '7' }
const order = {
  orderId: ids.order,
  clientOrderId: null,
  symbol: 'EURUSD',
  side: 'buy',
  orderType: 'market',
  quantity: '10000',
  limitPrice: null,
  stopPrice: null,
  takeProfit: '1.1',
  stopLoss: null,
  timeInForce: 'gtc',
  source: 'trader',
} as const

const replayed = {
  marketTimeStart: '2026-01-05T00:00:00.000Z',
  marketTimeEnd: '2026-01-06T00:00:00.000Z',
}
const launched = { launchSessionId: ids.launchSession, operatorId: ids.operator }
/** Of the engine's log: the n-th event of the backtest run. */
const run = (sequence: number) => ({
  accountId: ids.backtestRun,
  sequence,
  commandId: uuidOf('replay command'),
  occurredAt: timeAt(320 + sequence),
})

/** Of the engine's log: the n-th event of the account. */
const wal = (sequence: number, commandId: string | null = null) => ({
  accountId: ids.account,
  sequence,
  commandId,
  occurredAt: timeAt(100 + sequence),
})

const examples: { readonly [T in ExampleType]: DataOf<T> } = {
  [HEARTBEAT]: { occurredAt: timeAt(0) },
  ...auditExamples(ids.operator, timeAt),
  ...consoleExamples(ids.operator, uuidOf, timeAt),
  ...firsthandExamples(timeAt),
  ...rungateExamples(uuidOf, timeAt),
  ...ostiumExamples(timeAt),
  ...killatamataExamples(timeAt),
  [LOG_IDENTIFIED]: { logId: uuidOf('log'), occurredAt: timeAt(0) },
  [LOG_ADOPTED]: {
    logId: uuidOf('log'),
    formerLogId: uuidOf('former log'),
    formerPosition: '4711',
    formerEventId: uuidOf('former event'),
    commonPosition: '4242',
    occurredAt: timeAt(0),
  },
  'opslog.LogSealed.v1': {
    position: '4711',
    events: '12',
    root: 'ab'.repeat(32),
    publicKey: 'MCowBQYDK2VwAyEAOE8cRdOMPZ7Bx5sTdKLOhpRzAQ/V9lJ2+nijXcO6ntg=',
    signature: 'c2lnbmF0dXJl',
    occurredAt: timeAt(0),
  },
  'noctant.OperatorCreated.v1': {
    operatorId: ids.operator,
    orgId: ids.org,
    name: 'Example Prop',
    slug: 'example-prop',
    environment: 'sandbox',
    rateLimitTier: 'standard',
    apiAccess: 'allowlisted_beta',
    allowedOrigins: ['https://example.com'],
    occurredAt: timeAt(1),
  },
  'noctant.OperatorOriginsChanged.v1': {
    operatorId: ids.operator,
    allowedOrigins: ['https://app.example.com', 'https://example.com'],
    occurredAt: timeAt(5),
  },
  'noctant.OperatorSlugClaimed.v1': { slug: 'example-prop', operatorId: ids.operator, occurredAt: timeAt(1) },
  'noctant.OperatorSuspended.v1': { operatorId: ids.operator, reason: 'unpaid', occurredAt: timeAt(3) },
  'noctant.OperatorResumed.v1': { operatorId: ids.operator, reason: null, occurredAt: timeAt(4) },
  'noctant.ApiKeyIssued.v1': {
    operatorId: ids.operator,
    keyId: 'key1',
    label: 'first key',
    environment: 'sandbox',
    scopes: ['users:create', 'users:read', 'accounts:read'],
    keyHash: 'ab'.repeat(32),
    occurredAt: timeAt(2),
  },
  'noctant.ApiKeyRevoked.v1': { operatorId: ids.operator, keyId: 'key1', reason: null, occurredAt: timeAt(5) },
  'noctant.ApiKeyRotated.v1': {
    operatorId: ids.operator,
    keyId: 'key1',
    replacedBy: 'key2',
    validUntil: timeAt(306),
    occurredAt: timeAt(6),
  },
  'noctant.UserProvisioned.v1': { ...user, orgId: ids.org, externalId: 'user-1', occurredAt: timeAt(10) },
  'noctant.UserProfileRefreshed.v1': { ...user, displayName: 'Ada Lovelace', occurredAt: timeAt(11) },
  'noctant.KycStatusReported.v1': { ...kycReport, previousStatus: null, occurredAt: timeAt(13) },
  'noctant.KycReportRepeated.v1': {
    operatorId: ids.operator,
    globalUserId: ids.user,
    previousStatus: 'verified',
    status: 'verified',
    reportedAt: timeAt(12),
    occurredAt: timeAt(13),
  },
  'noctant.KycReportOvertaken.v1': {
    ...kycReport,
    status: 'pending',
    verifiedAt: null,
    reportedAt: timeAt(9),
    standingStatus: 'verified',
    standingReportedAt: timeAt(12),
    occurredAt: timeAt(14),
  },
  'noctant.PayoutRequestAddressed.v1': { ...payout, operatorId: ids.operator, occurredAt: timeAt(300) },
  'noctant.PayoutRequested.v1': { ...payoutRequest, occurredAt: timeAt(300) },
  'noctant.PayoutRequestRefused.v1': {
    ...payoutRequest,
    payoutRequestId: uuidOf('refused payout request'),
    policyDecision: {
      ...payoutRequest.policyDecision,
      outcome: 'refused',
      checks: [{ rule: 'kyc_verified', passed: false, required: 'verified', actual: 'pending' }],
      granted: null,
    },
    occurredAt: timeAt(301),
  },
  'noctant.PayoutApproved.v1': {
    ...payout,
    note: 'fine',
    operatorReference: null,
    policyInput: payoutRequest.policyInput,
    policyDecision: payoutRequest.policyDecision,
    occurredAt: timeAt(310),
  },
  'noctant.PayoutRejected.v1': { ...payout, reason: 'not yet', operatorReference: null, occurredAt: timeAt(311) },
  'noctant.PayoutExecutionRequested.v1': {
    ...execution,
    accountId: ids.account,
    amount: '400.00',
    occurredAt: timeAt(320),
  },
  'noctant.PayoutExecuted.v1': {
    ...execution,
    ...granted,
    sourceEventId: uuidOf('debit'),
    operatorId: ids.operator,
    globalUserId: ids.user,
    instanceId: uuidOf('challenge'),
    chainId: uuidOf('chain'),
    currency: 'USD',
    executedAt: timeAt(329),
    occurredAt: timeAt(330),
  },
  'noctant.PayoutExecutionFailed.v1': {
    ...execution,
    code: 'insufficient_balance',
    reason: 'The balance would become negative.',
    failedAt: timeAt(329),
    occurredAt: timeAt(331),
  },
  'noctant.PayoutExecutionInvalid.v1': {
    ...execution,
    sourceEventId: uuidOf('debit'),
    debitedAmount: '41.00',
    code: 'amount_differs',
    reason: 'The account was debited by another amount than was granted.',
    occurredAt: timeAt(332),
  },
  'noctant.PayoutSettlementUpdated.v1': {
    ...payout,
    from: 'not_tracked',
    to: 'operator_marked_paid',
    reference: 'wire-1',
    note: null,
    operatorReference: null,
    occurredAt: timeAt(340),
  },
  'noctant.AccountOpened.v1': {
    ...account,
    attemptId: ids.attempt,
    accountNumber: 'NCT-0000-0000-0001',
    operatorId: ids.operator,
    orgId: ids.org,
    globalUserId: ids.user,
    externalAccountId: 'account-1',
    accountName: 'Example account',
    productId: null,
    currency: 'USD',
    initialBalance: '100000.00',
    executionProfileKey: 'default',
    executionMode: 'simulated',
    marketMode: 'live_market',
    programType: 'standard',
    programOrigin: 'firm',
    provisioningSource: 'operator_api',
    providerType: 'prop_firm',
    rulesOwner: 'partner',
    feedSource: 'noctant',
    brandingPolicy: 'co_brand',
    visibilityPolicy: 'same_sponsor_only',
    claimAllowed: false,
    marketingAllowed: false,
    occurredAt: timeAt(20),
  },
  'noctant.AccountStatusChanged.v1': {
    ...account,
    from: 'active',
    to: 'disabled',
    reason: 'rule breach',
    occurredAt: timeAt(30),
  },
  'noctant.AccountStatusKept.v1': { ...account, status: 'active', reason: null, occurredAt: timeAt(31) },
  'noctant.AccountCorrectionRequested.v1': {
    ...account,
    correctionId: uuidOf('correction'),
    commandId: ids.command,
    operatorId: ids.operator,
    globalUserId: ids.user,
    currency: 'USD',
    amount: '-25.00',
    reason: 'fee',
    note: null,
    operatorReference: 'case-9',
    idempotencyKey: 'correction-1',
    traceId: null,
    occurredAt: timeAt(40),
  },
  'noctant.EngineCommandRequested.v1': {
    commandId: ids.command,
    ...account,
    sequence: 1,
    order: { kind: 'open_account', currency: 'USD', initialBalance: '100000.00', executionProfileKey: 'default' },
    occurredAt: timeAt(20),
  },
  'noctant.EngineCommandPublished.v1': { ...sent, attempt: 0, occurredAt: timeAt(21) },
  'noctant.EngineCommandRepublished.v1': { ...sent, attempt: 1, occurredAt: timeAt(51) },
  'noctant.EngineCommandDeadLettered.v1': {
    commandId: ids.command,
    accountId: ids.account,
    attempts: 8,
    reason: 'no confirmation',
    occurredAt: timeAt(900),
  },
  'noctant.EngineCommandRetryRequested.v1': {
    commandId: ids.command,
    accountId: ids.account,
    reason: 'the engine is back',
    occurredAt: timeAt(960),
  },
  'noctant.EngineCommandDiscarded.v1': {
    commandId: ids.command,
    accountId: ids.account,
    reason: null,
    occurredAt: timeAt(970),
  },
  'noctant.EngineAccountOpened.v1': { ...wal(1, ids.command), currency: 'USD', balance: '100000.00', leverage: 100 },
  'noctant.EngineCommandDecided.v1': {
    ...wal(2),
    commandId: ids.command,
    kind: 'open_account',
    outcome: 'accepted',
    reasonCode: null,
    reason: null,
  },
  'noctant.EngineTradingStatusChanged.v1': { ...wal(3), tradingStatus: 'disabled', reason: 'rule breach' },
  'noctant.EngineOrderPlaced.v1': { ...wal(4), ...order },
  'noctant.EngineOrderRejected.v1': {
    ...wal(5),
    ...order,
    orderId: uuidOf('rejected order'),
    reasonCode: 'insufficient_margin',
    reason: 'The free margin does not cover the order.',
  },
  'noctant.EngineOrderFilled.v1': {
    ...wal(6),
    orderId: ids.order,
    fillId: ids.fill,
    symbol: 'EURUSD',
    side: 'buy',
    quantity: '10000',
    price: '1.08250',
    commission: '0.35',
    filledQuantity: '10000',
    remainingQuantity: '0',
    averageFillPrice: '1.08250',
    status: 'filled',
  },
  'noctant.EngineOrderCancelled.v1': {
    ...wal(7),
    orderId: ids.order,
    status: 'cancelled',
    filledQuantity: '0',
    remainingQuantity: '10000',
    reason: 'by the trader',
  },
  'noctant.EnginePositionChanged.v1': {
    ...wal(8),
    positionId: ids.position,
    symbol: 'EURUSD',
    side: 'long',
    quantity: '10000',
    averageEntryPrice: '1.08250',
    takeProfit: '1.1',
    stopLoss: null,
    unrealizedPnl: '-1.00',
    openedAt: timeAt(106),
  },
  'noctant.EnginePositionClosed.v1': { ...wal(9), positionId: ids.position, symbol: 'EURUSD' },
  'noctant.EngineTradeClosed.v1': {
    ...wal(10),
    tradeId: ids.trade,
    positionId: ids.position,
    symbol: 'EURUSD',
    side: 'long',
    quantity: '10000',
    entryPrice: '1.08250',
    exitPrice: '1.08350',
    entryOrderId: ids.order,
    exitOrderId: ids.exitOrder,
    entryFillId: ids.fill,
    exitFillId: ids.exitFill,
    entryTime: timeAt(106),
    grossPnl: '10.00',
    commission: '0.70',
    swap: '0.00',
    netPnl: '9.30',
    pnlCurrency: 'USD',
    closeReason: 'trader',
  },
  'noctant.EngineBalanceChanged.v1': {
    ...wal(11),
    balance: '100009.30',
    change: '9.30',
    cause: 'trade',
    reference: ids.trade,
  },
  'noctant.EngineAccountMarked.v1': {
    ...wal(12),
    balance: '100000.00',
    equity: '100002.50',
    marginUsed: '108.25',
    freeMargin: '99894.25',
    marginLevel: '92380.60',
    positions: [{ positionId: ids.position, symbol: 'EURUSD', markPrice: '1.08275', unrealizedPnl: '2.50' }],
  },
  ...challengeExamples(ids, uuidOf, timeAt),
  ...webhookExamples(ids.operator, uuidOf, timeAt),
  'noctant.FeedImported.v1': {
    feedId: ids.feed,
    symbol: 'EURUSD',
    kind: 'candles',
    contentHash: 'fe'.repeat(32),
    rows: 1440,
    startsAt: '2026-01-05T00:00:00.000Z',
    endsAt: '2026-01-06T00:00:00.000Z',
    occurredAt: timeAt(300),
  },
  'noctant.FeedGranted.v1': {
    feedId: ids.feed,
    operatorId: ids.operator,
    from: '2026-01-05T00:00:00.000Z',
    to: '2026-01-06T00:00:00.000Z',
    occurredAt: timeAt(301),
  },
  'noctant.LaunchSessionCreated.v1': {
    ...launched,
    orgId: ids.org,
    globalUserId: ids.user,
    externalUserId: 'user-1',
    requestedRoute: '/backtest',
    requestedProductMode: 'backtest',
    returnUrl: 'https://example.com/back',
    account: null,
    historical: {
      mode: 'backtest',
      feed: { feedId: ids.feed, symbol: 'EURUSD', kind: 'candles', contentHash: 'fe'.repeat(32) },
      ...replayed,
      currency: 'USD',
      initialBalance: '100000.00',
      strategy: { type: 'moving_average_crossover', fastPeriods: 10, slowPeriods: 30, quantity: '0.1' },
    },
    tokenHash: '1a'.repeat(32),
    expiresAt: timeAt(610),
    occurredAt: timeAt(310),
  },
  'noctant.LaunchSessionRedeemed.v1': { ...launched, occurredAt: timeAt(320) },
  'noctant.BrowserSessionAttached.v1': {
    ...launched,
    browserSessionHash: '2b'.repeat(32),
    expiresAt: timeAt(29_120),
    occurredAt: timeAt(320),
  },
  'noctant.HistoricalSessionRequested.v1': {
    ...launched,
    sessionId: ids.historicalSession,
    backtestRunId: ids.backtestRun,
    orgId: ids.org,
    globalUserId: ids.user,
    externalUserId: 'user-1',
    requestedProductMode: 'backtest',
    mode: 'backtest',
    feedId: ids.feed,
    ...replayed,
    occurredAt: timeAt(320),
  },
  'noctant.EngineReplaySessionCreated.v1': {
    ...run(1),
    sessionId: ids.historicalSession,
    feedId: ids.feed,
    mode: 'backtest',
    ...replayed,
    currency: 'USD',
    initialBalance: '100000.00',
  },
  'noctant.EngineBacktestTradeClosed.v1': {
    ...run(2),
    tradeId: uuidOf('backtest trade'),
    symbol: 'EURUSD',
    side: 'long',
    quantity: '0.1',
    entryPrice: '1.10008',
    exitPrice: '1.10108',
    grossPnl: '10.00',
    commission: '0.70',
    swap: '0.00',
    netPnl: '9.30',
    pnlCurrency: 'USD',
    entryMarketTime: '2026-01-05T08:00:00.000Z',
    closedMarketTime: '2026-01-05T09:30:00.000Z',
    closeReason: 'trader',
  },
  'noctant.EngineBacktestCompleted.v1': {
    ...run(3),
    sessionId: ids.historicalSession,
    currency: 'USD',
    tradeCount: 1,
    winningTrades: 1,
    losingTrades: 0,
    ordersRejected: 0,
    initialBalance: '100000.00',
    finalBalance: '100009.30',
    peakBalance: '100009.30',
    maxDrawdown: '0.00',
    realizedPnl: '9.30',
  },
  'noctant.UserForgotten.v1': {
    globalUserId: ids.user,
    operatorId: ids.operator,
    reference: 'DSR-7',
    occurredAt: timeAt(2_000),
  },
  'noctant.EngineEventQuarantined.v1': {
    accountId: ids.account,
    reason: 'a gap in the sequence',
    body: '{"sequence":14}',
    occurredAt: timeAt(200),
  },
}

/** Every type that has an example. */
export const exampleTypes = Object.keys(examples) as ExampleType[]

/** The examples of a context's events, or of the kernel's own (`opslog`). */
export const examplesOf = (context: string): readonly AnyEvent[] =>
  exampleTypes.filter((type) => type.startsWith(`${context}.`)).map((type) => example(type))

/** The example of this type, with some of its data replaced. */
export function example<T extends ExampleType>(
  type: T,
  overrides: Partial<DataOf<T>> = {},
): { type: T; data: DataOf<T> } {
  return { type, data: { ...examples[type], ...overrides } as unknown as DataOf<T> }
}

/** The stream that the event belongs in. */
export function streamOf({ type, data }: { type: string; data: Record<string, unknown> }): string {
  const name = type.split('.')[1] ?? ''
  if (type === HEARTBEAT) return 'opslog.heartbeat-1'
  if (type === LOG_IDENTIFIED || type === LOG_ADOPTED) return LOG_IDENTITY_STREAM
  if (type === 'opslog.LogSealed.v1') return SEAL_STREAM
  if (type.startsWith('audit.AuditorKey')) return `audit.auditor-${data.keyId}`
  if (type.startsWith('firsthand.')) return firsthandStreamOf({ type, data })
  if (type.startsWith('rungate.')) return rungateStreamOf({ type, data })
  if (type.startsWith('ostium.')) return ostiumStreamOf({ type, data })
  if (type.startsWith('killatamata.')) return killatamataStreamOf({ type, data })
  if (type.startsWith('audit.')) return `audit.reading-${data.keyId}`
  if (type.startsWith('console.Job')) return `console.job-${data.jobId}`
  if (type.startsWith('console.Session')) return `console.session-${data.sessionId}`
  if (type.startsWith('console.')) return `console.accessLink-${data.linkId}`
  if (name === 'EngineEventQuarantined') return `noctant.engineQuarantine-${data.accountId}`
  if (name === 'EngineCommandRequested') return `noctant.account-${data.programAccountId}`
  if (name.startsWith('EngineCommand') && name !== 'EngineCommandDecided') {
    return `noctant.engineCommand-${data.commandId}`
  }
  if (name.startsWith('Launch') || name === 'BrowserSessionAttached' || name === 'HistoricalSessionRequested') {
    return `noctant.launchSession-${data.launchSessionId}`
  }
  if (name.startsWith('Feed')) return `noctant.feed-${data.feedId}`
  if (name.startsWith('Engine')) return `noctant.engine-${data.accountId}`
  if (name.startsWith('Account')) return `noctant.account-${data.programAccountId}`
  if (name.startsWith('Template')) return `noctant.template-${data.templateId}`
  if (name === 'ProductSlugClaimed') return `noctant.productSlug-${uuidOf(String(data.slug))}`
  if (name === 'ProductSpaceReserved') return `noctant.productSpace-${data.operatorId}`
  if (name.startsWith('Product')) return `noctant.product-${data.productId}`
  if (name === 'ChallengeRequested') return `noctant.challengeRequest-${uuidOf(String(data.subject))}`
  if (name.startsWith('ChallengeSlot')) return `noctant.challengeSlots-${data.productId}`
  if (name.startsWith('Challenge')) return `noctant.challenge-${data.instanceId}`
  if (name === 'PayoutRequestAddressed') return `noctant.payoutRequest-${data.payoutRequestId}`
  if (name.startsWith('Payout')) return `noctant.payouts-${data.programAccountId}`
  if (name.startsWith('Kyc')) return `noctant.kyc-${data.globalUserId}`
  if (name.startsWith('WebhookEndpoint')) return `noctant.webhookEndpoint-${data.operatorId}`
  if (name.startsWith('WebhookReplay')) return `noctant.webhookReplay-${data.replayId}`
  if (name.startsWith('Webhook')) return `noctant.webhookDelivery-${data.deliveryId}`
  if (name.startsWith('User')) return `noctant.user-${data.globalUserId}`
  if (name === 'OperatorSlugClaimed') return `noctant.operatorSlug-${uuidOf(String(data.slug))}`
  return `noctant.operator-${data.operatorId}`
}

/**
 * A log in the making: gives events the ids, positions and revisions that a store would give them, in the order they
 * come. Positions leave gaps, as a real log's do.
 */
export function createRecorder(firstPosition = 100n) {
  const revisions = new Map<string, bigint>()
  let position = firstPosition
  const place = (stream: string) => {
    const revision = (revisions.get(stream) ?? -1n) + 1n
    revisions.set(stream, revision)
    position += 100n
    return { id: uuidOf(`event at ${position}`), stream, revision, position, recordedAt: new Date(timeAt(0)) }
  }
  return {
    record<E extends { type: string; data: Record<string, unknown> }>(event: E, stream = streamOf(event)): Recorded<E> {
      const placed = place(stream)
      const metadata = {
        $correlationId: uuidOf('correlation'),
        $causationId: ids.command,
        actor: { kind: 'operator', id: ids.operator } as const,
        commandId: ids.command,
        prevHash: '',
        hash: 'cd'.repeat(32),
      }
      return { ...placed, type: event.type, data: event.data, metadata }
    },
    /** An event that does not decode, as a subscription delivers it. */
    poison(type: string, stream: string, fault = 'does not decode'): Poison {
      return { ...place(stream), type, data: undefined, metadata: undefined, fault }
    },
  }
}
