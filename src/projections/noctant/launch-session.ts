/** Launches, as operators and the hosted terminal see them. */
import type { LaunchSessionEvent } from '../../events/noctant/launch-session.ts'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { defineProjection, defineTable, erase, patch, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Created = Extract<LaunchSessionEvent, { type: 'noctant.LaunchSessionCreated.v1' }>['data']

/** What the contract's LaunchSessionView shows. */
export type LaunchSessionView = {
  launch_session_id: string
  launch_session_kind: 'account' | 'historical'
  operator_id: string
  org_id: string
  global_user_id: string
  program_account_id: string | null
  account_id: string | null
  account_visibility_policy: NonNullable<Created['account']>['visibilityPolicy'] | null
  historical_launch: { feed_id: string; market_time_start: string; market_time_end: string } | null
  requested_route: string
  requested_product_mode: Created['requestedProductMode']
  return_url: string | null
  expires_at: string
  redeemed_at: string | null
  browser_session_attached: boolean
  created_at: string
}

export type LaunchSessionRow = LaunchSessionView & {
  feed_symbol: string | null
  /** SHA-256 of the cookie's value, hex. */
  browser_session_hash: string | null
  browser_session_expires_at: string | null
}

export const launchSessions = defineTable<LaunchSessionRow, 'launch_session_id'>({
  name: 'noctant_launch_sessions',
  key: ['launch_session_id'],
  columns: {
    launch_session_id: 'uuid NOT NULL',
    launch_session_kind: 'text NOT NULL',
    operator_id: 'uuid NOT NULL',
    org_id: 'uuid NOT NULL',
    global_user_id: 'uuid NOT NULL',
    program_account_id: 'uuid',
    account_id: 'uuid',
    account_visibility_policy: 'text',
    historical_launch: 'jsonb',
    requested_route: 'text NOT NULL',
    requested_product_mode: 'text NOT NULL',
    return_url: 'text',
    expires_at: 'timestamptz(3) NOT NULL',
    redeemed_at: 'timestamptz(3)',
    browser_session_attached: 'boolean NOT NULL',
    created_at: 'timestamptz(3) NOT NULL',
    feed_symbol: 'text',
    browser_session_hash: 'text',
    browser_session_expires_at: 'timestamptz(3)',
  },
  indexes: [
    '(browser_session_hash) WHERE browser_session_hash IS NOT NULL',
    '(global_user_id) WHERE return_url IS NOT NULL',
  ],
})

export const launchSessionProjection = defineProjection<LaunchSessionEvent | UserEvent>({
  name: 'noctant.launchSession',
  version: 2,
  onPoison: 'park',
  tables: [launchSessions],
  handlers: {
    'noctant.LaunchSessionCreated.v1': ({ data }) => [
      upsert(launchSessions, {
        ...launchView(data),
        feed_symbol: data.historical?.feed.symbol ?? null,
        browser_session_hash: null,
        browser_session_expires_at: null,
      }),
    ],
    'noctant.LaunchSessionRedeemed.v1': ({ data }) => [
      patch(launchSessions, { launch_session_id: data.launchSessionId }, { redeemed_at: data.occurredAt }),
    ],
    'noctant.BrowserSessionAttached.v1': ({ data }) => [
      patch(
        launchSessions,
        { launch_session_id: data.launchSessionId },
        {
          browser_session_attached: true,
          browser_session_hash: data.browserSessionHash,
          browser_session_expires_at: data.expiresAt,
        },
      ),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [
      erase(launchSessions, { global_user_id: data.globalUserId }, ['return_url']),
    ],
  },
})

/** A launch as it is right after it was made; the answer to the request and a later read agree. */
export const launchView = (data: Created): LaunchSessionView => ({
  launch_session_id: data.launchSessionId,
  launch_session_kind: data.historical ? 'historical' : 'account',
  operator_id: data.operatorId,
  org_id: data.orgId,
  global_user_id: data.globalUserId,
  program_account_id: data.account?.programAccountId ?? null,
  account_id: data.account?.accountId ?? null,
  account_visibility_policy: data.account?.visibilityPolicy ?? null,
  historical_launch: data.historical && {
    feed_id: data.historical.feed.feedId,
    market_time_start: data.historical.marketTimeStart,
    market_time_end: data.historical.marketTimeEnd,
  },
  requested_route: data.requestedRoute,
  requested_product_mode: data.requestedProductMode,
  return_url: data.returnUrl,
  expires_at: data.expiresAt,
  redeemed_at: null,
  browser_session_attached: false,
  created_at: data.occurredAt,
})

const hidden: readonly string[] = ['feed_symbol', 'browser_session_hash', 'browser_session_expires_at']
const viewColumns = Object.keys(launchSessions.columns).filter(
  (name) => !hidden.includes(name),
) as (keyof LaunchSessionView)[]

export const findLaunchSession = preparedOne((db, operatorId: string, launchSessionId: string) =>
  db
    .selectFrom('noctant_launch_sessions')
    .select(viewColumns)
    .where('operator_id', '=', operatorId)
    .where('launch_session_id', '=', launchSessionId),
)

/** What the hosted terminal shows to a browser. */
export type TerminalSession = Pick<
  LaunchSessionRow,
  'requested_product_mode' | 'historical_launch' | 'feed_symbol' | 'return_url' | 'browser_session_expires_at'
> & {
  operator_name: string
  operator_status: string
  account_name: string | null
  account_number: string | null
  account_status: string | null
  currency: string | null
}

/** The session that a browser's cookie stands for; undefined where it is unknown, or over at that time. */
export const findBrowserSession = (
  db: ReadModels,
  browserSessionHash: string,
  at: string,
): Promise<TerminalSession | undefined> =>
  noctantTables(db)
    .selectFrom('noctant_launch_sessions as launch')
    .innerJoin('noctant_operators as operator', 'operator.operator_id', 'launch.operator_id')
    .leftJoin('noctant_accounts as account', 'account.program_account_id', 'launch.program_account_id')
    .select([
      'launch.requested_product_mode',
      'launch.historical_launch',
      'launch.feed_symbol',
      'launch.return_url',
      'launch.browser_session_expires_at',
      'operator.name as operator_name',
      'operator.status as operator_status',
      'account.account_name',
      'account.account_number',
      'account.sponsorship_status as account_status',
      'account.currency',
    ])
    .where('launch.browser_session_hash', '=', browserSessionHash)
    .where('launch.browser_session_expires_at', '>', at)
    .executeTakeFirst()
