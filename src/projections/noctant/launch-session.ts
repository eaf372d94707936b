/** Launches, as operators and the hosted terminal see them. */
import type { LaunchSessionEvent } from '../../events/noctant/launch-session.ts'
import type { UserEvent } from '../../events/noctant/user.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { boolean, jsonb, text, time, uuid } from '../columns.ts'
import { columnsBut, defineProjection, defineTable, erase, patch, type RowOf, upsert } from '../projection.ts'
import { noctantTables, preparedOne } from './tables.ts'

type Created = Extract<LaunchSessionEvent, { type: 'noctant.LaunchSessionCreated.v1' }>['data']

export const launchSessions = defineTable({
  name: 'noctant_launch_sessions',
  key: ['launch_session_id'],
  columns: {
    launch_session_id: uuid,
    launch_session_kind: text.of<'account' | 'historical'>(),
    operator_id: uuid,
    org_id: uuid,
    global_user_id: uuid,
    program_account_id: uuid.orNull,
    account_id: uuid.orNull,
    account_visibility_policy: text.of<NonNullable<Created['account']>['visibilityPolicy']>().orNull,
    historical_launch: jsonb.of<{ feed_id: string; market_time_start: string; market_time_end: string }>().orNull,
    requested_route: text,
    requested_product_mode: text.of<Created['requestedProductMode']>(),
    return_url: text.orNull,
    expires_at: time,
    redeemed_at: time.orNull,
    browser_session_attached: boolean,
    created_at: time,
    feed_symbol: text.orNull,
    /** SHA-256 of the cookie's value, hex. */
    browser_session_hash: text.orNull,
    browser_session_expires_at: time.orNull,
  },
  indexes: [
    '(browser_session_hash) WHERE browser_session_hash IS NOT NULL',
    '(global_user_id) WHERE return_url IS NOT NULL',
  ],
})
export type LaunchSessionRow = RowOf<typeof launchSessions>

const hidden = ['feed_symbol', 'browser_session_hash', 'browser_session_expires_at'] as const
/** What the contract's LaunchSessionView shows. */
export type LaunchSessionView = Omit<LaunchSessionRow, (typeof hidden)[number]>
const viewColumns = columnsBut(launchSessions, ...hidden)

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
      patch(launchSessions, snake(data, 'launchSessionId'), { redeemed_at: data.occurredAt }),
    ],
    'noctant.BrowserSessionAttached.v1': ({ data }) => [
      patch(launchSessions, snake(data, 'launchSessionId'), {
        browser_session_attached: true,
        browser_session_hash: data.browserSessionHash,
        browser_session_expires_at: data.expiresAt,
      }),
    ],
    'noctant.UserForgotten.v1': ({ data }) => [erase(launchSessions, snake(data, 'globalUserId'), ['return_url'])],
  },
})

/** A launch as it is right after it was made; the answer to the request and a later read agree. */
export const launchView = (data: Created): LaunchSessionView => ({
  ...snake(data, 'launchSessionId', 'operatorId', 'orgId', 'globalUserId'),
  ...snake(data, 'requestedRoute', 'requestedProductMode', 'returnUrl', 'expiresAt'),
  launch_session_kind: data.historical ? 'historical' : 'account',
  program_account_id: data.account?.programAccountId ?? null,
  account_id: data.account?.accountId ?? null,
  account_visibility_policy: data.account?.visibilityPolicy ?? null,
  historical_launch: data.historical && {
    feed_id: data.historical.feed.feedId,
    ...snake(data.historical, 'marketTimeStart', 'marketTimeEnd'),
  },
  redeemed_at: null,
  browser_session_attached: false,
  created_at: data.occurredAt,
})

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
