/** An operator's webhook endpoint: a real HTTP server on loopback that keeps what it is sent and answers as it is told. */
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  /** The payload, parsed. */
  event: Record<string, unknown>
  receivedAtMs: number
}

export type Behaviour = (response: ServerResponse, request: IncomingMessage, received: Received) => void

/** Answers with a status, headers and a body. */
export const answers =
  (status: number, headers: Record<string, string> = {}, body = ''): Behaviour =>
  (response) =>
    void response.writeHead(status, headers).end(body)

export const resets: Behaviour = (_, request) => void request.socket.destroy()
/** Takes the request and says nothing. */
export const hangs: Behaviour = () => undefined
/** Sends a header and then a byte now and then, for ever. */
export const drips: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'text/plain' })
  const timer = setInterval(() => response.write('.'), 20)
  response.on('close', () => clearInterval(timer))
}

export interface Receiver {
  url: string
  port: number
  received: Received[]
  /** TCP connections so far. */
  connections: () => number
  /** How to answer from now on; the last behaviour of a list stays. */
  behave(...behaviours: Behaviour[]): void
  close(): Promise<void>
}

export async function startReceiver(): Promise<Receiver> {
  const received: Received[] = []
  const sockets = new Set<Socket>()
  let connections = 0
  let behaviours: Behaviour[] = [answers(204)]
  const server = createServer(async (request, response) => {
    const chunks: Uint8Array[] = []
    for await (const chunk of request) chunks.push(chunk as Uint8Array)
    const body = Buffer.concat(chunks).toString('utf8')
    const parsed = body === '' ? {} : (JSON.parse(body) as Record<string, unknown>)
    const { url: path = '', headers } = request
    const one = { path, headers, body, event: parsed, receivedAtMs: Date.now() }
    received.push(one)
    const behaviour = behaviours.length > 1 ? behaviours.shift() : behaviours[0]
    behaviour?.(response, request, one)
  })
  server.on('connection', (socket) => {
    connections += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hooks`,
    port,
    received,
    connections: () => connections,
    behave(...next) {
      behaviours = next
    },
    async close() {
      server.close()
      for (const socket of sockets) socket.destroy()
      if (server.listening) await once(server, 'close')
    },
  }
}
