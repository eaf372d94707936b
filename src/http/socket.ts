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
  /** `isText`: the bytes are text, encoded once for all who get them. */
  send(data: string | Uint8Array<ArrayBuffer>, isText?: boolean): void
  close(code?: number, reason?: string): void
  /** Cuts the connection, without a word and without waiting for what is on its way. */
  terminate(): void
  /** Bytes that wait for the client. A sender of an endless stream checks this first. */
  bufferedBytes(): number
  /** Reads no more from the connection, until `resume`: whoever sends has to wait. What was read already still comes. */
  pause(): void
  resume(): void
}

/** What a handler answers an upgrade with. Each is called with the connection that it is about. */
export interface SocketHandlers {
  onOpen?: (socket: ServerSocket) => void
  onMessage?: (data: string | ArrayBuffer, socket: ServerSocket) => void
  onClose?: (code: number) => void
}

/** Of one message from a client; a longer one ends its connection with code 1009. */
export const SOCKET_MESSAGE_MAX_BYTES = 65_536

/** How often a connection is asked whether it is still there, and how long it may take to say so. */
export interface Liveness {
  pingIntervalMs: number
  pongMaxMs: number
}

export function createSocketServer(liveness: Liveness): WebSocketServer {
  const options = { noServer: true, maxPayload: SOCKET_MESSAGE_MAX_BYTES, perMessageDeflate: false }
  return new WebSocketServer(options).on('connection', (socket) => keepAlive(socket, liveness))
}

/** Cuts off a connection whose client has gone without a word. */
function keepAlive(socket: WebSocket, { pingIntervalMs, pongMaxMs }: Liveness): void {
  let late: NodeJS.Timeout | undefined
  const settle = () => {
    clearTimeout(late)
    late = undefined
  }
  const asking = setInterval(() => {
    // What is not read now may hold the answer.
    if (socket.isPaused || socket.readyState !== socket.OPEN) return
    socket.ping()
    late ??= setTimeout(() => socket.terminate(), pongMaxMs)
  }, pingIntervalMs)
  socket.on('pong', settle).once('close', () => {
    clearInterval(asking)
    settle()
  })
}

const HANDSHAKE_KEY = /^[+/0-9A-Za-z]{22}==$/

/** Throws a Problem where the request asks for no WebSocket (426), or where its handshake cannot be answered (400). */
export function requireUpgrade(c: Context<AppEnv>): void {
  if (c.req.header('upgrade')?.toLowerCase() === 'websocket') {
    const isRight = ['8', '13'].includes(c.req.header('sec-websocket-version') ?? '')
    if (isRight && HANDSHAKE_KEY.test(c.req.header('sec-websocket-key') ?? '')) return
    throw new Problem('upgrade_failed', 'The handshake of the WebSocket lacks its key or its version.')
  }
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
    const raw = connection.raw as WebSocket | undefined
    const end: ServerSocket = {
      send: (data, isText) => (isText ? raw?.send(data, { binary: false }) : connection.send(data)),
      close: (code, reason) => connection.close(code, reason),
      terminate: () => raw?.terminate(),
      bufferedBytes: () => raw?.bufferedAmount ?? 0,
      pause: () => raw?.pause(),
      resume: () => raw?.resume(),
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
