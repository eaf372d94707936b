/**
 * Why a command is refused. Domain code throws a Rejected with one of these codes and never knows a status number;
 * http/problem.ts maps each code to its status, and the compiler sees to it that none is forgotten.
 */
export const rejectionCodes = [
  /** The key was used before, for a request with other facts. */
  'idempotency_key_reused',
  /** The stream kept moving while the command was decided; nothing was written. */
  'concurrent_change',
  'operator_not_found',
  'operator_slug_taken',
  'operator_already_exists',
  'operator_terminated',
  'api_key_not_found',
  'user_not_found',
  'product_not_found',
  'account_not_found',
  /** The external account id stands for an account with other facts. */
  'account_facts_differ',
  'account_closed',
  'invalid_amount',
  'invalid_currency',
  'status_not_settable',
  'kyc_report_invalid',
] as const

export type RejectionCode = (typeof rejectionCodes)[number]

/** A broken rule that nobody needs to remember. `detail` is a sentence for the caller; `pointer` names the field. */
export class Rejected extends Error {
  override name = 'Rejected'
  readonly code: RejectionCode
  readonly pointer: string | undefined
  constructor(code: RejectionCode, detail: string, pointer?: string) {
    super(detail)
    this.code = code
    this.pointer = pointer
  }
}
