/**
 * Why ostium's commands are refused. `Rejected` here takes these codes alone, so that one without an entry in the error
 * table (http/ostium/errors.ts) does not compile.
 */
import { type KernelRejectionCode, Rejected as Rejection } from '../rejection.ts'

export type RejectionCode =
  | KernelRejectionCode
  /** The trader has one, pending or verified. */
  | 'agent_exists'
  | 'agent_not_found'
  /** It was verified: it is revoked, not cancelled. */
  | 'agent_not_pending'
  /** It never was: it is cancelled, not revoked. */
  | 'agent_not_verified'
  /** As many were made within the hour as may be. */
  | 'agents_exhausted'
  | 'message_unknown'
  | 'message_used'
  /** Another process has taken the sponsor's nonce. */
  | 'nonce_taken'

/** A broken rule that nobody needs to remember. */
export const Rejected: new (code: RejectionCode, detail: string, pointer?: string) => Rejection<RejectionCode> =
  Rejection
