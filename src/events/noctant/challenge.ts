/**
 * Facts of a challenge. Stream `noctant.challenge-<instanceId>`; the instance's id follows from the execution account
 * that it is traded on, so each run has an execution account of its own. Storage format: superseded, never edited.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { kycGate } from './product.ts'
import { templateTerms, threshold } from './template.ts'
import { decimal, executionMode, feedSource, marketMode, time, uuid } from './vocabulary.ts'

/** How the account is traded, as it was when the run began. */
export const executionSnapshot = z.object({
  currency: z.string(),
  executionProfileKey: z.string(),
  executionMode,
  marketMode,
  feedSource,
})

/** Where the run stands after an engine event. All that the rules have to remember. */
export const challengeMeasures = z.object({
  /** The last engine event that is accounted for; 0: none. */
  engineSequence: z.int().nonnegative(),
  measuredAt: time,
  balance: decimal,
  equity: decimal,
  openPositions: z.int().nonnegative(),
  stepSequence: z.int().positive(),
  stepStartedAt: time,
  /** When the step runs out of time; null: never. */
  expiresAt: time.nullable(),
  /** The balance that the step began with. */
  stepInitialBalance: decimal,
  /** Corrections since the step began, signed. */
  corrections: decimal,
  /** Payouts since the step began, as a positive amount. */
  payouts: decimal,
  /** Corrections less payouts since the run began: what of the balance was not traded for. */
  transfers: decimal,
  day: z.object({
    startsAt: time,
    endsAt: time,
    startEquity: decimal,
    startRecordedAt: time,
    /** Realised today: trades, commissions and swaps. */
    realized: decimal,
    traded: z.boolean(),
  }),
  /** Of this step; today counts as soon as something was filled. */
  tradingDays: z.int().nonnegative(),
  /** Of this step; days that are over. */
  profitableDays: z.int().nonnegative(),
  peakBalance: decimal,
  peakEquity: decimal,
  /** Highest at the end of a day of this step; null before the first day is over. */
  peakBalanceEod: decimal.nullable(),
  peakEquityEod: decimal.nullable(),
  /** Equity against the day's start. */
  dailyPnl: decimal,
  /** Equity against the run's initial balance, without what was transferred. */
  totalPnl: decimal,
  /** How far the equity is below what the drawdown hangs from; never negative. */
  drawdown: decimal,
})
export type ChallengeMeasures = z.infer<typeof challengeMeasures>

const head = { instanceId: uuid, programAccountId: uuid, accountId: uuid, operatorId: uuid, globalUserId: uuid }

/** The target's numbers: profit on the closed balance against what was to be reached. */
const targetReached = z.object({
  target: threshold.nullable(),
  targetAmount: decimal.nullable(),
  profit: decimal,
  tradingDays: z.int().nonnegative(),
  profitableDays: z.int().nonnegative(),
  minimumTradingDays: z.int().nonnegative(),
  minimumProfitableDays: z.int().nonnegative(),
})

