/** What a real node answers to plain HTTP and that tools around it ask for: is it alive, and what is it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SERVER_VERSION } from './services/server-features.ts'

function send(response: ServerResponse, status: number, body?: object): void {
  if (!body) {
    response.writeHead(status).end()
    return
  }
  const text = JSON.stringify(body)
  response
    .writeHead(status, { 'content-type': 'application/json; charset=utf-8', 'content-length': Buffer.byteLength(text) })
    .end(text)
}

type Answer = { status: number; body?: object }

/** What `/health` tells. */
export type Health = {
  /** Whether appends can succeed; `reason` says why not. */
  isWritable: boolean
  reason: string | undefined
  endPosition: number
}

function answerTo(method: string, path: string, health: Health): Answer {
  const isKnown = path === '/info' || path === '/health' || path === '/health/live'
  if (!isKnown) return { status: 404 }
  if (method !== 'GET' && (method !== 'HEAD' || path === '/info')) return { status: 405 }
  if (path === '/health/live') return health.isWritable ? { status: 204 } : { status: 503, body: health }
  if (path === '/health') return { status: health.isWritable ? 200 : 503, body: health }
  const features = { projections: false, userManagement: false, atomPub: false }
  const authentication = { type: 'insecure' }
  return { status: 200, body: { esVersion: SERVER_VERSION, state: 'leader', features, authentication } }
}

/** `healthOf` tells how the node is now; one that no append can succeed on is not alive in the sense of a probe. */
export function httpHandler(healthOf: () => Health) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(request.url ?? '/', 'http://node').pathname
    request.resume()
    const { status, body } = answerTo(request.method ?? 'GET', path, healthOf())
    send(response, status, body)
  }
}
