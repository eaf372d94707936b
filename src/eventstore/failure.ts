/** What the errors mean that db-client and grpc-js reject with. */

/** gRPC's status codes (grpc/grpc, doc/statuscodes.md), as far as they decide something here. */
const CANCELLED = 1
const UNKNOWN = 2
const DEADLINE_EXCEEDED = 4
const PERMISSION_DENIED = 7
const FAILED_PRECONDITION = 9
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16

const codeOf = (error: unknown): number | undefined => (error as { code?: number } | undefined)?.code

/** The store cannot be reached, or has ended the call because it is going: gRPC says so, or no node was found. */
export const isAway = (error: unknown): boolean =>
  [CANCELLED, DEADLINE_EXCEEDED, UNAVAILABLE].includes(codeOf(error) ?? -1) ||
  (error instanceof Error && /UNAVAILABLE|Failed to (discover|connect)/i.test(error.message))

/** The store lets this user not do it. */
export const isDenied = (error: unknown): boolean => [PERMISSION_DENIED, UNAUTHENTICATED].includes(codeOf(error) ?? -1)

/** The stream was deleted for good. */
export const isDeleted = (error: unknown): boolean =>
  codeOf(error) === FAILED_PRECONDITION && error instanceof Error && /deleted/.test(error.message)

/**
 * EventStoreDB's answer to a read of $all from a position that no event has. It has no name for it, and says the same to
 * other faults of a read: ask again before you decide on it.
 */
export const isUnknownPosition = (error: unknown): boolean =>
  codeOf(error) === UNKNOWN && error instanceof Error && /ReadAllResult|Exception was thrown/.test(error.message)

/** An error's reason in words, whatever it is: grpc-js has errors whose message is empty or a bare colon. */
export function reasonOf(error: unknown): string {
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
 * (Client-NodeJS issue 523). What it was to do is done again by whoever waits for it; the process need not end.
 */
export function escapedFromClient(error: unknown): boolean {
  return error instanceof Error && /[\\/]@eventstore[\\/]db-client[\\/]/.test(error.stack ?? '')
}
