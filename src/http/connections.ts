/**
 * Bounds on what one client address and one connection may take of the server, so that the others keep their share. Node
 * itself bounds neither how many connections an address opens nor how many requests stand unanswered on one of them.
 */
import type { IncomingMessage, RequestListener, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { createTally } from '../runtime/tally.ts'
import { hasMoreBody } from './body.ts'
import { networkOf } from './client-address.ts'
import type { ServerOptions } from './server.ts'
import type { Caller, Turns } from './turns.ts'

/** Closes each connection of a client address beyond `perAddressMax` as soon as it is open. */
export function limitConnections(server: Server, perAddressMax: number): void {
  const open = createTally()
  server.on('connection', (socket: Socket) => {
    const network = networkOf(socket.remoteAddress ?? 'unknown')
    socket.once('close', open.add(network, 1))
    if (open.of(network) > perAddressMax) socket.destroy()
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
  /** A request is being answered. */
  isBusy: boolean
  /** Requests behind that one, in order, until the connection closes. */
  behind: { begin: () => void; release: () => void }[]
  isFull: boolean
  /** More came when it was full: nothing of its connection is taken apart any more. */
  isOver: boolean
}

/** A client without a key that has too much waiting hears of it so much later: it is in no hurry to send more. */
const REFUSAL_DELAY_MS = 1_000

export interface Taking extends Pick<ServerOptions, 'pipelinedMax' | 'pipelinedPerCallerMax' | 'callerOf'> {
  turns: Turns
  /** Sees each request that is taken, before its turn comes. */
  onRequest: (request: IncomingMessage, response: ServerResponse) => void
  /** Whether an answer has begun to leave on the connection. */
  isAnswering: (socket: Socket) => boolean
}

/**
 * Hands requests to the listener of before, each in its caller's turn, and those of one connection one after the other: where
 * the client has gone, nothing behind its first is worth doing. Of one connection at most `pipelinedMax` wait for their
 * answers, and of all connections of a caller `pipelinedPerCallerMax` stand behind another. Where more come, nothing more
 * is read or taken apart, and the connection closes after those answers; the client sends the rest again on another (RFC
 * 9112, section 9.3.2). So it does where a request is refused for coming too soon, as where too many of a caller wait (503).
 */
export function takeInTurns(server: Server, taking: Taking): void {
  const { pipelinedMax, pipelinedPerCallerMax, callerOf, turns, onRequest, isAnswering } = taking
  const pipelines = new WeakMap<Socket, Pipeline>()
  const pipelined = createTally()
  const [answer] = server.listeners('request') as RequestListener[]
  if (!answer) throw new Error('nothing answers the server’s requests')

  const begin = (pipeline: Pipeline, request: IncomingMessage, response: ServerResponse): void => {
    const { socket } = request
    let leave: (() => void) | undefined
    pipeline.isBusy = true
    response.once('close', () => {
      leave?.()
      pipeline.isBusy = false
      const next = pipeline.behind[0]
      const isOver = next ? TOO_SOON.includes(response.statusCode) : pipeline.isOver
      if (isOver || socket.destroyed) {
        pipeline.isFull = true
        return socket.destroySoon()
      }
      pipeline.behind.shift()
      next?.release()
      next?.begin()
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

  const pipelineOf = (socket: Socket, caller: Caller): Pipeline => {
    const known = pipelines.get(socket)
    if (known) return known
    const pipeline: Pipeline = { isBusy: false, behind: [], isFull: false, isOver: false }
    pipelines.set(socket, pipeline)
    turns.connect(caller)
    socket.once('close', () => {
      for (const { release } of pipeline.behind.splice(0)) release()
    })
    return pipeline
  }

  const take: RequestListener = (request, response) => {
    const { socket } = request
    const caller = callerOf(request)
    const pipeline = pipelineOf(socket, caller)
    const { behind, isBusy } = pipeline
    const { name } = caller
    if (pipeline.isFull || (isBusy && pipelined.of(name) >= pipelinedPerCallerMax)) {
      if (!pipeline.isOver) stopReading(socket)
      pipeline.isOver = true
      return
    }
    pipeline.isFull = behind.length + 1 >= pipelinedMax - (isBusy ? 1 : 0)
    if (pipeline.isFull) response.setHeader('connection', 'close')
    if (!isBusy) return begin(pipeline, request, response)
    behind.push({ begin: () => begin(pipeline, request, response), release: pipelined.add(name, 1) })
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

/** Statuses that ask a client to come again later: so it may with what it sent behind such a request. */
const TOO_SOON = [429, 503]

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
