/** Ostium's refusals: the status and the code of each, and the body that all of them have. */
import { z } from '@hono/zod-openapi'
import type { RejectionCode } from '../../commands/ostium/rejection.ts'
import { type ErrorEntry, type ErrorTable, type FieldError, type KernelCode, kernelErrors } from '../errors.ts'
import { help } from './help.ts'

/** Of HTTP and of the chain, which no command knows. */
type OwnCode =
  | 'trader_missing'
  | 'trader_malformed'
  | 'actions_several'
  | 'order_not_found'
  | 'action_reverts'
  | 'message_expired'
  | 'message_not_signed'
  | 'delegation_stands'
  | 'socket_action_unknown'
  | 'chain_unavailable'
  | 'contract_differs'
  | 'delegation_unavailable'
  | 'agent_key_unavailable'
  | 'action_unknown'
  | 'sockets_full'

export type OstiumCode = RejectionCode | OwnCode

export const errorCode = z.enum([
  'VALIDATION_ERROR',
  'INVALID_REQUEST',
  'INVALID_ACTION',
  'INVALID_ADDRESS',
  'NOT_FOUND',
  'UNAUTHORIZED',
  'RATE_LIMIT_EXCEEDED',
  'INTERNAL_ERROR',
  'SERVICE_UNAVAILABLE',
  'UPGRADE_REQUIRED',
  'UPGRADE_FAILED',
])
type ErrorCode = z.infer<typeof errorCode>

/** As callers see it, which is not always the code of its status. */
const as = (entry: ErrorEntry, shownAs: ErrorCode, status = entry.status): ErrorEntry => ({ ...entry, status, shownAs })
const refused = (title: string, shownAs: ErrorCode): ErrorEntry => ({ status: 400, title, shownAs })
const unavailable = (title: string): ErrorEntry => ({
  ...{ status: 503, title, shownAs: 'SERVICE_UNAVAILABLE' },
  retryAfterS: 1,
})

const of = kernelErrors
const kernel: Record<KernelCode, ErrorEntry> = {
  parameter_invalid: as(of.parameter_invalid, 'INVALID_REQUEST'),
  validation_failed: as(of.validation_failed, 'VALIDATION_ERROR'),
  malformed_json: as(of.malformed_json, 'INVALID_REQUEST'),
  malformed_request: as(of.malformed_request, 'INVALID_REQUEST'),
  credential_missing: as(of.credential_missing, 'UNAUTHORIZED'),
  credential_invalid: as(of.credential_invalid, 'UNAUTHORIZED'),
  credential_elsewhere: as(of.credential_elsewhere, 'UNAUTHORIZED', 401),
  scope_missing: as(of.scope_missing, 'UNAUTHORIZED', 401),
  route_not_found: as(of.route_not_found, 'NOT_FOUND'),
  method_not_allowed: as(of.method_not_allowed, 'INVALID_REQUEST'),
  idempotency_key_reused: as(of.idempotency_key_reused, 'INVALID_REQUEST', 400),
  concurrent_change: as(of.concurrent_change, 'SERVICE_UNAVAILABLE', 503),
  person_forgotten: as(of.person_forgotten, 'INVALID_REQUEST', 400),
  body_too_large: as(of.body_too_large, 'INVALID_REQUEST'),
  content_type_unsupported: as(of.content_type_unsupported, 'INVALID_REQUEST'),
  append_too_large: as(of.append_too_large, 'INVALID_REQUEST'),
  upgrade_failed: as(of.upgrade_failed, 'UPGRADE_FAILED'),
  upgrade_required: as(of.upgrade_required, 'UPGRADE_REQUIRED'),
  rate_limit_exceeded: as(of.rate_limit_exceeded, 'RATE_LIMIT_EXCEEDED'),
  internal_error: as(of.internal_error, 'INTERNAL_ERROR'),
  append_refused: as(of.append_refused, 'INTERNAL_ERROR'),
  event_store_mismatch: as(of.event_store_mismatch, 'SERVICE_UNAVAILABLE'),
  dependency_unavailable: as(of.dependency_unavailable, 'SERVICE_UNAVAILABLE'),
  read_model_behind: as(of.read_model_behind, 'SERVICE_UNAVAILABLE'),
}

const own: Record<Exclude<OstiumCode, KernelCode>, ErrorEntry> = {
  trader_missing: refused('No trader is named', 'INVALID_REQUEST'),
  trader_malformed: refused('The trader’s address is none', 'INVALID_ADDRESS'),
  actions_several: refused('An agent does one action at a time', 'INVALID_REQUEST'),
  order_not_found: refused('There is no such order', 'NOT_FOUND'),
  action_reverts: refused('The chain refuses the action', 'INVALID_ACTION'),
  agent_exists: refused('The trader has an agent', 'INVALID_REQUEST'),
  agent_not_found: refused('The trader has no agent', 'NOT_FOUND'),
  agent_not_pending: refused('The agent was verified', 'INVALID_ACTION'),
  agent_not_verified: refused('The agent was never verified', 'INVALID_ACTION'),
  agents_exhausted: {
    status: 429,
    title: 'Too many agents were made',
    shownAs: 'RATE_LIMIT_EXCEEDED',
    retryAfterS: 600,
  },
  message_unknown: refused('The message is not known', 'INVALID_REQUEST'),
  message_used: refused('The message was used', 'INVALID_REQUEST'),
  message_expired: refused('The message has expired', 'INVALID_REQUEST'),
  message_not_signed: refused('The trader has not signed the message', 'INVALID_REQUEST'),
  delegation_stands: refused('The chain still has the delegation or the allowance', 'INVALID_ACTION'),
  socket_action_unknown: refused('There is no such action', 'INVALID_ACTION'),
  chain_unavailable: unavailable('The chain does not answer'),
  contract_differs: unavailable('The deployed contracts lack a function'),
  delegation_unavailable: unavailable('There is no delegated mode'),
  agent_key_unavailable: unavailable('The agent’s key cannot be opened'),
  action_unknown: unavailable('The outcome of the action is not known yet'),
  sockets_full: unavailable('There are too many sockets'),
  nonce_taken: unavailable('The sponsor’s nonce is taken'),
}

/** `/closes/1/r` → `closes.1.r`; what is wrong with all of the body has no name. */
const pathOf = (pointer: string): string =>
  pointer
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .join('.')

function validationErrors(errors: readonly FieldError[]): Record<string, string[]> {
  const byPath: Record<string, string[]> = {}
  for (const { pointer, detail } of errors) {
    const path = pathOf(pointer)
    byPath[path] = [...(byPath[path] ?? []), detail]
  }
  return byPath
}

export const errorResponse = z
  .object({
    error: z.string(),
    code: z.int(),
    errorCode: errorCode.optional(),
    details: z.looseObject({}).optional(),
  })
  .openapi('ErrorResponse')

export const errors: ErrorTable<OstiumCode> = {
  codes: { ...kernel, ...own },
  help,
  body({ code, status, detail, errors: faults, details }) {
    const isWhole = faults.some(({ pointer }) => pointer === '')
    const inBody = code === 'VALIDATION_ERROR' && !isWhole && faults.length > 0
    const shown = inBody ? { validationErrors: validationErrors(faults) } : details
    const errorCode = code === 'VALIDATION_ERROR' && isWhole ? 'INVALID_REQUEST' : code
    return { error: detail, code: status, errorCode, ...(shown && { details: shown }) }
  },
  schema: errorResponse,
  documented: [401, 500],
}
