/**
 * A template as people write it: a JSON file in the spelling of the API. What it leaves out takes the mildest value. What
 * makes no sense as a whole is refused with the place where it stands.
 */
import { z } from 'zod'
import { drawdownMode, type TemplateStep, type TemplateTerms } from '../../events/noctant/template.ts'
import { Exact, isCurrency, minorUnits } from './money.ts'
import { isTimeZone } from './trading-day.ts'

const decimal = z
  .string('write decimals as text: "4.5"')
  .regex(/^\d{1,12}(\.\d{1,4})?$/, 'is to be a decimal with at most 12 digits before the point and 4 after it')
const positive = decimal.refine((text) => new Exact(text).greaterThan(0), 'is to be above zero')
const percentage = positive.refine((text) => !new Exact(text).greaterThan(100), 'is to be at most 100')

const percentOrAmount = z
  .strictObject({ percent: percentage.optional(), amount: positive.optional() })
  .refine(({ percent, amount }) => (percent === undefined) !== (amount === undefined), 'give either percent or amount')
  .transform(({ percent, amount = '' }) =>
    percent === undefined ? { kind: 'amount' as const, value: amount } : { kind: 'percent' as const, value: percent },
  )

const drawdown = z
  .strictObject({ percent: percentage.optional(), amount: positive.optional(), mode: drawdownMode })
  .transform(({ mode, ...limit }, context) => {
    const parsed = percentOrAmount.safeParse(limit)
    if (parsed.success) return { ...parsed.data, mode }
    context.addIssue('give either percent or amount')
    return z.NEVER
  })

const whole = z.int().nonnegative().max(10_000)

const step = z.strictObject({
  name: z.string().min(1).max(100),
  kind: z.enum(['evaluation', 'funded']),
  advancement: z.enum(['same_account', 'fresh_account']).default('same_account'),
  profit_target: percentOrAmount.nullable().default(null),
  maximum_daily_loss: percentOrAmount.nullable().default(null),
  maximum_drawdown: drawdown.nullable().default(null),
  minimum_trading_days: whole.default(0),
  minimum_profitable_days: whole.default(0),
  profitable_day_minimum: positive.nullable().default(null),
  time_limit_days: whole.positive().nullable().default(null),
  review_before_pass: z.boolean().default(false),
})

const payoutMaximum = z
  .strictObject({ percent_of_profit: percentage.optional(), amount: positive.optional() })
  .refine((each) => (each.percent_of_profit === undefined) !== (each.amount === undefined), {
    message: 'give either percent_of_profit or amount',
  })

const templateFile = z
  .strictObject({
    key: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'is to have 1 to 63 small letters, digits and dashes'),
    name: z.string().min(1).max(200),
    currency: z.string().refine(isCurrency, 'is no ISO 4217 currency code'),
    initial_balance: positive,
    day_boundary: z.strictObject({
      time_zone: z.string().refine(isTimeZone, 'is no time zone: write Europe/Prague, America/New_York or UTC'),
      time: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is to be a time of day: "17:00"'),
    }),
    steps: z.array(step).min(1).max(10),
    reset_policy: z
      .strictObject({
        allowed: z.boolean(),
        maximum_count: whole.positive().nullable().default(null),
        cool_down_hours: whole.default(0),
      })
      .default({ allowed: false, maximum_count: null, cool_down_hours: 0 }),
    activation: z
      .strictObject({ required: z.boolean(), price: decimal.default('0') })
      .default({ required: false, price: '0' }),
    payout_policy: z
      .strictObject({
        profit_split_percent: percentage,
        minimum_profit: decimal.default('0'),
        minimum_days_between_payouts: whole.default(0),
        minimum_days_before_first_payout: whole.default(0),
        maximum: payoutMaximum.nullable().default(null),
        required_remaining_buffer: decimal.default('0'),
        maximum_count: whole.positive().nullable().default(null),
        kyc_required: z.boolean().default(false),
      })
      .nullable()
      .default(null),
  })
  .superRefine((file, context) => {
    const refuse = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
    file.steps.forEach(({ kind, profit_target }, index) => {
      const isLast = index === file.steps.length - 1
      if (kind === 'funded' && !isLast) refuse(['steps', index, 'kind'], 'only the last step can be funded')
      if (kind === 'funded' && profit_target) refuse(['steps', index, 'profit_target'], 'a funded step has no target')
      if (kind === 'evaluation' && !profit_target)
        refuse(['steps', index, 'profit_target'], 'an evaluation has a target')
    })
    if (file.payout_policy && file.steps.at(-1)?.kind !== 'funded') {
      refuse(['payout_policy'], 'payouts are made from a funded step, and there is none')
    }
    for (const [path, text] of amountsOf(file)) {
      const digits = minorUnits(file.currency)
      if (new Exact(text).decimalPlaces() > digits) refuse(path, `${file.currency} has at most ${digits} decimals`)
    }
  })

