/**
 * A context of the API: one contract under one path. Its application and its document both follow from its operations,
 * so that what is documented is what is served.
 */

import { setTimeout as delay } from 'node:timers/promises'
import { type Context, Hono } from 'hono'
import { type Access, createGate, type Door, either, type Scheme, type Verifier } from './access.ts'
import { respondJson } from './answers.ts'
import { hasMoreBody } from './body.ts'
import type { Bounds } from './bounds.ts'
import type { Callers } from './callers.ts'
import type { AppEnv, Exchange, Principal, Runtime } from './environment.ts'
import { describeError, type ErrorTable, kernelErrors, Problem } from './errors.ts'
import type { Readiness } from './health.ts'
import { helpPath } from './help.ts'
import type { Metrics } from './metrics.ts'
import type { CoreParts, Operation } from './operation.ts'
import type { ContextConsole, DeclaredConsole } from './pages/declaration.ts'
import { CALLERS_MAX, createWindow, limitRate, type RateClass, type RateHeaders, type WindowOf } from './rate-limit.ts'
import type { RecentRequests } from './recent-requests.ts'
import type { RequestIds } from './request-id.ts'
import { guard, methodNotAllowed, type Serving, serveOperation } from './serve-operation.ts'
import type { Tenants } from './tenant-use.ts'
import type { Words } from './words.ts'

/** What a context's HTTP declares. `Parts` is what its handlers and verifiers work with, handed in when it is served. */
export interface ContextApi<in Parts extends CoreParts = never> {
  /** The first part of its paths: `noctant`. */
  name: string
  info: { title: string; version: string; description: string }
  /** What the document says of members and parameters, by their names. */
  words?: Words
  /** What it says of the groups of operations, by their names, in the document's order. */
  tags?: Readonly<Record<string, string>>
  /** Ways of signing in, by their names in the document. */
  schemes: Readonly<Record<string, Scheme>>
  /** For each scheme, who a credential is; made once. A verdict that needs no waiting costs no turn of the event loop. */
  verifiers: (parts: Parts) => Readonly<Record<string, Verifier<Principal>>>
  /** Of addresses that no operation has: callers who cannot sign in learn nothing of what exists. */
  access: Access
  errors: ErrorTable<string>
  requestIds: RequestIds
  /** Classes of rate limits; an operation that names none has `standard`. */
  rates: (parts: Parts) => Readonly<Record<string, RateClass<never>>>
  /** Default: RateLimit. */
  rateHeaders?: RateHeaders
  /** The largest body that an operation takes unless it says otherwise, in bytes; default 16 KiB. */
  bodyMaxBytes?: number
  /** Media types under which JSON may come beside its own, which the document does not name. */
  jsonTypes?: readonly string[]
  /** Faults of one request that a refusal lists at most; default 20. */
  faultsMax?: number
  /** Security schemes that its document names although no operation asks for them. */
  securitySchemes?: Readonly<Record<string, object>>
  /** Under which its document is served, before `/openapi.json`; default: its name. */
  documentName?: string
  /** Operations under the same path that the contract does not have, with a document of their own. */
  apart?: ContextApi<Parts>
  /** In the contract's order. */
  operations: readonly Operation<Parts>[]
  /** Pages outside the contract, at the root: hosted pages for people. They answer by the framework's means. */
  pages?: (parts: Parts, runtime: SharedRuntime) => Hono<AppEnv>
  /** Its pages in the console. */
  console?: ContextConsole<Parts>
  /** Of its pages, the one where people begin; undefined: it has none. */
  home?: (parts: Parts) => string | undefined
  /** How the paths of those pages begin that take files, for which requests may take long. */
  transfers?: string
}

/** What the contexts of a process share. */
export type SharedRuntime = Runtime & {
  bounds: Bounds
  tenants: Tenants
  callers: Callers
  /**
   * Before what may be dear, such as what is done with a body: resolves in the turn of the request's caller. Undefined: it
   * takes little and goes on. Rejects with a Problem (429).
   */
  inTurn: (c: Context<AppEnv>) => Promise<void> | undefined
  /** What the contexts that are served declare of their pages. */
  consoles: readonly DeclaredConsole[]
  /** How the instance is doing; asked for at most once a second. */
  readiness: () => Promise<Readiness>
  /** Those that this process has answered lately. */
  requests: RecentRequests
  metrics: Metrics
}

/** A context with what it works with. */
export interface ServedContext {
  api: ContextApi
  parts: CoreParts
}

/** Holds a context and its parts together while the types are known. */
export const withParts = <Parts extends CoreParts>(api: ContextApi<Parts>, parts: Parts): ServedContext => ({
  api,
  parts,
})

