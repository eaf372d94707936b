/**
 * An operation of the API, done for somebody who uses the console: the same validation, rules and commands, without a
 * request of its own. So what a page does is what the API does, and goes on record alike.
 */
import type { CommandContext } from '../../commands/handle.ts'
import { requireScopes } from '../access.ts'
import type { Reply } from '../answers.ts'
import { type Asking, addCommand } from '../command.ts'
import type { Principal } from '../environment.ts'
import type { CoreParts, HandlerInput, Operation } from '../operation.ts'
import { bodySpecOf, fitting } from '../validation.ts'
import type { Asked } from './declaration.ts'

/** Parts of the request, as a client would send them. */
export interface Sent {
  params?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, string>>
  headers?: Readonly<Record<string, string>>
  body?: unknown
}

/** How long an action waits until the read models show what it did. */
const SHOWN_WAIT_MS = 2_000

/**
 * Answers with the operation's body, once the read models show what it did. `principal`: who asks, as the context knows
 * callers. Throws what the operation would refuse with.
 */
export async function callOperation<Parts extends CoreParts>(
  context: string,
  operation: Operation<Parts>,
  asked: Pick<Asked<Parts>, 'parts' | 'caller' | 'sealer' | 'now'>,
  principal: Principal,
  { params = {}, query = {}, headers = {}, body }: Sent,
): Promise<{ status: number; body: Record<string, unknown>; commandId: string | undefined }> {
  const { parts, caller, sealer, now } = asked
  for (const { scopes } of operation.access.alternatives.slice(0, 1)) requireScopes(principal.scopes, scopes)
  const spec = bodySpecOf(operation.body)
  const asking: Asking & HandlerInput = {
    ...parts,
    params: operation.params ? (fitting('params', operation.params, params) as object) : {},
    query: operation.query ? (fitting('query', operation.query, query) as object) : {},
    headers: operation.headers ? (fitting('headers', operation.headers, headers) as object) : {},
    cookies: {},
    body: spec?.kind === 'json' && body !== undefined ? fitting('body', spec.schema, body) : body,
    ...{ principal, caller, sealer, clock: () => now },
  }
  if (operation.isCommand) await addCommand(context, operation as Operation, asking, undefined)
  const reply = (await operation.handle(asking)) as Reply
  const position = reply.handled?.position
  if (position !== undefined) await parts.waiter.waitFor(position, SHOWN_WAIT_MS)
  const { commandId } = (asking.command ?? {}) as Partial<CommandContext>
  return { status: reply.status, body: (reply.body ?? {}) as Record<string, unknown>, commandId }
}
