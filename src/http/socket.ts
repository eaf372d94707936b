/** WebSockets: what a handler is given of one, and the library behind it (ws, by way of the adapter of Hono). */

import { upgradeWebSocket } from '@hono/node-server'
import type { Context } from 'hono'
import type { WSContext } from 'hono/ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Log } from '../log.ts'
import type { AppEnv, Exchange } from './environment.ts'
import { Problem } from './errors.ts'

/** The server's end of a connection. */
export interface ServerSocket {
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(code?: number, reason?: string): void
  /** Bytes that wait for the client. A sender of an endless stream checks this first. */
  bufferedBytes(): number
}

/** What a handler answers an upgrade with. Each is called with the connection that it is about. */
export interface SocketHandlers {
  onOpen?: (socket: ServerSocket) => void
  onMessage?: (data: string | ArrayBuffer, socket: ServerSocket) => void
  onClose?: (code: number) => void
}

/** Of one message from a client; a longer one ends its connection with code 1009. */
export const SOCKET_MESSAGE_MAX_BYTES = 65_536

export const createSocketServer = () =>
  new WebSocketServer({ noServer: true, maxPayload: SOCKET_MESSAGE_MAX_BYTES, perMessageDeflate: false })

/** Throws a Problem (426) where the request asks for no WebSocket. */
export function requireUpgrade(c: Context<AppEnv>): void {
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') return
  throw new Problem('upgrade_required', 'This address must be opened as a WebSocket.', {
    headers: { upgrade: 'websocket', connection: 'upgrade' },
  })
}

export async function openSocket(
  c: Context<AppEnv>,
  exchange: Exchange,
  handlers: SocketHandlers,
  log: Log,
): Promise<Response> {
  const { onOpen, onMessage, onClose } = handlers
  const failed = (err: unknown) => log.error({ requestId: exchange.requestId, err }, 'a socket failed')
  const ends = new WeakMap<WSContext, ServerSocket>()
  const endOf = (connection: WSContext): ServerSocket => {
    const known = ends.get(connection)
    if (known) return known
    const end: ServerSocket = {
      send: (data) => connection.send(data),
      close: (code, reason) => connection.close(code, reason),
      bufferedBytes: () => (connection.raw as WebSocket | undefined)?.bufferedAmount ?? 0,
    }
    ends.set(connection, end)
    return end
  }
  const opened = await upgradeWebSocket(
    c as unknown as Context,
    {
      onOpen: (_, connection) => onOpen?.(endOf(connection)),
      onMessage: ({ data }, connection) => onMessage?.(data as string | ArrayBuffer, endOf(connection)),
      onClose: ({ code }) => onClose?.(code),
    },
    { onError: failed },
  )
  exchange.status = 101
  const response = new Response(null, { headers: exchange.headers })
  exchange.answer = opened instanceof Response && opened.ok ? response : undefined
  return exchange.answer ?? new Response(null, { status: 500 })
}
