/** What a real node answers to plain HTTP and that tools around it ask for: is it alive, and what is it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { SERVER_VERSION } from './services/server-features.ts'
import type { ScavengeReport } from './storage/scavenge.ts'

function send(response: ServerResponse, { status, body, text = body && JSON.stringify(body) }: Answer): void {
  if (text === undefined) {
    response.writeHead(status).end()
    return
  }
  const headers = {
    'content-type': body ? JSON_TYPE : METRICS_TYPE,
    'content-length': Buffer.byteLength(text),
  }
  response.writeHead(status, headers).end(text)
}

type Answer = { status: number; body?: object; text?: string }

/** What `/health` tells. */
export type Health = {
  /** Whether appends can succeed; `reason` says why not. */
  isWritable: boolean
  reason: string | undefined
  endPosition: number
  /** Where the check of the whole log found no intact record, how far it is, and when it last was through. */
  damagedPositions: number[]
  checkedTo: number
  checkCompletedAt: string | undefined
  /** The scavenge under way, or the latest one. */
  scavenge: ScavengeReport | undefined
}

/** What can be asked of the node over plain HTTP. */
export type NodeControls = {
  health: () => Health
  /** Begins a scavenge, or returns the one under way. */
  startScavenge: () => ScavengeReport
  /** Whether this caller may: anybody may ask whether the node is alive and what it is. */
  mayAsk: (request: IncomingMessage) => boolean
}

const SCAVENGE = '/admin/scavenge'
const PATHS = ['/info', '/health', '/health/live', '/metrics']
const JSON_TYPE = 'application/json; charset=utf-8'
const METRICS_TYPE = 'text/plain; version=0.0.4'

/** The same in the format of Prometheus. */
function metricsOf(health: Health): string {
  const gauge = (name: string, help: string, value: number) =>
    `# HELP eventstore_${name} ${help}\n# TYPE eventstore_${name} gauge\neventstore_${name} ${value}\n`
  return [
    gauge('writable', '1 while appends can succeed', health.isWritable ? 1 : 0),
    gauge('end_position', 'the position behind the last event', health.endPosition),
    gauge('damaged_places', 'places of the log that cannot be read', health.damagedPositions.length),
    gauge('checked_position', 'how far the check of the whole log has come', health.checkedTo),
  ].join('')
}

function answerTo(method: string, path: string, controls: NodeControls, mayAsk: () => boolean): Answer {
  const isForAll = path === '/health/live' || path === '/info' || !(PATHS.includes(path) || path === SCAVENGE)
  if (!isForAll && !mayAsk()) return { status: 401 }
  if (method === 'POST' && path === SCAVENGE) return { status: 200, body: controls.startScavenge() }
  if (!PATHS.includes(path)) return { status: 404 }
  if (method !== 'GET' && (method !== 'HEAD' || path === '/info')) return { status: 405 }
  const health = controls.health()
  if (path === '/health/live')
    return health.isWritable ? { status: 204 } : { status: 503, ...(mayAsk() && { body: health }) }
  const isWell = health.isWritable && health.damagedPositions.length === 0
  if (path === '/health') return { status: isWell ? 200 : 503, body: health }
  if (path === '/metrics') return { status: 200, text: metricsOf(health) }
  const features = { projections: false, userManagement: false, atomPub: false }
  const authentication = { type: 'insecure' }
  return { status: 200, body: { esVersion: SERVER_VERSION, state: 'leader', features, authentication } }
}

/** A node that no append can succeed on is not alive in the sense of a probe. */
export function httpHandler(controls: NodeControls) {
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = new URL(request.url ?? '/', 'http://node').pathname
    request.resume()
    send(
      response,
      answerTo(request.method ?? 'GET', path, controls, () => controls.mayAsk(request)),
    )
  }
}
