/** What a handler returns that has answered on Node's own objects. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Exchange } from './environment.ts'

/**
 * Node's adapter writes a response of its own kind without looking at its headers, and this constant is one where a server was
 * started before it was made. A copy is an ordinary one, whose mark is seen. Nobody adds headers to it, as it is the exchange's
 * own answer, so one copy serves all.
 */
export function alreadySent(exchange: Pick<Exchange, 'answer'>): Response {
  sent ??= RESPONSE_ALREADY_SENT.clone()
  exchange.answer = sent
  return sent
}
let sent: Response | undefined
