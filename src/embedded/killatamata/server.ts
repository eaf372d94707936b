/** The one HTTP server of killatamata's stand-ins, on loopback: it finds the part that a request is for. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { isPortFree, loopbackHost } from '../ports.ts'
import { type Answering, jsonAnswer, type StandInAnswer, type StandInPart, StandInRefusal } from './exchange.ts'

export interface StandInServer {
  /** `http://127.0.0.1:40123` */
  url: string
  port: number
  close(): Promise<void>
}

/** As large as what a file may be that a job is given. */
const BODY_MAX_BYTES = 268_435_456

/** Takes `port` where it is free. `partsAt` makes the parts, which know the address. */
export async function startStandInServer(
  port: number,
  partsAt: (url: string) => Promise<readonly StandInPart[]>,
): Promise<StandInServer> {
  let routes: [string, Answering][] = []
  let url = ''

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Another name for this address is a page of somebody else's that reaches for it.
    if (request.headers.host !== new URL(url).host) throw new StandInRefusal(400, 'Not this host.')
    const { pathname, searchParams: query } = new URL(request.url ?? '/', url)
    const found = routes.find(([prefix]) => pathname === prefix || pathname.startsWith(`${prefix}/`))
    if (!found) throw nothingHere(pathname)
    const [prefix, answering] = found
    const { method = 'GET', headers } = request
    const body = await bodyOf(request)
    const answered = await answering({ method, path: pathname.slice(prefix.length), query, headers, body })
    if (!answered) throw nothingHere(pathname)
    await respond(response, answered)
  }

  const server = createServer({ headersTimeout: 10_000 }, (request, response) => {
    answer(request, response).catch(async (error: unknown) => {
      if (response.headersSent) return void response.destroy()
      const status = error instanceof StandInRefusal ? error.status : 500
      const message = error instanceof Error ? error.message : String(error)
      await respond(response, jsonAnswer({ error: { message } }, status))
    })
  })
  const wanted = port !== 0 && (await isPortFree(port)) ? port : 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: loopbackHost, port: wanted, exclusive: true }, resolve)
  })
  const { port: taken } = server.address() as AddressInfo
  url = `http://${loopbackHost}:${taken}`
  const parts = await partsAt(url)
  routes = parts
    .flatMap((part) => Object.entries(part.routes))
    .toSorted(([first], [second]) => second.length - first.length)
  return {
    ...{ url, port: taken },
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      for (const part of parts) await part.close?.()
    },
  }
}

const nothingHere = (path: string) => new StandInRefusal(404, `There is nothing at ${path}.`)

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > BODY_MAX_BYTES) throw new StandInRefusal(413, `A body has at most ${BODY_MAX_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

async function respond(response: ServerResponse, { status, headers = {}, body = '' }: StandInAnswer): Promise<void> {
  response.writeHead(status, headers)
  if (typeof body === 'string' || body instanceof Uint8Array) return void response.end(body)
  await pipeline(Readable.from(body), response)
}
