/** What the requests for launches have in common: their schemas, who is launched, and the link of the answer. */
import { z } from '@hono/zod-openapi'
import type { LaunchSessionState } from '../../../commands/noctant/launch-session.ts'
import type { LaunchRequest } from '../../../commands/noctant/launching.ts'
import { globalUserIdOf } from '../../../commands/noctant/user.ts'
import * as vocabulary from '../../../events/noctant/vocabulary.ts'
import { launchView } from '../../../projections/noctant/launch-session.ts'
import { hashSecret, newSecret } from '../../../runtime/secret.ts'
import type { Handled } from '../../answers.ts'
import { externalId, nullableTimeOut, nullableUuidOut, optionalUuid, text, timeOut, uuidOut } from '../../schemas.ts'
import type { Operator } from '../access.ts'
import { visibilityPolicy } from '../schemas.ts'

export const launchProductMode = z.enum(vocabulary.launchProductMode.options).openapi('LaunchProductMode')
const launchSessionKind = z.enum(vocabulary.launchSessionKind.options).openapi('LaunchSessionKind')

/** The part that both requests have. */
export const launchRequest = {
  external_user_id: externalId.nullish(),
  global_user_id: optionalUuid,
  requested_route: text(2_048, 1),
  requested_product_mode: launchProductMode,
  return_url: text(2_048).nullish(),
}

interface LaunchBody {
  external_user_id?: string | null | undefined
  global_user_id?: string | null | undefined
  requested_route: string
  requested_product_mode: z.infer<typeof launchProductMode>
  return_url?: string | null | undefined
}

export const namesOneUser = (body: Pick<LaunchBody, 'external_user_id' | 'global_user_id'>): boolean =>
  (body.external_user_id == null) !== (body.global_user_id == null)

export const oneUser = { message: 'Exactly one of external_user_id and global_user_id', path: ['external_user_id'] }

const historicalLaunch = z
  .object({ feed_id: uuidOut, market_time_start: timeOut, market_time_end: timeOut })
  .openapi('HistoricalLaunchSessionView')

export const launchSessionView = z
  .object({
    launch_session_id: uuidOut,
    launch_session_kind: launchSessionKind,
    operator_id: uuidOut,
    org_id: uuidOut,
    global_user_id: uuidOut,
    program_account_id: nullableUuidOut.optional(),
    account_id: nullableUuidOut.optional(),
    account_visibility_policy: z.union([visibilityPolicy, z.null()]).optional(),
    historical_launch: z.union([historicalLaunch, z.null()]).optional(),
    requested_route: z.string(),
    requested_product_mode: launchProductMode,
    return_url: z.string().nullable().optional(),
    expires_at: timeOut,
    redeemed_at: nullableTimeOut.optional(),
    browser_session_attached: z.boolean(),
    created_at: timeOut,
  })
  .openapi('LaunchSessionView')

export const createLaunchSessionResponse = z
  .object({ launch_session: launchSessionView, launch_url: z.string() })
  .openapi('CreateLaunchSessionResponse')

/** How links and sessions are made. */
export interface LaunchSettings {
  tokenTtlMs: number
  browserSessionTtlMs: number
  /** Where browsers reach this API, `https://trade.example.com`; undefined: as the request reached it. */
  publicUrl: string | undefined
}

/** A launch as it is asked for, with a token of its own, and the link that redeems it. */
export function prepareLaunch(
  { operatorId, orgId }: Operator,
  body: LaunchBody,
  { tokenTtlMs, publicUrl, askedAt }: LaunchSettings & { askedAt: string },
  at: string,
): { request: LaunchRequest; launchUrl: string } {
  const token = newSecret()
  const request = {
    operatorId,
    orgId,
    globalUserId: body.global_user_id ?? globalUserIdOf(operatorId, body.external_user_id ?? ''),
    requestedRoute: body.requested_route,
    requestedProductMode: body.requested_product_mode,
    returnUrl: body.return_url ?? null,
    tokenHash: hashSecret(token),
    expiresAt: new Date(Date.parse(at) + tokenTtlMs).toISOString(),
  }
  return { request, launchUrl: new URL(`/launch/${token}`, publicUrl ?? askedAt).href }
}

/** The reply to either request: the link is shown once and kept by nobody on the way. */
export const createdReply = (handled: Handled & { state: LaunchSessionState }, launchUrl: string) => ({
  status: 201 as const,
  headers: { 'cache-control': 'no-store' },
  body: { launch_session: viewOf(handled.state), launch_url: launchUrl },
  handled,
})

/** The view of a launch that a command has just made. Throws where there is none: no accepted command leaves it so. */
export function viewOf(state: LaunchSessionState) {
  if (state.status === 'absent') throw new Error('a launch that was never made has no view')
  return launchView({ ...state.facts, occurredAt: state.createdAt })
}
