/**
 * The whole API: what every request goes through first, the pages at the root, and the contexts under their names.
 * Everything it works with is handed in, the contexts among it.
 */
import { type Context, Hono } from 'hono'
import { routePath } from 'hono/route'
import { secondHost } from './body.ts'
import { createBounds } from './bounds.ts'
import { type Callers, createCallers } from './callers.ts'
import { type ContextApi, contextApp, doorsOf, refuse, type ServedContext } from './context.ts'
import { documentOf } from './document.ts'
import type { AppEnv, Exchange, Runtime } from './environment.ts'
import { Problem, rootErrors } from './errors.ts'
import type { Readiness } from './health.ts'
import type { Metrics } from './metrics.ts'
import { documentation, documentPath } from './openapi.ts'
import { problemPages } from './problem-pages.ts'
import { createRecentRequests } from './recent-requests.ts'
import { type RequestIds, requestIdOf, uuidRequestIds } from './request-id.ts'
import { rootPage } from './root-page.ts'
import { SegmentRouter } from './router.ts'
import { createTenants } from './tenant-use.ts'
import { traceRequests } from './tracing.ts'
import { createTurns, defaultTurnLimits, type Turns } from './turns.ts'

export interface AppDeps extends Runtime {
  /** In the order in which the documents list them. */
  contexts: readonly ServedContext[]
  /** /healthz, and the rest of health.ts unless it has an address of its own. */
  health: Hono<AppEnv>
  /** What /readyz says; default: that all is well. */
  readiness?: () => Promise<Readiness>
  metrics: Metrics
  /** Learns whose credentials are good; default: its own, for a server that asks nobody whose turn it is. */
  callers?: Callers
  /** The server's own, for what waits for its turn again. */
  turns?: Turns
}

/** The documents of these contexts. */
export const documentsOf = (apis: readonly ContextApi[]) =>
  apis
    .flatMap((api) => (api.apart ? [api, api.apart] : [api]))
    .filter(({ operations }) => operations.length > 0)
    .map((api) => ({
      name: api.documentName ?? api.name,
      document: documentOf(api),
      operations: api.operations,
      isServed: api.operations.some(({ path }) => path === '/openapi.json'),
    }))

const allIsWell = async (): Promise<Readiness> => ({ status: 'ready', dependencies: {} })

