/** The local market's prices over a WebSocket on loopback: each tick is a JSON text, and who connects gets the last of each pair. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { maybeOwnUser } from '../../runtime/own-user.ts'
import { loopbackHost } from '../ports.ts'
import type { LocalPrices, Tick } from './prices.ts'

export interface PriceServer {
  /** `ws://127.0.0.1:40123` */
  url: string
  close(): Promise<void>
}

/** Who reads slower than the prices come is let go: a line of old prices helps nobody. */
const UNREAD_MAX_BYTES = 262_144
/** Nothing is asked of clients. */
const MESSAGE_MAX_BYTES = 1_024

export async function servePrices(prices: LocalPrices): Promise<PriceServer> {
  const server = new WebSocketServer({
    ...{ host: loopbackHost, port: 0, maxPayload: MESSAGE_MAX_BYTES, perMessageDeflate: false },
    verifyClient: ({ req }: { req: IncomingMessage }) => maybeOwnUser(req.socket),
  })
  server.on('connection', (socket) => {
    socket.on('error', () => socket.terminate())
    for (const tick of prices.latest()) socket.send(JSON.stringify(tick))
  })
  const unsubscribe = prices.subscribe((tick) => sendToAll(server, tick))
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://${loopbackHost}:${port}`,
    async close() {
      unsubscribe()
      for (const socket of server.clients) socket.terminate()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function sendToAll(server: WebSocketServer, tick: Tick): void {
  const text = JSON.stringify(tick)
  for (const socket of server.clients) {
    if (socket.bufferedAmount > UNREAD_MAX_BYTES) socket.terminate()
    else if (socket.readyState === WebSocket.OPEN) socket.send(text)
  }
}
