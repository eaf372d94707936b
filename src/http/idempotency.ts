/**
 * From a request to the context of its command: who asks, under which command id, and the fingerprint by which a repeated
 * key is told from a reused one (design, section 4).
 */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import type { CommandContext } from '../commands/handle.ts'
import { commandIdOf, fingerprintOf } from '../commands/identity.ts'
import type { AppEnv } from './environment.ts'
import { invalid } from './problem.ts'

export interface IdempotentRequest {
  context: string
  /** The operation: `closeAllPositions`. */
  action: string
  /** What the key is unique within; '' for the operator as a whole. */
  scope: string
  key: string
  /** The request in canonical form: everything that decides what it does, and nothing else. */
  request: Readonly<Record<string, unknown>>
}

export interface Asked {
  at: string
  /** The caller's own id for what this belongs to, where it has one. */
  correlationId?: string | null | undefined
}

/** The context of a command that may be sent again under its key, and is then answered as it was the first time. */
export function idempotentCommand(
  c: Context<AppEnv>,
  { context, action, scope, key, request }: IdempotentRequest,
  asked: Asked,
) {
  const { operatorId, environment } = c.get('principal')
  const commandId = commandIdOf({ context, operatorId, environment, action, scope, key })
  return commandContext(c, commandId, fingerprintOf({ action, scope, request }), asked)
}

/** The context of a command that has no key: each sending of it is decided on its own. */
export const plainCommand = (c: Context<AppEnv>, asked: Asked): CommandContext =>
  commandContext(c, randomUUID(), undefined, asked)

/** W3C Trace Context, version 00. */
const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/

function commandContext(
  c: Context<AppEnv>,
  commandId: string,
  fingerprint: string | undefined,
  { at, correlationId }: Asked,
): CommandContext {
  const { operatorId, keyId } = c.get('principal')
  const requestId = c.get('requestId')
  const traceparent = c.req.header('traceparent')
  return {
    commandId,
    fingerprint,
    actor: { kind: 'operator', id: operatorId, keyId },
    requestId,
    correlationId: correlationId ?? requestId,
    traceparent: traceparent !== undefined && TRACEPARENT.test(traceparent) ? traceparent : undefined,
    at,
  }
}

/** The trace that a request belongs to, by W3C Trace Context; null where the caller named none. */
export const traceIdOf = ({ traceparent }: { traceparent: string | undefined }): string | null =>
  traceparent?.split('-')[1] ?? null

/** Says on the answer that it is the one given before. */
export function markReplay(c: Context<AppEnv>, { replayed }: { replayed: boolean }): void {
  if (replayed) c.header('idempotency-replayed', 'true')
}

const IDEMPOTENCY_KEY = /^[^\s\p{C}]{1,255}$/u

/** The key as it was sent: 1 to 255 visible characters, none of them white space. Throws a Problem that names the field. */
export function idempotencyKey(key: string): string {
  if (IDEMPOTENCY_KEY.test(key)) return key
  throw invalid('/idempotency_key', 'invalid_format', 'An idempotency key has 1 to 255 visible characters.')
}
