/** Examples of the events around challenges: a template, a product, and one challenge with what may become of it. */
import type { AccountEvent } from '../../../src/events/noctant/account.ts'
import type {
  ChallengeEvent,
  ChallengeRequestEvent,
  ChallengeSlotEvent,
} from '../../../src/events/noctant/challenge.ts'
import type { ProductEvent, ProductSlugEvent, ProductSpaceEvent } from '../../../src/events/noctant/product.ts'
import type { TemplateEvent, TemplateTerms } from '../../../src/events/noctant/template.ts'

export type ChallengeStoryEvent =
  | TemplateEvent
  | ProductEvent
  | ProductSlugEvent
  | ProductSpaceEvent
  | ChallengeEvent
  | ChallengeRequestEvent
  | ChallengeSlotEvent
  | Extract<AccountEvent, { type: 'noctant.AccountAttemptStarted.v1' | 'noctant.AccountChallengeAttached.v1' }>

type Examples = {
  readonly [T in ChallengeStoryEvent['type']]: Extract<ChallengeStoryEvent, { type: T }>['data']
}

/** One evaluation, then funded: ten percent up, five a day and ten in all down. */
export const exampleTerms: TemplateTerms = {
  name: 'One step',
  currency: 'USD',
  initialBalance: '100000.00',
  steps: [
    {
      sequence: 1,
      name: 'Evaluation',
      kind: 'evaluation',
      advancement: 'same_account',
      profitTarget: { kind: 'percent', value: '10' },
      maximumDailyLoss: { kind: 'percent', value: '5' },
      maximumDrawdown: { kind: 'percent', value: '10', mode: 'static' },
      minimumTradingDays: 1,
      minimumProfitableDays: 0,
      profitableDayMinimum: null,
      timeLimitDays: 30,
      reviewBeforePass: false,
    },
    {
      sequence: 2,
      name: 'Funded',
      kind: 'funded',
      advancement: 'same_account',
      profitTarget: null,
      maximumDailyLoss: { kind: 'percent', value: '5' },
      maximumDrawdown: { kind: 'percent', value: '10', mode: 'static' },
      minimumTradingDays: 0,
      minimumProfitableDays: 0,
      profitableDayMinimum: null,
      timeLimitDays: null,
      reviewBeforePass: false,
    },
  ],
  dayBoundary: { timeZone: 'America/New_York', time: '17:00' },
  resetPolicy: { allowed: true, maximumCount: 1, coolDownHours: 0 },
  activation: { required: false, price: '0.00' },
  payoutPolicy: {
    profitSplitPercent: '80',
    minimumProfit: '100.00',
    minimumDaysBetweenPayouts: 0,
    maximum: null,
    requiredRemainingBuffer: '0.00',
    maximumCount: null,
    kycRequired: false,
  },
}