export function createApp({ contexts, health, metrics, callers: given, turns: ofServer, ...deps }: AppDeps) {
  const { readiness = allIsWell, ...runtime } = deps
  const { nowMs, log, limits } = runtime
  const callers = given ?? createCallers(limits.trustProxy)
  const bounds = createBounds(limits, nowMs, callers)
  const turns = ofServer ?? createTurns(defaultTurnLimits)
  const inTurn = (c: Context<AppEnv>): Promise<void> | undefined => {
    const { incoming } = c.env ?? {}
    const caller = incoming && callers.of(incoming)
    if (!caller || !turns.mayWait(caller)) return undefined
    return new Promise((resolve, reject) => {
      if (!turns.take(caller, resolve)) reject(tooManyWaiting())
    })
  }
  const tenants = createTenants(limits, nowMs, turns.charge)
  const served = contexts.map(({ api, parts }) => ({
    api,
    parts: { ...parts, bus: metrics.countCommands(parts.bus) },
  }))
  const consoles = served.flatMap(({ api, parts }) => (api.console ? [{ api, console: api.console, parts }] : []))
  const requests = createRecentRequests()
  const shared = { ...runtime, bounds, tenants, callers, inTurn, consoles, readiness, requests, metrics }
  const doors = served.map((each) => ({ each, doors: doorsOf(each) }))
  const app = new Hono<AppEnv>({ router: new SegmentRouter() })
  const idsAt = requestIdsByPath(served)

  /** Notes a request that was answered, in the figures and in the log. */
  function recordRequest(
    c: Context<AppEnv>,
    { requestId, principal, route: of, status: own, code }: Exchange,
    durationMs: number,
  ): void {
    const { method } = c.req
    const status = own ?? c.res.status
    const route = of ?? routePath(c, -1)
    metrics.measure({ method, route, status, durationMs })
    const rounded = Math.round(durationMs * 10) / 10
    const ids = idsAt(c.req.path)
    const callerRequestId = ids.note?.(c.req.header(ids.header) ?? '')
    const { logFields } = principal ?? {}
    requests.note({ requestId, method, route, status, durationMs: rounded, logFields, code })
    log.info({ requestId, ...logFields, callerRequestId, method, route, status, code, durationMs: rounded }, 'request')
  }

  /** After the answer: it is the caller's until it is sent, or the connection has gone. */
  function finish(c: Context<AppEnv>, exchange: Exchange, durationMs: number): void {
    const { incoming, outgoing } = c.env ?? {}
    if (incoming && exchange.sentBytes > SENT_MIN_BYTES) turns.send(callers.of(incoming), exchange.sentBytes)
    if (!outgoing || outgoing.writableFinished || outgoing.destroyed) tenants.leave(exchange)
    else {
      const release = bounds.holdAnswer(c)
      outgoing.once('close', () => {
        release?.()
        tenants.leave(exchange)
      })
    }
    recordRequest(c, exchange, durationMs)
  }

  app.onError((error, c) => refuse(c.get('exchange'), error, rootErrors, runtime))
  app.notFound((c) => {
    const nothing = new Problem('route_not_found', `There is nothing at ${c.req.path}.`)
    return refuse(c.get('exchange'), bounds.overused(c) ?? nothing, rootErrors, runtime)
  })
  const traced = traceRequests(served.map(({ api }) => api.name))
  const serve = async (c: Context<AppEnv>, next: () => Promise<void>): Promise<void> => {
    const startedMs = nowMs()
    const exchange = newExchange(c, idsAt(c.req.path))
    c.set('exchange', exchange)
    const fault = secondHost(c.env?.incoming) ?? bounds.leavesUnread(c)
    if (fault) c.res = refuse(exchange, fault, rootErrors, runtime)
    else await next()
    // Pages and the like are made by the framework, without the headers that were gathered here.
    if (c.res !== exchange.answer) {
      for (const [name, value] of Object.entries(exchange.headers))
        if (!c.res.headers.has(name)) c.res.headers.set(name, value)
    }
    exchange.releaseBody?.()
    const durationMs = nowMs() - startedMs
    // The answer leaves first: the event loop comes to this afterwards.
    setImmediate(finish, c, exchange, durationMs)
  }
  app.use((c, next) => traced(c, () => serve(c, next)))

  app.route('/', health)
  const documents = documentsOf(served.map(({ api }) => api))
  const ours = documents.flatMap(({ name, isServed }) => (isServed ? [] : documentPath(name)))
  for (const path of ['/docs/*', '/llms.txt', ...ours]) {
    app.use(path, async (c, next) => {
      const fault = bounds.overused(c)
      if (fault) throw fault
      await next()
    })
  }
  const homes = served.flatMap(({ api, parts }) => api.home?.(parts as never) ?? [])
  app.get('/', rootPage({ documents: documents.map(({ name }) => name), home: homes[0], readiness }))
  app.route('/', problemPages(served.map(({ api }) => api)))
  app.route('/', documentation(documents))
  for (const { api, parts } of served) if (api.pages) app.route('/', api.pages(parts as never, shared))
  for (const { each, doors: own } of doors) {
    if (each.api.operations.length === 0) continue
    const others = () => doors.flatMap((other) => (other.each === each ? [] : [...other.doors.values()]))
    app.route(`/${each.api.name}`, contextApp(each, own, others, shared))
  }
  return app
}

/** Of answers whose sending counts: shorter ones leave at once, in the time that is counted anyway. */
const SENT_MIN_BYTES = 65_536

const tooManyWaiting = (): Problem =>
  new Problem('rate_limit_exceeded', 'Too many of your requests wait for their turn.', {
    headers: { 'retry-after': '1', connection: 'close' },
  })

function newExchange(c: Context<AppEnv>, ids: RequestIds): Exchange {
  const requestId = requestIdOf(ids, c.req.header(ids.header))
  const headers: Record<string, string> = { 'x-content-type-options': 'nosniff' }
  headers[ids.header] = requestId
  return {
    ...{ requestId, headers, principal: undefined, answer: undefined, releaseBody: undefined, tenant: undefined },
    stepAtMs: undefined,
    isLong: false,
    sentBytes: 0,
    route: undefined,
    schemes: [],
    status: undefined,
    code: undefined,
  }
}

/** The request ids of the context that a path begins with; other paths have those of the first context. */
function requestIdsByPath(served: readonly ServedContext[]) {
  const ids = new Map(served.map(({ api }) => [api.name, api.requestIds]))
  const usual = served[0]?.api.requestIds ?? uuidRequestIds('x-request-id')
  return (path: string) => ids.get(path.slice(1, (path.indexOf('/', 1) + 1 || path.length + 1) - 1)) ?? usual
}
