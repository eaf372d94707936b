/** The socket side of the API: bounds on what a connection may take, and a stop that lets requests under way finish. */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createAdaptorServer, type WebSocketServerLike } from '@hono/node-server'
import { createDeadlines, type Deadlines } from '../runtime/deadlines.ts'
import { createInFlightList } from '../runtime/in-flight.ts'
import { addressOf } from './client-address.ts'
import { closeStalled, limitConnections, takeInTurns } from './connections.ts'
import { createSocketServer, type Liveness } from './socket.ts'
import { type Caller, createTurns, defaultTurnLimits, type Turns } from './turns.ts'

export const defaultServerOptions = {
  headersTimeoutMs: 10_000,
  /** For the whole request to arrive, unless it is a transfer. */
  requestTimeoutMs: 30_000,
  /** Requests whose body may take longer: files come at the pace of their sender. */
  isTransfer: (_path: string): boolean => false,
  /** For such a request to arrive. */
  transferTimeoutMs: 1_800_000,
  keepAliveTimeoutMs: 30_000,
  /** For a client that takes nothing of its answer. */
  stallTimeoutMs: 30_000,
  headersMaxBytes: 16_384,
  connectionsMax: 10_000,
  /** Of one client address; infinity where all come from a proxy. */
  connectionsPerAddressMax: 2_000,
  /** Requests of one connection that wait for their answers; and of one caller, those that stand behind another. */
  pipelinedMax: 32,
  pipelinedPerCallerMax: 512,
  /** Of WebSockets. */
  sockets: { pingIntervalMs: 30_000, pongMaxMs: 10_000 } satisfies Liveness,
  /** Whose share of the process a request is of. */
  callerOf: (request: IncomingMessage): Caller => ({ name: addressOf(request, false), isKnown: false }),
}
export type ServerOptions = typeof defaultServerOptions & {
  fetch: Parameters<typeof createAdaptorServer>[0]['fetch']
  host: string
  /** 0 takes a free one. */
  port: number
  /** Default: its own. */
  turns?: Turns
}

/** Connections that wait to be taken while others are opened by the thousand; the system may allow fewer. */
const BACKLOG = 4_096

/** Close code of a WebSocket whose server stops (RFC 6455). */
const GOING_AWAY = 1001

export interface RunningServer {
  port: number
  /**
   * Takes no new connection, closes idle ones, lets requests under way finish for at most `graceMs`, then cuts them off.
   */
  stop(graceMs: number): Promise<void>
}

/** Listens. Rejects with the system's error where the port cannot be taken (`code` EADDRINUSE, EACCES). */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  let stopping = false
  const sockets = createSocketServer(options.sockets)
  const server = createAdaptorServer({
    fetch: options.fetch,
    websocket: { server: sockets as unknown as WebSocketServerLike },
    serverOptions: {
      // Any other upgrade is an ordinary request: nobody would answer it.
      shouldUpgradeCallback: ({ headers }) => headers.upgrade?.toLowerCase() === 'websocket',
      maxHeaderSize: options.headersMaxBytes,
      headersTimeout: options.headersTimeoutMs,
      requestTimeout: Math.max(options.transferTimeoutMs, options.requestTimeoutMs),
      keepAliveTimeout: options.keepAliveTimeoutMs,
      // How often overdue connections are looked for.
      connectionsCheckingInterval: 1_000,
    },
  }) as Server
  server.maxConnections = options.connectionsMax
  const underWay = createInFlightList<ServerResponse>()
  const deadlines = createDeadlines(options.requestTimeoutMs)
  limitConnections(server, options.connectionsPerAddressMax)
  const isAwaited = (socket: Socket) => underWay.items().some((response) => response.socket === socket)
  closeStalled(server, options.stallTimeoutMs, isAwaited)
  takeInTurns(server, {
    ...options,
    isAnswering: (socket) => underWay.items().some((response) => response.socket === socket && response.headersSent),
    turns: options.turns ?? createTurns(defaultTurnLimits),
    onRequest(request, response) {
      if (stopping) response.setHeader('connection', 'close')
      if (!options.isTransfer(request.url ?? '')) endLate(request, deadlines)
      response.once('close', underWay.add(response))
    },
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port: options.port, host: options.host, backlog: BACKLOG }, resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return {
    port: address.port,
    async stop(graceMs) {
      stopping = true
      for (const response of underWay.items()) if (!response.headersSent) response.setHeader('connection', 'close')
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      for (const socket of sockets.clients) socket.close(GOING_AWAY)
      const cutOff = setTimeout(() => {
        for (const socket of sockets.clients) socket.terminate()
        server.closeAllConnections()
      }, graceMs)
      await closed
      clearTimeout(cutOff)
    },
  }
}

/** Node has one time limit for all requests: that of a body is kept here. Answers with 408, as Node does. */
function endLate(request: IncomingMessage, deadlines: Deadlines): void {
  const { 'content-length': length = '0', 'transfer-encoding': encoding } = request.headers
  if (length === '0' && encoding === undefined) return
  const { socket } = request
  const answer = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'
  const inTime = deadlines.start(() => socket.end(answer, () => socket.destroy()))
  for (const event of ['end', 'close']) request.once(event, inTime)
}
