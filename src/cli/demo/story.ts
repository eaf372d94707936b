/** What the steps of the demo share: both clients, the names of this run, and the questions they ask again and again. */
import type { Checklist } from './checks.ts'
import { type Answer, type Call, poll } from './client.ts'

export interface Story {
  /** The operator's REST API, with the operator's key. */
  operator: Call
  /** The engine's order entry, with the trader's token. */
  trader: Call
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
}

export const externalUserId = (story: Story): string => `demo-user-${story.run}`
export const externalAccountId = (story: Story): string => `demo-account-${story.run}`

/** A path below the account of this run, as the operator names it. */
export const accountPath = (story: Story, below = '', query = ''): string =>
  `/v1/accounts/by-external-id${below}?external_account_id=${encodeURIComponent(externalAccountId(story))}${query}`

/** A member that must be an object; an empty one where it is not, so that the checks can say what is missing. */
export function objectOf(body: Row, name: string): Row {
  const value = body[name]
  return typeof value === 'object' && value !== null ? (value as Row) : {}
}

/** A member that must be a list of objects; an empty one where it is not. */
export const rowsOf = (body: Row, name: string): Row[] => (Array.isArray(body[name]) ? (body[name] as Row[]) : [])

export const summaryOf = async (story: Story): Promise<Row> =>
  objectOf((await story.operator('GET', accountPath(story, '/summary'))).body, 'summary')

/** The list below the account once it satisfies, or as it was when patience ended. */
export const pollRows = (
  story: Story,
  what: 'positions' | 'orders' | 'trades',
  satisfied: (rows: Row[]) => boolean,
): Promise<Row[]> =>
  poll(
    async () => rowsOf((await story.operator('GET', accountPath(story, `/${what}`))).body, what),
    satisfied,
    story.waits,
  )

export const pollSummary = (story: Story, satisfied: (summary: Row) => boolean): Promise<Row> =>
  poll(() => summaryOf(story), satisfied, story.waits)

/** `201`, or what the service said instead: `409 idempotency_key_reused`. */
export const statusOf = ({ status, body }: Answer): string =>
  status < 400 ? String(status) : `${status} ${body.code ?? body.title ?? ''}`.trim()
