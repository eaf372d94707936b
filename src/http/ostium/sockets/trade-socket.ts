/**
 * GET /v1/exchange/ws: what traders do on exchange, over one connection. Replies come in the order of the messages, one at a
 * time; who sends faster than that is not read any further.
 */
import { randomUUID } from 'node:crypto'
import { publicAccess } from '../../access.ts'
import { upgrade } from '../../answers.ts'
import { createWindow, refuseBeyond } from '../../rate-limit.ts'
import type { ServerSocket, SocketHandlers } from '../../socket.ts'
import { type OstiumParts, operation } from '../access.ts'
import { answerMessage, type Connection, refusalOf } from './answer-message.ts'

/** Messages of a connection that wait for their turn. */
const WAITING_MAX = 100

export const exchangeWebSocket = operation({
  ...{ method: 'get', path: '/v1/exchange/ws', id: 'exchangeWebSocket', access: publicAccess, tags: ['Trading'] },
  isRead: true,
  summary: 'Trade over a WebSocket',
  description: [
    'A message is `{"id", "action", "headers", "payload"}`: `open`, `close`, `cancel`, `modify` and `margin` take the body of the POST of that name, with the same headers; `health` takes neither. The reply is `{"id", "ok": true, "data"}`, or `{"id", "ok": false, "error": {"message", "code", "errorCode", "details"}}`.',
    'Replies come in the order of the messages. A connection has as many messages a minute as an address has requests.',
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
  const { requestsPerMinuteMax } = parts.limits
  const used = createWindow({ keysMax: 1, nowMs: () => performance.now() })
  const connection: Connection = { id: randomUUID(), address }
  const waiting: (() => Promise<object>)[] = []
  let [isOpen, isBusy, isPaused] = [true, false, false]
  let leave: () => void = () => undefined

  async function work(socket: ServerSocket): Promise<void> {
    isBusy = true
    for (let next = waiting.shift(); next && isOpen; next = waiting.shift()) {
      const reply = await next()
      if (isOpen) socket.send(JSON.stringify(reply))
      if (isPaused && waiting.length < WAITING_MAX / 2) {
        isPaused = false
        socket.resume()
      }
    }
    isBusy = false
  }

  return {
    onOpen() {
      leave = parts.sockets.enter(address)
    },
    onMessage(data, socket) {
      const counted = used.add('')
      const refusal = refuseBeyond(
        requestsPerMinuteMax,
        counted,
        `A connection may send ${requestsPerMinuteMax} messages a minute.`,
      )
      waiting.push(refusal ? async () => refusalOf(data, refusal) : () => answerMessage(parts, connection, data))
      if (waiting.length >= WAITING_MAX && !isPaused) {
        isPaused = true
        socket.pause()
      }
      if (!isBusy) void work(socket)
    },
    onClose() {
      isOpen = false
      leave()
    },
  }
}