interface Amounts {
  initial_balance: string
  activation: { price: string }
  payout_policy: {
    minimum_profit: string
    required_remaining_buffer: string
    maximum: { amount?: string } | null
  } | null
}

function amountsOf({ initial_balance, activation, payout_policy: payouts }: Amounts): [string[], string][] {
  const amounts: [string[], string][] = [
    [['initial_balance'], initial_balance],
    [['activation', 'price'], activation.price],
  ]
  if (!payouts) return amounts
  amounts.push(
    [['payout_policy', 'minimum_profit'], payouts.minimum_profit],
    [['payout_policy', 'required_remaining_buffer'], payouts.required_remaining_buffer],
  )
  if (payouts.maximum?.amount) amounts.push([['payout_policy', 'maximum', 'amount'], payouts.maximum.amount])
  return amounts
}

export type TemplateFile = { key: string; terms: TemplateTerms }

/**
 * The template that the parsed JSON describes, or what is wrong with it, one line per fault: `steps.0.kind: …`. `kept`:
 * the currencies that the engine keeps accounts in; no challenge could be traded in another.
 */
export function readTemplateFile(
  json: unknown,
  kept: readonly string[],
): { file: TemplateFile } | { faults: string[] } {
  const parsed = templateFile.safeParse(json)
  if (!parsed.success) {
    return { faults: parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`) }
  }
  const { currency } = parsed.data
  if (!kept.includes(currency)) {
    return { faults: [`currency: no accounts are kept in ${currency}; the engine trades ${kept.join(', ')}`] }
  }
  return { file: { key: parsed.data.key, terms: termsOf(parsed.data) } }
}

function termsOf(file: z.output<typeof templateFile>): TemplateTerms {
  const money = (text: string) => new Exact(text).toFixed(minorUnits(file.currency))
  const { day_boundary, reset_policy, activation, payout_policy: payouts } = file
  return {
    name: file.name,
    currency: file.currency,
    initialBalance: money(file.initial_balance),
    steps: file.steps.map(
      (each, index): TemplateStep => ({
        sequence: index + 1,
        name: each.name,
        kind: each.kind,
        advancement: each.advancement,
        profitTarget: each.profit_target,
        maximumDailyLoss: each.maximum_daily_loss,
        maximumDrawdown: each.maximum_drawdown,
        minimumTradingDays: each.minimum_trading_days,
        minimumProfitableDays: each.minimum_profitable_days,
        profitableDayMinimum: each.profitable_day_minimum && money(each.profitable_day_minimum),
        timeLimitDays: each.time_limit_days,
        reviewBeforePass: each.review_before_pass,
      }),
    ),
    dayBoundary: { timeZone: day_boundary.time_zone, time: day_boundary.time },
    resetPolicy: {
      allowed: reset_policy.allowed,
      maximumCount: reset_policy.maximum_count,
      coolDownHours: reset_policy.cool_down_hours,
    },
    activation: { required: activation.required, price: money(activation.price) },
    payoutPolicy: payouts && {
      profitSplitPercent: payouts.profit_split_percent,
      minimumProfit: money(payouts.minimum_profit),
      minimumDaysBetweenPayouts: payouts.minimum_days_between_payouts,
      minimumDaysBeforeFirstPayout: payouts.minimum_days_before_first_payout,
      maximum:
        payouts.maximum &&
        (payouts.maximum.amount === undefined
          ? { kind: 'percent_of_profit', value: payouts.maximum.percent_of_profit ?? '0' }
          : { kind: 'amount', value: money(payouts.maximum.amount) }),
      requiredRemainingBuffer: money(payouts.required_remaining_buffer),
      maximumCount: payouts.maximum_count,
      kycRequired: payouts.kyc_required,
    },
  }
}
