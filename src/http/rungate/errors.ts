/** Rungate's refusals: the status and the type of every code, and the bodies that the contract gives them. */
import { z } from '@hono/zod-openapi'
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
  | 'visibility_refused'

export type RungateCode = RejectionCode | RequestCode

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
  ...{ 500: 'internal_error', 503: 'service_unavailable' },
}
const typed = (entry: ErrorEntry): ErrorEntry => ({ ...entry, shownAs: TYPES[entry.status] ?? 'validation_error' })

const kernel: Record<KernelCode, ErrorEntry> = {
  ...kernelErrors,
  // Whatever does not sign in is the same to the caller.
  credential_elsewhere: { ...kernelErrors.credential_elsewhere, status: 401 },
}

const own: Record<Exclude<RungateCode, KernelCode>, ErrorEntry> = {
  account_not_found: { status: 404, title: 'The account does not exist' },
  account_elsewhere: { status: 404, title: 'The account is another one' },
  slug_taken: { status: 400, title: 'The slug is taken' },
  name_taken: { status: 409, title: 'The name is taken' },
  admin_token_not_found: { status: 404, title: 'The admin token does not exist' },
  token_beyond_own: { status: 403, title: 'The token that asks may do less' },
  provider_key_not_found: { status: 404, title: 'The provider key does not exist' },
  provider_key_unusable: { status: 400, title: 'The provider key cannot be used here' },
  provider_differs: { status: 409, title: 'The key is of another provider' },
  base_url_refused: { status: 400, title: 'Calls do not go to this URL' },
  policy_not_found: { status: 404, title: 'The policy does not exist' },
  policy_version_not_found: { status: 404, title: 'The version does not exist' },
  policy_contradicts: { status: 400, title: 'The settings contradict each other' },
  policy_unusable: { status: 400, title: 'The policy cannot be used' },
  policy_in_use: { status: 409, title: 'Agents name the policy' },
  visibility_refused: { status: 400, title: 'A token has nothing personal' },
  agent_not_found: { status: 404, title: 'The agent does not exist' },
  run_not_found: { status: 404, title: 'The run does not exist' },
  run_not_running: { status: 409, title: 'The run has ended' },
  step_limit_reached: { status: 403, title: 'The run has made all its steps' },
  approval_not_found: { status: 404, title: 'The approval request does not exist' },
  approval_decided: { status: 409, title: 'The approval request is decided' },
  guide_not_found: { status: 404, title: 'The guide does not exist' },
  member_missing: { status: 400, title: 'A member is missing' },
  member_unknown: { status: 400, title: 'The member does not exist' },
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

const isAgents = (schemes: readonly string[]) => schemes.includes(AGENT) && !schemes.includes(DASHBOARD)

export const errors: ErrorTable<RungateCode> = {
  codes: Object.fromEntries(
    Object.entries({ ...kernel, ...own }).map(([code, entry]) => [code, typed(entry)]),
  ) as Record<RungateCode | KernelCode, ErrorEntry>,
  help,
  body({ status, code: type, detail: message, errors: faults, schemes }) {
    if (status === 401 && !isAgents(schemes)) return { error: 'Authentication required' }
    const fields = type === 'validation_error' && faults.length > 0 ? { fields: fieldsOf(faults) } : {}
    return { error: { type, message, ...fields } }
  },
  schema: standard,
  schemaOf(status, schemes) {
    if (status === 401) return isAgents(schemes) ? agentSignIn : signIn
    return status === 429 ? limited : undefined
  },
}
