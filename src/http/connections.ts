/**
 * Bounds on what one client address and one connection may take of the server, so that the others keep their share. Node
 * itself bounds neither how many connections an address opens nor how many requests stand unanswered on one of them.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { networkOf } from './client-address.ts'

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
}

/**
 * Hands requests to the listener of before, of one connection at most `pipelinedMax` ahead of their answers. Where more
 * come, the connection closes after those answers; the client sends the rest again on another (RFC 9112, section 9.3.2).
 * `onRequest` sees each request that is handed on.
 */
export function limitPipelining(
  server: Server,
  pipelinedMax: number,
  onRequest: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const pipelines = new WeakMap<Socket, Pipeline>()
  const [answer] = server.listeners('request') as RequestListener[]
  if (!answer) throw new Error('nothing answers the server’s requests')
  const take: RequestListener = (request, response) => {
    const { socket } = request
    const known = pipelines.get(socket)
    const pipeline = known ?? { waiting: 0, isFull: false }
    if (!known) pipelines.set(socket, pipeline)
    // Reads nothing more: the connection ends with the last answer.
    if (pipeline.isFull) return void socket.pause()
    pipeline.waiting += 1
    pipeline.isFull = pipeline.waiting >= pipelinedMax
    if (pipeline.isFull) response.setHeader('connection', 'close')
    response.once('close', () => (pipeline.waiting -= 1))
    onRequest(request, response)
    answer(request, response)
  }
  server.removeAllListeners('request').on('request', take)
  // The body is asked for where it is read (body.ts), and not before the request is known to be allowed.
  server.on('checkContinue', take)
}