/** `ids` and `timeAt` are those of examples.ts, which imports this file. */
export function challengeExamples(
  ids: Readonly<Record<'operator' | 'org' | 'user' | 'programAccount' | 'attempt' | 'account', string>>,
  uuidOf: (name: string) => string,
  timeAt: (seconds: number) => string,
): Examples {
  const [templateId, productId, instanceId] = [uuidOf('template'), uuidOf('product'), uuidOf('challenge')]
  const head = {
    instanceId,
    programAccountId: ids.programAccount,
    accountId: ids.account,
    operatorId: ids.operator,
    globalUserId: ids.user,
  }
  const measures = {
    engineSequence: 12,
    measuredAt: timeAt(112),
    balance: '100009.30',
    equity: '100009.30',
    openPositions: 0,
    stepSequence: 1,
    stepStartedAt: timeAt(50),
    expiresAt: '2026-04-01T09:00:50.000Z',
    stepInitialBalance: '100000.00',
    corrections: '0.00',
    payouts: '0.00',
    transfers: '0.00',
    day: {
      startsAt: '2026-03-01T22:00:00.000Z',
      endsAt: '2026-03-02T22:00:00.000Z',
      startEquity: '100000.00',
      startRecordedAt: timeAt(50),
      realized: '9.30',
      traded: true,
    },
    tradingDays: 1,
    profitableDays: 0,
    peakBalance: '100009.30',
    peakEquity: '100012.50',
    peakBalanceEod: null,
    peakEquityEod: null,
    dailyPnl: '9.30',
    totalPnl: '9.30',
    drawdown: '0.00',
  }
  const reached = {
    target: { kind: 'percent', value: '10' },
    targetAmount: '10000.00',
    profit: '10009.30',
    tradingDays: 1,
    profitableDays: 0,
    minimumTradingDays: 1,
    minimumProfitableDays: 0,
  } as const
  const ended = { ...head, stepSequence: 1, measures, occurredAt: timeAt(112) }
  const slot = { operatorId: ids.operator, globalUserId: ids.user, productId, instanceId }
  return {
    'noctant.TemplateImported.v1': {
      templateId,
      operatorId: null,
      key: 'one-step',
      version: 1,
      terms: exampleTerms,
      occurredAt: timeAt(15),
    },
    'noctant.TemplateArchived.v1': { templateId, operatorId: null, reason: 'superseded', occurredAt: timeAt(800) },
    'noctant.ProductCreated.v1': {
      productId,
      operatorId: ids.operator,
      templateId,
      displayName: 'One step, 100k',
      description: null,
      slug: 'one-step-100k',
      price: '499.00',
      currency: 'USD',
      status: 'active',
      publicListing: true,
      displayOrder: 1,
      kycGate: 'payout_only',
      maxConcurrentPerUser: 2,
      cooldownHoursAfterBreach: 24,
      metadata: { campaign: 'spring' },
      occurredAt: timeAt(16),
    },
    'noctant.ProductStatusChanged.v1': {
      productId,
      operatorId: ids.operator,
      from: 'active',
      to: 'hidden',
      reason: null,
      occurredAt: timeAt(17),
    },
    'noctant.ProductSlugClaimed.v1': {
      operatorId: ids.operator,
      slug: 'one-step-100k',
      productId,
      occurredAt: timeAt(16),
    },
    'noctant.ProductSpaceReserved.v1': {
      operatorId: ids.operator,
      slug: 'one-step-100k',
      bytes: 5_000,
      occurredAt: timeAt(16),
    },
    'noctant.AccountAttemptStarted.v1': {
      programAccountId: ids.programAccount,
      operatorId: ids.operator,
      orgId: ids.org,
      globalUserId: ids.user,
      externalAccountId: 'account-1',
      currency: 'USD',
      attemptId: uuidOf('second attempt'),
      attemptNumber: 2,
      accountId: uuidOf('second execution account'),
      priorAccountId: ids.account,
      initialBalance: '100000.00',
      occurredAt: timeAt(300),
    },
    'noctant.AccountChallengeAttached.v1': {
      programAccountId: ids.programAccount,
      accountId: ids.account,
      attemptId: ids.attempt,
      instanceId,
      occurredAt: timeAt(50),
    },
    'noctant.ChallengeRequested.v1': {
      operatorId: ids.operator,
      action: 'start',
      subject: 'account-1',
      occurredAt: timeAt(50),
    },
    'noctant.ChallengeSlotReserved.v1': { ...slot, occurredAt: timeAt(50) },
    'noctant.ChallengeSlotReleased.v1': { ...slot, breachedAt: timeAt(112), occurredAt: timeAt(400) },
    'noctant.ChallengeStarted.v1': {
      ...head,
      orgId: ids.org,
      chainId: instanceId,
      parentInstanceId: null,
      resetNumber: 0,
      attemptId: ids.attempt,
      accountNumber: 'NCT-0000-0000-0001',
      externalAccountId: 'account-1',
      templateId,
      templateVersion: 1,
      productId,
      kycGate: 'payout_only',
      purchasePrice: '499.00',
      terms: exampleTerms,
      execution: {
        currency: 'USD',
        executionProfileKey: 'default',
        executionMode: 'simulated',
        marketMode: 'live_market',
        feedSource: 'noctant',
      },
      initialBalance: '100000.00',
      status: 'active',
      measures: { ...measures, engineSequence: 0, measuredAt: timeAt(50), balance: '100000.00', equity: '100000.00' },
      occurredAt: timeAt(50),
    },
    'noctant.ChallengeMeasured.v1': { ...head, measures, occurredAt: timeAt(112) },
    'noctant.ChallengeStepPassed.v1': { ...ended, reached, measures: { ...measures, stepSequence: 2 } },
    'noctant.ChallengePassed.v1': { ...ended, reached, funded: true, status: 'passed' },
    'noctant.ChallengeFailed.v1': {
      ...ended,
      rule: 'maximum_daily_loss',
      breach: {
        limit: { kind: 'percent', value: '5' },
        limitAmount: '5000.00',
        anchor: '100000.00',
        floor: '95000.00',
        equity: '94999.99',
        engineSequence: 12,
      },
      reason: null,
    },
    'noctant.ChallengeExpired.v1': { ...ended, timeLimitDays: 30, expiresAt: timeAt(110) },
    'noctant.ChallengeReviewRequested.v1': { ...ended, reached },
    'noctant.ChallengeReviewed.v1': { ...head, decision: 'approved', reason: 'clean trading', occurredAt: timeAt(113) },
    'noctant.ChallengeActivated.v1': {
      ...head,
      price: '149.00',
      reference: 'invoice-7',
      status: 'passed',
      occurredAt: timeAt(114),
    },
    'noctant.ChallengeCompleted.v1': { ...head, payouts: 3, measures, occurredAt: timeAt(299) },
    'noctant.ChallengeReset.v1': {
      ...head,
      nextInstanceId: uuidOf('second challenge'),
      nextAttemptNumber: 2,
      resetNumber: 1,
      reason: 'bought a reset',
      measures,
      occurredAt: timeAt(300),
    },
  }
}
