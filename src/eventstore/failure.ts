/** What the errors mean that db-client and grpc-js reject with. */
import { SilentStore } from './connection.ts'

/**
 * `away`: the store cannot be reached, says nothing, or has ended the call because it is going. `denied`: it does not let
 * this user do it. `deleted`: the stream was deleted for good. `unknownPosition`: a read of $all began at a position that no
 * event has. EventStoreDB has no name for the last one and says the same about other faults: ask again before you act.
 */
export type FailureKind = 'away' | 'denied' | 'deleted' | 'unknownPosition' | 'other'

export interface Failure {
  kind: FailureKind
  /** In words, whatever the error is: grpc-js has errors whose message is empty or a bare colon. */
  reason: string
}

export const failureOf = (error: unknown): Failure => ({ kind: kindOf(error), reason: reasonOf(error) })

/** gRPC's status codes (grpc/grpc, doc/statuscodes.md) that decide something here. */
const UNKNOWN = 2
const FAILED_PRECONDITION = 9
const AWAY = [/* CANCELLED */ 1, /* DEADLINE_EXCEEDED */ 4, /* UNAVAILABLE */ 14]
const DENIED = [/* PERMISSION_DENIED */ 7, /* UNAUTHENTICATED */ 16]

function kindOf(error: unknown): FailureKind {
  const { code = -1 } = (error ?? {}) as { code?: number }
  const message = error instanceof Error ? error.message : ''
  if (DENIED.includes(code)) return 'denied'
  if (code === FAILED_PRECONDITION && /deleted/.test(message)) return 'deleted'
  if (code === UNKNOWN && /ReadAllResult|Exception was thrown/.test(message)) return 'unknownPosition'
  const isAway =
    AWAY.includes(code) || error instanceof SilentStore || /UNAVAILABLE|Failed to (discover|connect)/i.test(message)
  return isAway ? 'away' : 'other'
}

function reasonOf(error: unknown): string {
  const { message, details, name } = (error ?? {}) as { message?: unknown; details?: unknown; name?: unknown }
  for (const text of typeof error === 'string' ? [error] : [message, details]) {
    const words = String(text ?? '').replace(/[\s:]+$/, '')
    if (/[A-Za-z]/.test(words)) return words
  }
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map(reasonOf).join('; ')
  const cause = error instanceof Error ? error.cause : undefined
  if (cause !== undefined) return reasonOf(cause)
  const code = (error as { code?: unknown } | undefined)?.code
  return code === undefined ? `${String(name ?? 'error')} without a reason` : `${String(name ?? 'error')} ${code}`
}

/**
 * True for errors that db-client 6.2.1 lets escape outside any call: the write of a message on a broken connection
 * (Client-NodeJS issue 523). The caller that waits for the message does its work again, so the process need not end.
 */
export function escapedFromClient(error: unknown): boolean {
  return error instanceof Error && /[\\/]@eventstore[\\/]db-client[\\/]/.test(error.stack ?? '')
}
