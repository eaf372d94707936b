/** What a handler returns that has answered on Node's own objects. */
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'

/**
 * Node's adapter writes a response of its own kind without looking at its headers, and this constant is one where a server was
 * started before it was made. A copy is an ordinary one, whose mark is seen, and each answer has headers of its own.
 */
export const alreadySent = (): Response => RESPONSE_ALREADY_SENT.clone()
