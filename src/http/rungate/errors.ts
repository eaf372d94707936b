/** Rungate's refusals: the status and the type of every code, and the bodies that the contract gives them. */
import { z } from '@hono/zod-openapi'
import type { GovernanceCode } from '../../commands/rungate/desk/interface.ts'
import type { RejectionCode } from '../../commands/rungate/rejection.ts'
import { type ErrorEntry, type ErrorTable, type FieldError, type KernelCode, kernelErrors } from '../errors.ts'
import { help } from './help.ts'

/** Of requests, which no command knows. */
type RequestCode =
  | 'account_elsewhere'
  | 'policy_version_not_found'
  | 'guide_not_found'
  | 'member_missing'
  | 'member_unknown'
  | 'base_url_refused'
  | 'not_own'
  | 'session_missing'
  | 'session_needed'
  | 'origin_foreign'
  | 'admin_token_refused'
  | 'mail_off'
  | 'run_elsewhere'
  | 'alert_condition_invalid'
  | 'run_ended'
  | 'run_not_stopped'
  | 'agent_disabled'
  | 'webhooks_unavailable'

/** Of calls of models, which the proxy refuses by itself, in bodies of their own. */
type CallCode = GovernanceCode | 'provider_error' | 'invalid_request_error' | 'mid_stream_error'

export type RungateCode = RejectionCode | RequestCode | CallCode

export const DASHBOARD = 'DashboardAuth'
export const AGENT = 'AgentApiKey'

/** What the contract lets a body say. */
const errorType = z.enum([
  'validation_error',
  'not_found',
  'conflict',
  'forbidden',
  'internal_error',
  'service_unavailable',
])
/** Callers see one of few types. */
const TYPES: Readonly<Record<number, z.infer<typeof errorType> | 'rate_limited' | 'unauthorized'>> = {
  ...{ 401: 'unauthorized', 403: 'forbidden', 404: 'not_found', 409: 'conflict', 429: 'rate_limited' },
  ...{ 410: 'not_found', 500: 'internal_error', 503: 'service_unavailable' },
}
const typed = (entry: ErrorEntry): ErrorEntry => ({ ...entry, shownAs: TYPES[entry.status] ?? 'validation_error' })

const kernel: Record<KernelCode, ErrorEntry> = {
  ...kernelErrors,
  // Whatever does not sign in is the same to the caller.
  credential_elsewhere: { ...kernelErrors.credential_elsewhere, status: 401 },
}

const own: Record<Exclude<RungateCode, KernelCode | CallCode>, ErrorEntry> = {
  account_not_found: { status: 404, title: 'The account does not exist' },
  account_elsewhere: { status: 404, title: 'The account is another one' },
  slug_taken: { status: 400, title: 'The slug is taken' },
  name_taken: { status: 409, title: 'The name is taken' },
  admin_token_not_found: { status: 404, title: 'The admin token does not exist' },
  token_beyond_own: { status: 403, title: 'The token that asks may do less' },
  admin_token_limit_reached: { status: 409, title: 'The account has as many admin tokens as it may have' },
  provider_key_not_found: { status: 404, title: 'The provider key does not exist' },
  provider_key_unusable: { status: 400, title: 'The provider key cannot be used here' },
  provider_differs: { status: 409, title: 'The key is of another provider' },
  secret_needed: { status: 400, title: 'Another address needs the secret anew' },
  base_url_refused: { status: 400, title: 'Calls do not go to this URL' },
  policy_not_found: { status: 404, title: 'The policy does not exist' },
  policy_version_not_found: { status: 404, title: 'The version does not exist' },
  policy_contradicts: { status: 400, title: 'The settings contradict each other' },
  policy_unusable: { status: 400, title: 'The policy cannot be used' },
  policy_in_use: { status: 409, title: 'Agents name the policy' },
  visibility_refused: { status: 400, title: 'It cannot be personal' },
  agent_not_found: { status: 404, title: 'The agent does not exist' },
  run_not_found: { status: 404, title: 'The run does not exist' },
  call_not_found: { status: 404, title: 'The call does not exist' },
  run_not_running: { status: 409, title: 'The run has ended' },
  step_limit_reached: { status: 403, title: 'The run has made all its steps' },
  approval_not_found: { status: 404, title: 'The approval request does not exist' },
  approval_decided: { status: 409, title: 'The approval request is decided' },
  run_elsewhere: { status: 403, title: 'The run belongs to another agent' },
  run_ended: { status: 400, title: 'The run has ended' },
  run_not_stopped: { status: 400, title: 'The run was not stopped' },
  agent_disabled: { status: 403, title: 'The agent is disabled' },
  alert_rule_not_found: { status: 404, title: 'The alert rule does not exist' },
  webhook_not_found: { status: 404, title: 'The webhook does not exist' },
  webhook_limit_reached: { status: 409, title: 'The account has as many webhooks as it may have' },
  webhook_url_refused: { status: 400, title: 'Webhooks do not go to this URL' },
  webhooks_unavailable: { status: 503, title: 'Nothing sends webhooks now' },
  alert_condition_invalid: { status: 400, title: 'The condition does not fit its type' },
  guide_not_found: { status: 404, title: 'The guide does not exist' },
  member_missing: { status: 400, title: 'A member is missing' },
  member_unknown: { status: 400, title: 'The member does not exist' },
  not_own: { status: 403, title: 'It is not your own' },
  login_refused: { status: 401, title: 'The link or the code is not good' },
  session_missing: { status: 401, title: 'Nobody is signed in' },
  session_needed: { status: 400, title: 'A session asks, not a token' },
  session_not_found: { status: 404, title: 'The session does not exist' },
  origin_foreign: { status: 403, title: 'Another site sent the request' },
  registration_done: { status: 403, title: 'The account is registered already' },
  account_claimed: { status: 403, title: 'The account has an owner' },
  admin_token_refused: { status: 403, title: 'The admin token cannot claim an account' },
  account_gone: { status: 410, title: 'The account is not available' },
  address_elsewhere: { status: 409, title: 'The address belongs to another account' },
  member_not_found: { status: 404, title: 'The member does not exist' },
  member_exists: { status: 409, title: 'The address is that of a member' },
  owner_stays: { status: 409, title: 'The owner cannot be removed' },
  owner_role_fixed: { status: 403, title: 'The owner’s role is not changed' },
  owner_only: { status: 403, title: 'Only the owner may do that' },
  already_owner: { status: 400, title: 'The member is the owner' },
  invitation_not_found: { status: 404, title: 'The invitation does not exist' },
  invitation_used: { status: 409, title: 'The invitation was accepted' },
  invitation_pending: { status: 409, title: 'The address is invited already' },
  invitation_not_pending: { status: 409, title: 'The invitation is not pending' },
  mail_off: { status: 503, title: 'Mails are switched off' },
}

