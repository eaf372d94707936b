/** What the steps of the demo share: both clients, the names of this run, and the questions they ask again and again. */
import type { Client } from '@opslog/client'
import type { AdminTools } from '../../admin-tools.ts'
import type { Checklist } from '../../demo/checks.ts'
import { type Answer, type Call, poll } from '../../demo/client.ts'

export interface Story {
  /** The operator's REST API, with the operator's key. */
  operator: Client<'noctant'>
  /** The engine's order entry, with the trader's token. */
  trader: Call
  tools: AdminTools
  checks: Checklist
  /** Unique to this run, so that runs never meet. */
  run: string
  waits: { waitMaxMs: number; pollIntervalMs: number }
  /** What the run has found out so far. */
  found: {
    globalUserId: string
    /** Execution account id: the engine's name of the account. */
    accountId: string
    orders: Placed[]
  }
}

/** An order as order entry answered it. */
export interface Placed {
  orderId: string
  label: string
  averageFillPrice: string | null
}

export type Row = Record<string, unknown>

export const initialBalance = '100000.00'

/** Of each account that a demo or a trigger opens. */
export const accountPolicies = {
  execution_profile_key: 'standard',
  provider_type: 'prop_firm',
  feed_source: 'noctant',
  branding_policy: 'co_brand',
  visibility_policy: 'same_sponsor_only',
  claim_allowed: false,
  marketing_allowed: false,
} as const

export const externalUserId = (story: Story): string => `demo-user-${story.run}`
export const externalAccountId = (story: Story): string => `demo-account-${story.run}`

/** The account of this run, as the operator names it. */
export const ofAccount = (story: Story) => ({ query: { external_account_id: externalAccountId(story) } })
export const ofUser = ({ found }: Story) => ({ path: { global_user_id: found.globalUserId } })

/** A member that must be an object; an empty one where it is not, so that the checks can say what is missing. */
export function objectOf(body: Row, name: string): Row {
  const value = body[name]
  return typeof value === 'object' && value !== null ? (value as Row) : {}
}

/** A member that must be a list of objects; an empty one where it is not. */
export const rowsOf = (body: Row, name: string): Row[] => (Array.isArray(body[name]) ? (body[name] as Row[]) : [])

export const summaryOf = async (story: Story): Promise<Row> =>
  (await story.operator.GET('/v1/accounts/by-external-id/summary', { params: ofAccount(story) })).data?.summary ?? {}

const lists = {
  positions: async ({ operator }: Story, params: ReturnType<typeof ofAccount>): Promise<Row[] | undefined> =>
    (await operator.GET('/v1/accounts/by-external-id/positions', { params })).data?.positions,
  orders: async ({ operator }: Story, params: ReturnType<typeof ofAccount>): Promise<Row[] | undefined> =>
    (await operator.GET('/v1/accounts/by-external-id/orders', { params })).data?.orders,
  trades: async ({ operator }: Story, params: ReturnType<typeof ofAccount>): Promise<Row[] | undefined> =>
    (await operator.GET('/v1/accounts/by-external-id/trades', { params })).data?.trades,
}

/** The list below the account once it satisfies, or as it was when patience ended. */
export const pollRows = (story: Story, what: keyof typeof lists, satisfied: (rows: Row[]) => boolean): Promise<Row[]> =>
  poll(async () => (await lists[what](story, ofAccount(story))) ?? [], satisfied, story.waits)

export const pollSummary = (story: Story, satisfied: (summary: Row) => boolean): Promise<Row> =>
  poll(() => summaryOf(story), satisfied, story.waits)

/** `201`, or what order entry said instead. */
export const entryStatusOf = ({ status, body }: Answer): string =>
  status < 400 ? String(status) : `${status} ${body.code ?? body.title ?? ''}`.trim()
