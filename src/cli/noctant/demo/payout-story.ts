/** What the chapters of the payout's story know of each other, beyond what every story shares. */
import type { TemplateTerms } from '../../../events/noctant/template.ts'
import { decimal } from '../../demo/checks.ts'
import { poll } from '../../demo/client.ts'
import { ofUser, type Row, type Story } from './story.ts'

export type Say = (note: string) => void

export interface PayoutStory extends Story {
  known: {
    templateId: string
    productId: string
    instanceId: string
    payoutRequestId: string
    /** Of the account, as the funded step began. */
    fundedBalance: string
    /** Right before the payout. */
    balance: string
  }
}

/** Profit to be made in the evaluation, and again before a payout. In US dollars. */
export const TARGET = '100'
/** What is asked for, and its parts under the preset's split of 80 to 20. */
export const payout = { gross: '50.00', trader: '40.00', firm: '10.00' } as const

/** Of each product that a demo or a trigger sells. */
export const productTerms = {
  price: '99.00',
  currency: 'USD',
  status: 'active',
  public_listing: false,
  display_order: 1,
  max_concurrent_per_user: 1,
  cooldown_hours_after_breach: 0,
  metadata: {},
} as const

/** The one-step preset on a small scale: a target within reach, no days to wait for. The rest is the preset's. */
export const demoTerms = (preset: TemplateTerms): TemplateTerms => ({
  ...preset,
  name: 'One step, for the demo',
  steps: preset.steps.map((step) => ({
    ...step,
    profitTarget: step.profitTarget && { kind: 'amount' as const, value: TARGET },
    minimumTradingDays: Math.min(1, step.minimumTradingDays),
  })),
  payoutPolicy: preset.payoutPolicy && {
    ...preset.payoutPolicy,
    minimumProfit: TARGET,
    minimumDaysBetweenPayouts: 0,
    minimumDaysBeforeFirstPayout: 0,
  },
})

/** The payout request of this run. */
export const ofRequest = (story: PayoutStory) => ({
  path: { ...ofUser(story).path, payout_request_id: story.known.payoutRequestId },
})

/** The challenge, once it satisfies, or as it was when patience ended. */
export const pollChallenge = (story: PayoutStory, satisfied: (challenge: Row) => boolean): Promise<Row> =>
  poll(
    async () => {
      const params = { path: { instance_id: story.known.instanceId } }
      return (await story.operator.GET('/v1/challenges/{instance_id}', { params })).data ?? {}
    },
    satisfied,
    story.waits,
  )

export const pollStatement = (story: PayoutStory, satisfied: (statement: Row) => boolean): Promise<Row> =>
  poll(
    async () => {
      const path = '/v1/users/{global_user_id}/payout-statements/{payout_request_id}'
      return (await story.operator.GET(path, { params: ofRequest(story) })).data?.statement ?? {}
    },
    satisfied,
    story.waits,
  )

/** At least that much above; false where either is not a decimal. */
export const isAbove = (value: unknown, base: string, by: string): boolean =>
  typeof value === 'string' && decimal(value).minus(base).greaterThanOrEqualTo(by)
