/**
 * Bounds on what one client address and one connection may take of the server, so that the others keep their share. Node
 * itself bounds neither how many connections an address opens nor how many requests stand unanswered on one of them.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from './client-address.ts'
import type { Turns } from './turns.ts'

/** Closes each connection of a client address beyond `perAddressMax` as soon as it is open. */
export function limitConnections(server: Server, perAddressMax: number): void {
  const open = new Map<string, number>()
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? 'unknown')
    const count = (open.get(network) ?? 0) + 1
    open.set(network, count)
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1
      if (left > 0) open.set(network, left)
      else open.delete(network)
    })
    if (count > perAddressMax) socket.destroy()
  })
}

/**
 * Ends each connection on which nothing has moved for `idleMs`, unless its client waits for an answer of ours and has taken
 * all there is: who does not read would have us keep answers for ever.
 */
export function closeStalled(server: Server, idleMs: number, isAwaited: (socket: Socket) => boolean): void {
  server.timeout = idleMs
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0 || !isAwaited(socket)) socket.destroy()
  })
}

interface Pipeline {
  waiting: number
  isFull: boolean
  /** Requests that came when it was full. */
  beyond: number
}

/**
 * Who sends as many times more than a connection takes is no client that reads answers: the connection ends at once. Each
 * request that was read is an object until its connection closes.
 */
const FLOOD_TIMES = 4

export interface Taking {
  /** Requests of one connection that wait for their answers. */
  pipelinedMax: number
  /** Whose share a request is of. */
  callerOf: (request: IncomingMessage) => string
  turns: Turns
  /** Sees each request that is taken, before its turn comes. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void
}

/**
 * Hands requests to the listener of before, each in its caller's turn; of one connection at most `pipelinedMax` ahead of
 * their answers. Where more come, nothing more is read, and the connection closes after those answers; the client sends
 * the rest again on another (RFC 9112, section 9.3.2). A flood ends it at once. Who has too many waiting gets 503.
 */
export function takeInTurns(server: Server, { pipelinedMax, callerOf, turns, onRequest }: Taking): void {
  const pipelines = new WeakMap<Socket, Pipeline>()
  const [answer] = server.listeners('request') as RequestListener[]
  if (!answer) throw new Error('nothing answers the server’s requests')
  const take: RequestListener = (request, response) => {
    const { socket } = request
    const known = pipelines.get(socket)
    const pipeline = known ?? { waiting: 0, isFull: false, beyond: 0 }
    if (!known) pipelines.set(socket, pipeline)
    if (pipeline.isFull) {
      pipeline.beyond += 1
      if (pipeline.beyond === 1) stopReading(socket)
      if (pipeline.beyond === FLOOD_TIMES * pipelinedMax) socket.destroy()
      return
    }
    pipeline.waiting += 1
    pipeline.isFull = pipeline.waiting >= pipelinedMax
    if (pipeline.isFull) response.setHeader('connection', 'close')
    response.once('close', () => (pipeline.waiting -= 1))
    onRequest(request, response)
    const isTaken = turns.take(callerOf(request), () => {
      // Its client may have gone while it waited.
      if (!response.destroyed) answer(request, response)
    })
    if (!isTaken) response.writeHead(503, { connection: 'close', 'retry-after': '1', 'content-length': '0' }).end()
  }
  server.removeAllListeners('request').on('request', take)
  // The body is asked for where it is read (body.ts), and not before the request is known to be allowed.
  server.on('checkContinue', take)
}

/** For good: Node itself reads on as soon as one of the answers has left. What has been read is still taken apart. */
function stopReading(socket: Socket): void {
  socket.pause()
  socket.resume = () => socket
}