export const challengeEvents = {
  'noctant.ChallengeStarted.v1': z.object({
    ...head,
    orgId: uuid,
    chainId: uuid,
    /** The run before this one, in the same chain. */
    parentInstanceId: uuid.nullable(),
    /** 0 for the chain's first run. */
    resetNumber: z.int().nonnegative(),
    attemptId: uuid,
    accountNumber: z.string(),
    externalAccountId: z.string(),
    templateId: uuid,
    templateVersion: z.int().positive(),
    productId: uuid.nullable(),
    /** Of the account's product; `none` without one. */
    kycGate,
    purchasePrice: decimal,
    /** Frozen: what becomes of the template later does not matter to this run. */
    terms: templateTerms,
    execution: executionSnapshot,
    initialBalance: decimal,
    /** Whether an activation has to come first. */
    status: z.enum(['active', 'activation_pending']),
    measures: challengeMeasures,
    occurredAt: time,
  }),
  /** The run's figures, now and then: when a day begins, when something was realised, and after a while. */
  'noctant.ChallengeMeasured.v1': z.object({ ...head, measures: challengeMeasures, occurredAt: time }),
  /** A step was passed and the next has begun, on the same account. */
  'noctant.ChallengeStepPassed.v1': z.object({
    ...head,
    stepSequence: z.int().positive(),
    reached: targetReached,
    /** As the next step begins. */
    measures: challengeMeasures,
    occurredAt: time,
  }),
  /** The last evaluation was passed. */
  'noctant.ChallengePassed.v1': z.object({
    ...head,
    stepSequence: z.int().positive(),
    reached: targetReached,
    /** A funded step has begun; it waits where an activation is required. */
    funded: z.boolean(),
    status: z.enum(['passed', 'activation_pending']),
    measures: challengeMeasures,
    occurredAt: time,
  }),
  'noctant.ChallengeFailed.v1': z.object({
    ...head,
    stepSequence: z.int().positive(),
    rule: z.enum(['maximum_daily_loss', 'maximum_drawdown', 'review']),
    /** The numbers that decided; null where people did. */
    breach: z
      .object({
        limit: threshold,
        limitAmount: decimal,
        /** What the limit hangs from: the day's starting equity, the step's initial balance or the peak. */
        anchor: decimal,
        /** The equity must not fall below it. */
        floor: decimal,
        equity: decimal,
        engineSequence: z.int().positive(),
      })
      .nullable(),
    reason: z.string().nullable(),
    measures: challengeMeasures,
    occurredAt: time,
  }),
  'noctant.ChallengeExpired.v1': z.object({
    ...head,
    stepSequence: z.int().positive(),
    timeLimitDays: z.int().positive(),
    expiresAt: time,
    measures: challengeMeasures,
    occurredAt: time,
  }),
  /** The target is reached, and people have the last word. */
  'noctant.ChallengeReviewRequested.v1': z.object({
    ...head,
    stepSequence: z.int().positive(),
    reached: targetReached,
    measures: challengeMeasures,
    occurredAt: time,
  }),
  'noctant.ChallengeReviewed.v1': z.object({
    ...head,
    decision: z.enum(['approved', 'rejected']),
    reason: z.string().nullable(),
    occurredAt: time,
  }),
  'noctant.ChallengeActivated.v1': z.object({
    ...head,
    price: decimal,
    reference: z.string().nullable(),
    status: z.enum(['active', 'passed']),
    occurredAt: time,
  }),
  /** As many payouts as the policy has were executed: the run is over, and its account is left as it is. */
  'noctant.ChallengeCompleted.v1': z.object({
    ...head,
    payouts: z.int().positive(),
    measures: challengeMeasures,
    occurredAt: time,
  }),
  /** Ended by the operator: another run of the chain takes its place. */
  'noctant.ChallengeReset.v1': z.object({
    ...head,
    nextInstanceId: uuid,
    nextAttemptNumber: z.int().positive(),
    resetNumber: z.int().positive(),
    reason: z.string().nullable(),
    measures: challengeMeasures,
    occurredAt: time,
  }),
}
export type ChallengeEvent = EventOf<typeof challengeEvents>

/**
 * A key that a challenge was started or reset under, which is unique in the whole operator. Stream
 * `noctant.challengeRequest-<commandId>`.
 */
export const challengeRequestEvents = {
  'noctant.ChallengeRequested.v1': z.object({
    operatorId: uuid,
    action: z.enum(['start', 'reset']),
    /** The account's selector, or the instance that is reset. */
    subject: z.string(),
    occurredAt: time,
  }),
}
export type ChallengeRequestEvent = EventOf<typeof challengeRequestEvents>

/** Who holds the places that a product grants one user. Stream `noctant.challengeSlots-<id of (operator, user, product)>`. */
export const challengeSlotEvents = {
  'noctant.ChallengeSlotReserved.v1': z.object({
    operatorId: uuid,
    globalUserId: uuid,
    productId: uuid,
    instanceId: uuid,
    occurredAt: time,
  }),
  'noctant.ChallengeSlotReleased.v1': z.object({
    operatorId: uuid,
    globalUserId: uuid,
    productId: uuid,
    instanceId: uuid,
    /** When a rule was broken; null where the run ended otherwise. */
    breachedAt: time.nullable(),
    occurredAt: time,
  }),
}
export type ChallengeSlotEvent = EventOf<typeof challengeSlotEvents>
