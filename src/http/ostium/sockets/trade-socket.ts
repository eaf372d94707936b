/**
 * GET /v1/exchange/ws: what traders do on exchange, over one connection. Replies come in the order of the messages.
 * Builds go on side by side, what agents do one at a time; who sends faster than that is not read any further.
 */
import { randomUUID } from 'node:crypto'
import { publicAccess } from '../../access.ts'
import { upgrade } from '../../answers.ts'
import { createWindow, refuseBeyond } from '../../rate-limit.ts'
import type { ServerSocket, SocketHandlers } from '../../socket.ts'
import { type OstiumParts, operation } from '../access.ts'
import { type Connection, messageOf, type Reply } from './answer-message.ts'
import { createTurns } from './turns.ts'

/** Messages of a connection that wait for their turn. */
const WAITING_MAX = 100

export const exchangeWebSocket = operation({
  ...{ method: 'get', path: '/v1/exchange/ws', id: 'exchangeWebSocket', access: publicAccess, tags: ['Trading'] },
  isRead: true,
  summary: 'Trade over a WebSocket',
  description: [
    'A message is `{"id", "action", "headers", "payload"}`: `open`, `close`, `cancel`, `modify` and `margin` take the body of the POST of that name, with the same headers; `health` takes neither. The reply is `{"id", "ok": true, "data"}`, or `{"id", "ok": false, "error": {"message", "code", "errorCode", "details"}}`.',
    'Replies come in the order of the messages. What comes with an `X-API-Key` or an `Idempotency-Key` waits for what came before it. A connection has as many messages a minute as an address has requests.',
  ].join('\n\n'),
  answers: { 101: upgrade('The socket.') },
  refuses: ['sockets_full'],
  async handle({ caller, ...given }) {
    const parts = given as unknown as OstiumParts
    const address = caller.address()
    parts.sockets.requirePlace(address)
    return { status: 101, socket: tradeSocket(parts, address) }
  },
})

export function tradeSocket(parts: OstiumParts, address: string): SocketHandlers {
  const { requestsPerMinuteMax, socketBuildsAtOnceMax } = parts.limits
  const used = createWindow({ keysMax: 1, nowMs: () => performance.now() })
  const connection: Connection = { id: randomUUID(), address }
  let client: ServerSocket | undefined
  let isPaused = false
  let leave: () => void = () => undefined

  const turns = createTurns<Reply>(socketBuildsAtOnceMax, (reply) => {
    client?.send(JSON.stringify(reply))
    if (!isPaused || turns.waiting() >= WAITING_MAX / 2) return
    isPaused = false
    client?.resume()
  })

  return {
    onOpen(socket) {
      client = socket
      leave = parts.sockets.enter(address)
    },
    onMessage(data, socket) {
      const counted = used.add('')
      const refusal = refuseBeyond(
        requestsPerMinuteMax,
        counted,
        `A connection may send ${requestsPerMinuteMax} messages a minute.`,
      )
      turns.add(messageOf(parts, connection, data, refusal))
      if (turns.waiting() < WAITING_MAX || isPaused) return
      isPaused = true
      socket.pause()
    },
    onClose() {
      turns.stop()
      leave()
    },
  }
}
