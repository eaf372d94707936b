/**
 * From a request to the context of its command: who asks, under which command id, and the fingerprint by which a repeated
 * key is told from a reused one (design, section 8). Where the key stands, the operation declares.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { commandContext } from '../commands/context.ts'
import type { CommandContext } from '../commands/handle.ts'
import { commandIdOf, fingerprintOf } from '../commands/identity.ts'
import type { Actor } from '../events/event.ts'
import { TRACEPARENT } from '../runtime/traceparent.ts'
import { traceparentNow } from '../telemetry.ts'
import { headerCount } from './body.ts'
import type { Sealer } from './cursor.ts'
import type { Exchange, Principal } from './environment.ts'
import { invalid } from './errors.ts'
import type { Caller, HandlerInput, Operation } from './operation.ts'
import type { Validated } from './validation.ts'

/** A member of the body, a header, or what the request itself is about, of which `member` may be a part that clients make up. */
export type KeySource<Request, Facts> =
  | { from: 'body'; member: string }
  | { from: 'header'; name: string; isRequired: boolean; lengthMax: number }
  | { from: 'facts'; member?: string; key: (facts: Facts, fingerprint: object, request: Request) => string }

const USUAL_KEY = 'idempotency-key'
/** As the contracts of two contexts have it. */
const KEY_LENGTH_MAX = 255

export const bodyKey = (member = 'idempotency_key') => ({ from: 'body' as const, member })
export const headerKey = (name = USUAL_KEY, { isRequired = false, lengthMax = KEY_LENGTH_MAX } = {}) => ({
  from: 'header' as const,
  ...{ name, isRequired, lengthMax },
})

/** Names a header that was sent and has no effect: the operation's key stands elsewhere, or it has none. */
export const IGNORED_HEADER = 'x-opslog-ignored-header'

/** Whether an `Idempotency-Key` does nothing for the operation, although it writes. */
export const ignoresKeyHeader = ({ method, commanded: { key } }: Operation): boolean =>
  method !== 'get' && !(key?.from === 'header' && key.name === USUAL_KEY)

/** Says so on the answer, whatever that becomes. */
export function sayIgnoredKey({ headers }: Exchange, sent: string | undefined): void {
  if (sent !== undefined) headers[IGNORED_HEADER] = 'Idempotency-Key'
}

/** What a request is known by, before the handler sees it. */
export interface Asking extends HandlerInput, Validated {
  principal: Principal | undefined
  caller: Caller
  sealer: Sealer
  clock: () => Date
}

const ANYBODY: Actor = { kind: 'system', id: 'anonymous' }

/** Adds `facts` and `command` to what the handler is given. Throws a Problem where the key has no proper form. */
export async function addCommand(
  context: string,
  { id, action = id, commanded }: Operation,
  asking: Asking,
  incoming: IncomingMessage | undefined,
): Promise<void> {
  const { key: source, scope, fingerprint, correlation } = commanded
  const made = commanded.facts?.(asking)
  const facts = made instanceof Promise ? await made : made
  const content = () => {
    if (facts !== undefined || !source) return facts as object
    const member = source.from === 'body' ? source.member : ''
    const { [member]: _, ...body } = (asking.body ?? {}) as Record<string, unknown>
    return { ...asking.params, ...body }
  }
  const digested = fingerprint ? fingerprint(facts, asking) : content()
  const hashed = digested instanceof Promise ? await digested : digested
  const key = source && keyOf(source, facts, hashed, asking, incoming)
  const within = scope?.(asking, facts) ?? ''
  const of = { context, principal: asking.principal, action, scope: within, request: hashed }
  const identity = key === undefined ? undefined : keyedIdentity({ ...of, key })
  asking.facts = facts
  const command = plainCommand(asking, identity?.commandId)
  command.fingerprint = identity?.fingerprint
  command.correlationId = correlation?.(asking, facts, command.commandId) ?? command.requestId
  asking.command = command
}

interface Keyed {
  context: string
  principal: Pick<Principal, 'tenantId' | 'environment'> | undefined
  action: string
  scope: string
  key: string
  request: object
}

/** What a request under a key is known by, whichever way it comes. */
export function keyedIdentity({ context, principal, action, scope, key, request }: Keyed) {
  const { tenantId: operatorId = '', environment = '' } = principal ?? {}
  return {
    commandId: commandIdOf({ context, operatorId, environment, action, scope, key }),
    fingerprint: fingerprintOf({ action, scope, request }),
  }
}

/** The context of a command that has no key: each sending of it is decided on its own. */
export function plainCommand(
  { principal, caller, clock }: Pick<Asking, 'principal' | 'clock'> & { caller: Pick<Caller, 'requestId' | 'header'> },
  commandId: string = randomUUID(),
): CommandContext {
  const { requestId } = caller
  const sent = caller.header('traceparent')
  const traceparent = traceparentNow() ?? (sent !== undefined && TRACEPARENT.test(sent) ? sent : undefined)
  return commandContext(principal?.actor ?? ANYBODY, commandId, clock().toISOString(), { requestId, traceparent })
}

function keyOf(
  source: KeySource<unknown, unknown>,
  facts: unknown,
  hashed: object,
  asking: Asking,
  incoming: IncomingMessage | undefined,
): string | undefined {
  switch (source.from) {
    case 'body':
      return idempotencyKey((asking.body as Record<string, string>)[source.member] ?? '', `/${source.member}`)
    case 'facts':
      return source.key(facts, hashed, asking)
    case 'header': {
      const { name, lengthMax } = source
      // Node joins equal headers by commas, and a key may have one.
      if (headerCount(incoming, name) > 1)
        throw invalid(`header/${name}`, 'repeated', `The header ${name} must be sent once.`)
      const key = asking.caller.header(name)
      if (key === undefined && source.isRequired)
        throw invalid(`header/${name}`, 'required', `Send the header ${name}.`)
      return key === undefined ? undefined : idempotencyKey(key, `header/${name}`, lengthMax)
    }
    default:
      return source satisfies never
  }
}

/** The trace that a request belongs to, by W3C Trace Context; null where the caller named none. */
export const traceIdOf = ({ traceparent }: { traceparent: string | undefined }): string | null =>
  traceparent?.split('-')[1] ?? null

/** The key as it was sent: visible characters, none of them white space. Throws a Problem that names the place. */
export function idempotencyKey(key: string, place = '/idempotency_key', lengthMax = KEY_LENGTH_MAX): string {
  if (key.length <= 2 * lengthMax && [...key].length <= lengthMax && /^[^\s\p{C}]+$/u.test(key)) return key
  throw invalid(place, 'invalid_format', `An idempotency key has 1 to ${lengthMax} visible characters.`)
}
