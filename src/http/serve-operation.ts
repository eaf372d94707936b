/**
 * The way of every request through an operation: request id, address, access, rate, read models, body, validation, command,
 * handler, answer. One function for all of it, without an await where there is nothing to wait for: a query leaves for
 * Postgres before anything else runs.
 */
import type { Context } from 'hono'
import type { Counted } from '../runtime/counted.ts'
import type { Authenticated, createGate } from './access.ts'
import { headOf, requireScopes } from './access.ts'
import { alreadySent } from './already-sent.ts'
import { buildAnswer, type FixedBody, type Reply } from './answers.ts'
import { proceed, readableAddress, readBody } from './body.ts'
import { clientAddress } from './client-address.ts'
import { type Asking, addCommand, ignoresKeyHeader, sayIgnoredKey } from './command.ts'
import { POSITION_HEADER, readAtLeast, waitForReadModels } from './consistency.ts'
import type { ContextApi, SharedRuntime } from './context.ts'
import type { AppEnv, Exchange } from './environment.ts'
import { Problem } from './errors.ts'
import type { Caller, CoreParts, DirectCall, Operation } from './operation.ts'
import type { limitRate, RateClass } from './rate-limit.ts'
import { refuseOtherIds } from './request-id.ts'
import { openSocket, requireUpgrade } from './socket.ts'
import type { Tenants } from './tenant-use.ts'
import { bodySpecOf, validateRequest } from './validation.ts'

/** What the operations of a context share. */
export interface Serving {
  api: ContextApi
  parts: CoreParts
  runtime: SharedRuntime
  authenticate: ReturnType<typeof createGate>
  rates: ReadonlyMap<string, { by: RateClass['by']; limit: ReturnType<typeof limitRate> }>
}

/** Bodies are small unless an operation or its context says otherwise. */
export const BODY_MAX_BYTES = 16_384

type Guard = (c: Context<AppEnv>, exchange: Exchange) => Promise<Authenticated> | Authenticated

/** The first steps, which addresses without an operation have too: nothing of the body is read before them. */
export function guard(
  serving: Serving,
  { access, rate = 'standard', isDirect = false, head: look }: Pick<Operation, 'access' | 'rate' | 'isDirect' | 'head'>,
): Guard {
  const { api, authenticate, rates, runtime } = serving
  const withinRate = rates.get(rate)
  if (!withinRate) throw new Error(`the context ${api.name} has no rate class ${rate}`)
  const { tenants, limits, callers } = runtime
  const { trustProxy } = limits
  const isOfAddress = withinRate.by === 'address'
  const count = (c: Context<AppEnv>, exchange: Exchange) =>
    withinRate.limit(exchange, () => clientAddress(c, trustProxy))
  const enter = (c: Context<AppEnv>, exchange: Exchange, authenticated: Authenticated): Authenticated => {
    const { principal } = authenticated
    exchange.principal = principal
    if (principal) callers.learn(c.env?.incoming, principal.tenantId)
    if (!isOfAddress) count(c, exchange)
    if (principal) tenants.enter(exchange, principal.tenantId, isDirect)
    return authenticated
  }
  return (c, exchange) => {
    const { requestIds } = api
    if (isOfAddress) count(c, exchange)
    refuseOtherIds(requestIds, c.req.method, c.req.header(requestIds.header), exchange.requestId)
    readableAddress(c)
    look?.(headOf(c))
    const authenticated = authenticate(c, access)
    return authenticated instanceof Promise
      ? authenticated.then((known) => enter(c, exchange, known))
      : enter(c, exchange, authenticated)
  }
}

