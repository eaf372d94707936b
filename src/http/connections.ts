/**
 * Bounds on what one client address and one connection may take of the server, so that the others keep their share. Node
 * itself bounds neither how many connections an address opens nor how many requests stand unanswered on one of them.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { hasMoreBody } from './body.ts'
import { networkOf } from './client-address.ts'
import type { Caller, Turns } from './turns.ts'

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
  /** More came when it was full: nothing of its connection is taken apart any more. */
  isOver: boolean
}

/** A client without a key that has too much waiting hears of it so much later: it is in no hurry to send more. */
const REFUSAL_DELAY_MS = 1_000

export interface Taking {
  /** Requests of one connection that wait for their answers. */
  pipelinedMax: number
  /** Whose share a request is of. */
  callerOf: (request: IncomingMessage) => Caller
  turns: Turns
  /** Sees each request that is taken, before its turn comes. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** Whether an answer has begun to leave on the connection. */
  isAnswering: (socket: Socket) => boolean
}

/**
 * Hands requests to the listener of before, each in its caller's turn; of one connection at most `pipelinedMax` ahead of
 * their answers. Where more come, nothing more is read or taken apart, and the connection closes after those answers; the
 * client sends the rest again on another (RFC 9112, section 9.3.2). Who has too many waiting gets 503.
 */
export function takeInTurns(server: Server, { pipelinedMax, callerOf, turns, onRequest, isAnswering }: Taking): void {
  const pipelines = new WeakMap<Socket, Pipeline>()
  const [answer] = server.listeners('request') as RequestListener[]
  if (!answer) throw new Error('nothing answers the server’s requests')
  const take: RequestListener = (request, response) => {
    const { socket } = request
    const known = pipelines.get(socket)
    const pipeline = known ?? { waiting: 0, isFull: false, isOver: false }
    if (!known) pipelines.set(socket, pipeline)
    if (pipeline.isFull) {
      if (!pipeline.isOver) stopReading(socket)
      pipeline.isOver = true
      return
    }
    pipeline.waiting += 1
    pipeline.isFull = pipeline.waiting >= pipelinedMax
    if (pipeline.isFull) response.setHeader('connection', 'close')
    let leave: (() => void) | undefined
    response.once('close', () => {
      pipeline.waiting -= 1
      leave?.()
    })
    onRequest(request, response)
    const caller = callerOf(request)
    // The body of somebody who is not known stays where it is until it is asked for.
    if (!caller.isKnown && hasMoreBody(request)) socket.pause()
    const isTaken = turns.take(caller, () => {
      // Its client may have gone while it waited.
      if (response.destroyed) return
      leave = turns.enter(caller)
      answer(request, response)
    })
    if (isTaken) return
    if (caller.isKnown) refuse(response)
    else setTimeout(refuse, REFUSAL_DELAY_MS, response).unref()
  }
  server.removeAllListeners('request').on('request', take)
  // The body is asked for where it is read (body.ts), and not before the request is known to be allowed.
  server.on('checkContinue', take)
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (pipelines.get(socket)?.isOver) return
    const refusal = UNREADABLE[error.code ?? ''] ?? '400 Bad Request'
    if (socket.writable && !isAnswering(socket)) socket.write(`HTTP/1.1 ${refusal}\r\nConnection: close\r\n\r\n`)
    socket.destroy(error)
  })
}

const refuse = (response: ServerResponse): void => {
  if (response.destroyed) return
  response.writeHead(503, { connection: 'close', 'retry-after': '1', 'content-length': '0' }).end()
}

/** What Node answers by itself where nobody listens to its errors; anything else is 400. */
const UNREADABLE: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: '413 Payload Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Of Node's sockets of HTTP, which no type of Node names. What it returns tells the parser how to go on with a request. */
interface Parsed {
  parser?: { onIncoming?: () => number } | null
}
/** No way to go on: the parser ends there, with an error that `clientError` hears. */
const stop = () => -1

/**
 * For good: Node itself reads on as soon as one of the answers has left. It reads 64 KiB at a time, and would take all of that
 * apart, some 1,500 requests of a flood, each an object until its connection closes. So its parser stops at the next one.
 */
function stopReading(socket: Socket): void {
  const { parser } = socket as Parsed
  if (parser) parser.onIncoming = stop
  socket.pause()
  socket.resume = () => socket
}