/** The doors of a context: its schemes with their verifiers. Throws where a scheme has none. */
export function doorsOf({ api, parts }: ServedContext): ReadonlyMap<string, Door> {
  const verifiers = api.verifiers(parts as never)
  const doors = Object.entries(api.schemes).map(([name, scheme]): [string, Door] => {
    const verify = verifiers[name]
    if (!verify) throw new Error(`the context ${api.name} has no verifier for ${name}`)
    return [name, { ...scheme, verify }]
  })
  return new Map(doors)
}

/** Answers under `/<name>`. `others` are the doors of the other contexts. */
export function contextApp(
  { api, parts }: ServedContext,
  doors: ReadonlyMap<string, Door>,
  others: () => readonly Door[],
  runtime: SharedRuntime,
): Hono<AppEnv> {
  const { limits, nowMs, bounds } = runtime
  const { authFailuresPerMinuteMax: failuresPerMinuteMax, trustProxy } = limits
  const { overused } = bounds
  const authenticate = createGate({ realm: api.name, doors, others, failuresPerMinuteMax, trustProxy, nowMs, overused })
  const alone: WindowOf = () => createWindow({ keysMax: CALLERS_MAX, nowMs })
  const { windowOf = alone } = runtime
  const rates = new Map(
    Object.entries(api.rates(parts as never)).map(([name, each]) => [
      name,
      { by: each.by, limit: limitRate(each as RateClass, windowOf(`${api.name}.${name}`), api.rateHeaders) },
    ]),
  )
  const serving: Serving = { api, parts, runtime, authenticate, rates }
  const app = new Hono<AppEnv>()
  // Caught here, and not by the framework: its way for an application of its own costs every request a step.
  const serve = (path: string, { alternatives }: Access, answer: (c: Context<AppEnv>) => Promise<Response>) => {
    const known = { route: `/${api.name}${path}`, schemes: alternatives.map(({ scheme }) => scheme) }
    return (c: Context<AppEnv>) => {
      const exchange = Object.assign(c.get('exchange'), known)
      return answer(c).catch(async (error) => {
        runtime.tenants.end(exchange)
        if (error instanceof Problem && error.lateMs > 0) await delay(error.lateMs)
        const { incoming } = c.env ?? {}
        if (!exchange.principal) runtime.callers.forget(incoming)
        if (incoming && hasMoreBody(incoming)) exchange.headers.connection = 'close'
        return refuse(exchange, error, api.errors, runtime)
      })
    }
  }
  const operations = [...api.operations, ...(api.apart?.operations ?? [])]
  for (const operation of operations) {
    const path = routerPath(operation.path)
    app.on(operation.method.toUpperCase(), path, serve(path, operation.access, serveOperation(operation, serving)))
  }
  const access = api.apart ? either(api.access, api.apart.access) : api.access
  const enter = guard(serving, { access })
  const refuseBy = (path: string, problem: (c: Context<AppEnv>) => Problem) =>
    serve(path, access, async (c) => {
      await enter(c, c.get('exchange'))
      throw problem(c)
    })
  for (const [path, methods] of methodsByPath(operations)) {
    const refused = refuseBy(path, () => methodNotAllowed(methods))
    app.all(path, refused)
  }
  const nowhere = refuseBy('/*', (c) => new Problem('route_not_found', `There is nothing at ${c.req.path}.`))
  app.all('*', nowhere)
  return app
}

/** `/v1/users/{user_id}` as the router has it: `/v1/users/:user_id`. */
const routerPath = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1')

function methodsByPath(operations: readonly Operation[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const { path, method } of operations) {
    const at = routerPath(path)
    methods.set(at, [...(methods.get(at) ?? []), method.toUpperCase()])
  }
  return methods
}

/** The response to whatever was thrown, by a context's error table; what an engineer is to know of it is logged. */
export function refuse(exchange: Exchange, error: unknown, table: ErrorTable<string>, runtime: Runtime): Response {
  const { code: name, detail, errors = [], details, headers = {} } = describeError(error, runtime.isUnavailable)
  const { requestId, schemes } = exchange
  const known = table.codes[name]
  if (!known || name === 'internal_error') runtime.log.error({ requestId, err: error }, 'request failed')
  if (name === 'dependency_unavailable') runtime.log.warn({ requestId, err: error }, 'a dependency is unavailable')
  const { status, title, shownAs, retryAfterS } = known ?? kernelErrors.internal_error
  if (retryAfterS !== undefined) exchange.headers['retry-after'] = String(retryAfterS)
  for (const [header, value] of Object.entries(headers)) exchange.headers[header] = value
  if (status !== 401) delete exchange.headers['www-authenticate']
  exchange.code = known ? name : 'internal_error'
  const code = shownAs ?? exchange.code
  const refusal = { code, status, title, detail, errors, details, requestId, schemes }
  const help = `<${helpPath(exchange.code)}>; rel="help"`
  exchange.headers.link = headers.link === undefined ? help : `${headers.link}, ${help}`
  delete exchange.headers['content-type']
  return respondJson(exchange, status, table.body(refusal), table.mediaType ?? 'application/json')
}