const call = (status: ErrorEntry['status'], title: string, shownAs: CallCode): ErrorEntry => ({
  status,
  title,
  shownAs,
})
const calls: Record<CallCode, ErrorEntry> = {
  budget_exceeded: call(402, 'The budget does not pay for the call', 'budget_exceeded'),
  budget_alert_exceeded: call(402, 'A run is over its alert threshold', 'budget_alert_exceeded'),
  model_not_allowed: call(403, 'The model is not allowed', 'model_not_allowed'),
  tool_blocked: call(403, 'A tool is not allowed', 'tool_blocked'),
  run_force_stopped: call(403, 'The run was stopped', 'run_force_stopped'),
  run_blocked_after_force_stop: call(403, 'No run starts after one was stopped', 'run_blocked_after_force_stop'),
  runaway_prevention: call(403, 'The run has made all its steps', 'runaway_prevention'),
  rate_limited: call(429, 'The policy allows no more calls now', 'rate_limited'),
  provider_error: call(502, 'No provider served the call', 'provider_error'),
  invalid_request_error: call(400, 'The call cannot be read', 'invalid_request_error'),
  // Its stream has begun with 200.
  mid_stream_error: call(502, 'The answer broke off', 'mid_stream_error'),
}

/** `/routing/timeout_ms` → `routing.timeout_ms`, `query/limit` → `limit`. */
function fieldOf(pointer: string): string {
  const parts = pointer.split('/').map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
  return parts.slice(1).join('.') || parts[0] || 'body'
}
const fieldsOf = (errors: readonly FieldError[]) =>
  Object.fromEntries(errors.toReversed().map(({ pointer, detail }) => [fieldOf(pointer), detail]))

const standard = z
  .object({
    error: z.object({
      type: errorType,
      message: z.string(),
      fields: z.record(z.string(), z.string()).optional(),
    }),
  })
  .openapi('ErrorResponse')
const signIn = z.object({ error: z.literal('Authentication required') }).openapi('DashboardAuthError')
const agentSignIn = z
  .object({ error: z.object({ type: z.literal('unauthorized'), message: z.string() }) })
  .openapi('ProxyAuthError')
const limited = z
  .object({ error: z.object({ type: z.literal('rate_limited'), message: z.string() }) })
  .openapi('RateLimitedResponse')

export const errors: ErrorTable<RungateCode> = {
  codes: {
    ...(Object.fromEntries(
      Object.entries({ ...kernel, ...own }).map(([code, entry]) => [code, typed(entry)]),
    ) as Record<Exclude<RungateCode, CallCode> | KernelCode, ErrorEntry>),
    ...calls,
  },
  help,
  body({ status, code: type, detail: message, errors: faults, schemes }) {
    if (status === 401 && schemes.includes(DASHBOARD)) return { error: 'Authentication required' }
    const fields = type === 'validation_error' && faults.length > 0 ? { fields: fieldsOf(faults) } : {}
    return { error: { type, message, ...fields } }
  },
  schema: standard,
  schemaOf(status, schemes) {
    // Where nobody has to sign in, a session that is missing is told as agents are told.
    if (status === 401) return schemes.includes(DASHBOARD) ? signIn : agentSignIn
    return status === 429 ? limited : undefined
  },
}
