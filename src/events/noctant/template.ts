/**
 * Facts of challenge templates: the rules that a challenge is held to. Stream `noctant.template-<templateId>`. What a
 * challenge freezes of them has its schema here too. Storage format: superseded, never edited.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import { decimal, time, uuid } from './vocabulary.ts'

/** A threshold: that percentage of the initial balance, or that amount in the template's currency. */
export const threshold = z.object({ kind: z.enum(['percent', 'amount']), value: decimal })
export type Threshold = z.infer<typeof threshold>

/** What the floor under the equity hangs from: the step's initial balance, or the highest equity so far. */
export const drawdownMode = z.enum(['static', 'trailing_intraday', 'trailing_end_of_day'])

export const templateStep = z.object({
  /** From 1. */
  sequence: z.int().positive(),
  name: z.string(),
  /** A funded step is never passed: it goes on, and is what payouts are made from. */
  kind: z.enum(['evaluation', 'funded']),
  /** How this step is entered: on the account of the step before, or on a fresh one. Of no meaning to the first. */
  advancement: z.enum(['same_account', 'fresh_account']),
  profitTarget: threshold.nullable(),
  /** Measured from the equity at the start of the day. */
  maximumDailyLoss: threshold.nullable(),
  maximumDrawdown: z.object({ ...threshold.shape, mode: drawdownMode }).nullable(),
  minimumTradingDays: z.int().nonnegative(),
  minimumProfitableDays: z.int().nonnegative(),
  /** A day is profitable from this realised profit on; null: any profit above zero. */
  profitableDayMinimum: decimal.nullable(),
  /** Days of 24 hours from the start of the step; null: as long as it takes. */
  timeLimitDays: z.int().positive().nullable(),
  /** Reaching the target is looked at by people before the step counts as passed. */
  reviewBeforePass: z.boolean(),
})
export type TemplateStep = z.infer<typeof templateStep>

export const resetPolicy = z.object({
  allowed: z.boolean(),
  /** Resets in one chain; null: any number. */
  maximumCount: z.int().positive().nullable(),
  /** Between the start of a run and its reset. */
  coolDownHours: z.int().nonnegative(),
})

export const payoutPolicy = z.object({
  /** The trader's part of what is taken out, 0 to 100. */
  profitSplitPercent: decimal,
  /** Profit above the funded step's initial balance before anything may be asked for. */
  minimumProfit: decimal,
  /** Between two payouts, by the time they were asked for. Days of 24 hours. */
  minimumDaysBetweenPayouts: z.int().nonnegative(),
  /** Between the start of the funded step and the first payout. Days of 24 hours; absent: none. */
  minimumDaysBeforeFirstPayout: z.int().nonnegative().optional(),
  /** At most this amount, or this percentage of the profit, in one payout; null: all of the profit above the buffer. */
  maximum: z.object({ kind: z.enum(['amount', 'percent_of_profit']), value: decimal }).nullable(),
  /** Profit that has to stay in the account. */
  requiredRemainingBuffer: decimal,
  maximumCount: z.int().positive().nullable(),
  kycRequired: z.boolean(),
})
export type PayoutPolicy = z.infer<typeof payoutPolicy>

/** Everything of a template that a challenge freezes. */
export const templateTerms = z.object({
  name: z.string(),
  /** ISO 4217. */
  currency: z.string(),
  initialBalance: decimal,
  steps: z.array(templateStep).min(1),
  /** When a trading day begins: `17:00` by the clocks of `America/New_York`. */
  dayBoundary: z.object({ timeZone: z.string(), time: z.string() }),
  resetPolicy,
  /** A fee between passing and being funded, or before an instantly funded challenge begins. */
  activation: z.object({ required: z.boolean(), price: decimal }),
  /** null: nothing is ever paid out. */
  payoutPolicy: payoutPolicy.nullable(),
})
export type TemplateTerms = z.infer<typeof templateTerms>

export const templateEvents = {
  'noctant.TemplateImported.v1': z.object({
    templateId: uuid,
    /** null: a preset, shared by all operators. */
    operatorId: uuid.nullable(),
    /** Its short name, unique among the operator's templates or among the presets. */
    key: z.string(),
    /** From 1. Challenges keep the version that they started with. */
    version: z.int().positive(),
    terms: templateTerms,
    occurredAt: time,
  }),
  'noctant.TemplateArchived.v1': z.object({
    templateId: uuid,
    operatorId: uuid.nullable(),
    reason: z.string().nullable(),
    occurredAt: time,
  }),
}
export type TemplateEvent = EventOf<typeof templateEvents>
