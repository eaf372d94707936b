/** What a handler returns that has answered on Node's own objects. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'

/**
 * Node's adapter writes a response of its own kind without looking at its headers, and this constant is one where a server was
 * started before it was made. To read its body makes it an ordinary one, whose mark is seen.
 */
export function alreadySent(): Response {
  void RESPONSE_ALREADY_SENT.body
  return RESPONSE_ALREADY_SENT
}