/** The handler of an operation, as the router calls it. What it throws, the application turns into a refusal. */
export function serveOperation(operation: Operation, serving: Serving): (c: Context<AppEnv>) => Promise<Response> {
  if (operation.isDirect) return serveDirect(operation, serving)
  const { api, parts, runtime } = serving
  const { limits, log, sealer, bounds, tenants, inTurn } = runtime
  const { readYourWritesWaitMs: waitMs } = limits
  const isStreamed = bodySpecOf(operation.body)?.kind === 'stream'
  const ownMaxBytes = operation.bodyMaxBytes ?? api.bodyMaxBytes ?? BODY_MAX_BYTES
  const bodyMaxBytes = isStreamed ? ownMaxBytes : Math.min(ownMaxBytes, limits.bodyMaxBytes)
  const enter = guard(serving, operation)
  const consistency = { waiter: parts.waiter, waitMs, sealer }
  const atLeast = readAtLeast(consistency)
  const bodyOf = readBody(bodySpecOf(operation.body), bodyMaxBytes, api.jsonTypes)
  const jsonLimits = { depthMax: limits.jsonDepthMax, tokensMax: limits.jsonTokensMax }
  const validate = validateRequest(operation, jsonLimits, api.faultsMax)
  const ignoresKey = ignoresKeyHeader(operation)
  const isSocket = Object.values(operation.answers).some(({ kind }) => kind === 'upgrade')
  const isHeld = operation.method !== 'get' && !isStreamed

  /** From the validated request to its answer. */
  async function answer(c: Context<AppEnv>, exchange: Exchange, asking: Asking): Promise<Response> {
    if (operation.isCommand) {
      const adding = addCommand(api.name, operation, asking, c.env?.incoming)
      tenants.end(exchange)
      await adding
      tenants.begin(exchange)
      if (asking.command) asking.command.count = (work) => tenants.counted(exchange, work)
    }
    const handling = operation.handle(asking)
    tenants.end(exchange)
    const reply = (await handling) as Reply
    if (reply.handled) {
      const { replayed, position } = reply.handled
      if (replayed) exchange.headers['idempotency-replayed'] = 'true'
      const reached = waitForReadModels(exchange, position, consistency)
      if (reached) await reached
    }
    if (reply.socket) return openSocket(c, exchange, reply.socket, log)
    if (typeof reply.body === 'function') return (reply.body as FixedBody)(c)
    const turn = tenants.turn(exchange)
    if (turn) await turn
    tenants.begin(exchange)
    const built = buildAnswer(exchange, reply, operation.answers[reply.status])
    tenants.end(exchange)
    return built
  }

  /** Few lists of a tenant at a time: each is many rows to read, to turn into an answer, and to send. */
  async function answerList(c: Context<AppEnv>, exchange: Exchange, asking: Asking): Promise<Response> {
    tenants.end(exchange)
    asking.counted = countedFor(tenants, exchange)
    const place = tenants.place(exchange)
    const leave = place instanceof Promise ? await place : place
    try {
      const unread = bounds.leavesUnread(c)
      if (unread) throw unread
      const again = inTurn(c)
      if (again) await again
      tenants.begin(exchange)
      return await answer(c, exchange, asking)
    } finally {
      leave?.()
    }
  }

  return async (c) => {
    const exchange = c.get('exchange')
    if (ignoresKey) sayIgnoredKey(exchange, c.req.header('idempotency-key'))
    const authentication = enter(c, exchange)
    const { principal, scopes } = authentication instanceof Promise ? await authentication : authentication
    if (c.req.method === 'GET') {
      const reached = atLeast(exchange, c.req.header(POSITION_HEADER))
      if (reached) await reached
    }
    if (principal) requireScopes(principal.scopes, scopes)
    if (isHeld) exchange.releaseBody = bounds.holdBody(c, bodyMaxBytes)
    const reading = bodyOf(c)
    const sent = reading instanceof Promise ? await reading : reading
    const turn = tenants.turn(exchange)
    if (turn) await turn
    const again = isHeld ? inTurn(c) : undefined
    if (again) await again
    tenants.begin(exchange)
    const { params, query, headers, cookies, body } = validate(c, sent)
    const caller = callerOf(c, exchange, runtime)
    const asking: Asking = { ...parts, params, query, headers, cookies, body, principal, sealer, caller }
    if (isSocket) requireUpgrade(c)
    return operation.isList ? answerList(c, exchange, asking) : answer(c, exchange, asking)
  }
}

/** What a handler does behind its first await: a list's with its rows, a direct one's with what it has read. */
const countedFor =
  (tenants: Tenants, exchange: Exchange): Counted =>
  async (work) => {
    const turn = tenants.turn(exchange)
    if (turn) await turn
    return tenants.counted(exchange, work)
  }

/** In the log, where nothing was answered since nobody waited any more. */
const CLIENT_LEFT = 499

/** Who asks and how much, and then the operation itself: it reads the request and answers on Node's own objects. */
function serveDirect(operation: Operation, serving: Serving): (c: Context<AppEnv>) => Promise<Response> {
  const { parts, runtime } = serving
  const { handle } = operation
  const enter = guard(serving, operation)
  const ignoresKey = ignoresKeyHeader(operation)
  return async (c) => {
    const exchange = c.get('exchange')
    if (ignoresKey) sayIgnoredKey(exchange, c.req.header('idempotency-key'))
    const { incoming, outgoing } = c.env
    if (!incoming || !outgoing) throw new Error('a direct operation answers over a connection')
    const { principal, scopes } = await enter(c, exchange)
    if (principal) requireScopes(principal.scopes, scopes)
    proceed(c)
    const counted = countedFor(runtime.tenants, exchange)
    const call: DirectCall<typeof principal> = { principal, incoming, outgoing, exchange, counted }
    await handle({ ...parts, ...call })
    exchange.status = outgoing.headersSent ? outgoing.statusCode : CLIENT_LEFT
    return alreadySent(exchange)
  }
}

const callerOf = (c: Context<AppEnv>, { requestId }: Exchange, { limits, callers }: SharedRuntime): Caller => ({
  requestId,
  address: () => clientAddress(c, limits.trustProxy),
  vouch: (name) => c.env?.incoming && callers.vouch(c.env.incoming, name),
  url: c.req.url,
  header: (name) => c.req.header(name),
  signal: () => c.req.raw.signal,
})

/** For addresses that take other methods. */
export const methodNotAllowed = (methods: readonly string[]): Problem => {
  const allow = methods.join(', ')
  return new Problem('method_not_allowed', `This address takes ${allow}.`, { headers: { allow } })
}
