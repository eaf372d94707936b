/**
 * Order entry for traders: a small HTTP API over the desk, meant for loopback. One bearer token opens all of it but
 * the health check. Numbers are strings both ways; every refusal is a problem document that says what to do.
 */

import { createHash, randomUUID, timingSafeEqual } from 'node:crypto'
import type { ServerType } from '@hono/node-server'
import { serve } from '@hono/node-server'
import type { Context } from 'hono'
import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { EngineEvent } from '../gateway/contract.ts'
import type { Log } from '../log.ts'
import { accountView, orderView, quoteViews } from './account-views.ts'
import type { Desk } from './desk.ts'
import { LogUnavailable } from './desk.ts'
import { clientOrderUuid } from './ids.ts'
import { decimal, plainText } from './money.ts'
import type { EngineLimits, EngineStatus } from './options.ts'
import type { OrderForm } from './order-form.ts'
import { parseOrderForm, parsePage } from './order-form.ts'
import type { OrderRequest } from './orders.ts'
import { Problem } from './problem.ts'
import type { SymbolTable } from './symbols.ts'
import type { InboxEntry, Wal } from './wal.ts'

export interface OrderEntryOptions {
  host: string
  port: number
  token: string
  desk: Desk
  wal: Wal
  limits: EngineLimits
  symbols: SymbolTable
  log: Log
  status: () => EngineStatus
}

/** The shortest prefix by which an account may be named. */
const prefixLengthMin = 4
const requestsDrainMs = 500

/** Listens; rejects where the port is taken. */
export async function serveOrderEntry(options: OrderEntryOptions): Promise<{ url: string; close(): Promise<void> }> {
  if (options.token.length < 16) throw new RangeError('the order entry token must have at least 16 characters')
  const app = orderEntryApp(options)
  const { host: hostname, port } = options
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, hostname, port }, (address) => {
      server.off('error', reject)
      const host = hostname.includes(':') ? `[${hostname}]` : hostname
      resolve({ url: `http://${host}:${address.port}`, close: () => closeServer(server) })
    })
    server.once('error', reject)
  })
}

/** Lets requests under way finish, but not wait on a peer that has gone quiet. */
function closeServer(server: ServerType): Promise<void> {
  return new Promise((resolve) => {
    const closeAll = () => 'closeAllConnections' in server && server.closeAllConnections()
    const timer = setTimeout(closeAll, requestsDrainMs)
    server.close(() => {
      clearTimeout(timer)
      resolve()
    })
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  })
}

function orderEntryApp(options: OrderEntryOptions): Hono {
  const app = new Hono()
  const tooLarge = () => {
    throw new Problem(413, 'body_too_large', `Send at most ${options.limits.orderBodyBytesMax} bytes.`)
  }
  app.get('/healthz', (context) => {
    const { streamUp, logPosition, publishedPosition, watchedAccounts, commands } = options.status()
    const positions = { logPosition: `${logPosition}`, publishedPosition: `${publishedPosition}` }
    return context.json({ status: streamUp ? 'ok' : 'stream_down', streamUp, ...positions, watchedAccounts, commands })
  })
  app.use('*', async (context, next) => {
    if (!presentsToken(context.req.header('authorization'), options.token)) {
      throw new Problem(401, 'unauthorized', 'Send the order entry token as `Authorization: Bearer …`.')
    }
    await next()
  })
  app.use('*', bodyLimit({ maxSize: options.limits.orderBodyBytesMax, onError: tooLarge }))
  app.post('/orders', async (context) => placeOrder(context, options))
  app.delete('/orders/:id', async (context) => cancelOrder(context, options))
  app.get('/prices', (context) => context.json({ prices: quoteViews(options.desk.market()) }))
  app.get('/accounts', (context) => listAccounts(context, options))
  app.get('/accounts/:id', (context) => {
    const state = options.desk.account(resolveAccount(context.req.param('id'), options))
    if (state === undefined) throw noAccount(context.req.param('id'))
    return context.json(accountView(state, options.desk.market()))
  })
  app.notFound((context) =>
    new Problem(404, 'not_found', `There is no ${context.req.method} ${context.req.path} here.`).answer(),
  )
  app.onError((error) => answerError(error, options.log))
  return app
}

function answerError(error: Error, log: Log): Response {
  if (error instanceof Problem) return error.answer()
  if (error instanceof LogUnavailable) {
    log.error({ err: error }, 'an order could not be recorded')
    return new Problem(503, 'log_unavailable', 'Nothing was done; send the same order again later.').answer({
      'retry-after': '1',
    })
  }
  log.error({ err: error }, 'order entry failed')
  return new Problem(500, 'internal_error', 'Something went wrong on our side; the log has the cause.').answer()
}

function presentsToken(header: string | undefined, token: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(header ?? ''), digest(`Bearer ${token}`))
}

const noAccount = (name: string) => new Problem(404, 'account_not_found', `The engine has no account ${name}.`)

/** An account by its id or by the beginning of it, where that fits only one. */
function resolveAccount(name: string, { wal, desk }: OrderEntryOptions): string {
  const prefix = name.toLowerCase()
  if (prefix.length < prefixLengthMin || !/^[0-9a-f-]{1,36}$/.test(prefix)) throw noAccount(name)
  const [found, another] = wal.accountIds({ prefix, after: '', limit: 2 })
  if (found === undefined) throw noAccount(name)
  if (another !== undefined) {
    throw new Problem(409, 'ambiguous_account', `Several accounts begin with ${name}; give more of the id.`)
  }
  // Its opening was refused, or it is the log of a historical run.
  if (desk.account(found)?.status === 'unopened') throw noAccount(name)
  return found
}

function listAccounts(context: Context, { desk, wal, limits }: OrderEntryOptions): Response {
  const { after, limit } = parsePage(context.req.query(), limits.accountsPageMax)
  const found = wal.accountIds({ prefix: '', after, limit: limit + 1 })
  const page = found.slice(0, limit)
  const market = desk.market()
  const accounts = page.flatMap((accountId) => {
    const state = desk.account(accountId)
    // Never opened, or the log of a historical run.
    if (state === undefined || state.status === 'unopened') return []
    const { positions, orders, ...summary } = accountView(state, market)
    return [{ ...summary, positionCount: positions.length, workingOrderCount: orders.length }]
  })
  return context.json({ accounts, next: found.length > limit ? (page.at(-1) ?? null) : null })
}

async function placeOrder(context: Context, options: OrderEntryOptions): Promise<Response> {
  const form = await parseOrderForm(context.req.raw)
  const accountId = resolveAccount(form.accountId, options)
  const order = orderRequestOf(form, accountId)
  const fingerprint = fingerprintOf(order)
  const answer = await options.desk.submit({ kind: 'place_order', accountId, order, fingerprint })
  switch (answer.kind) {
    case 'recorded':
      return orderAnswer(answer.events, false)
    case 'repeated':
      if (answer.entry.fingerprint !== fingerprint) {
        const detail = `Client order id ${form.clientOrderId} stands for another order of this account; use a new one.`
        throw new Problem(409, 'client_order_id_reused', detail)
      }
      return orderAnswer(recordedEvents(answer.entry, options.wal), true)
    default:
      throw noAccount(form.accountId)
  }
}

function orderRequestOf(form: OrderForm, accountId: string): OrderRequest {
  const { accountId: _named, ...facts } = form
  const orderId = form.clientOrderId === null ? randomUUID() : clientOrderUuid(accountId, form.clientOrderId)
  return { ...facts, orderId }
}

/** The same order gives the same digest, however its decimals are written. */
function fingerprintOf(order: OrderRequest): string {
  const decimals = [order.quantity, order.limitPrice, order.stopPrice, order.takeProfit, order.stopLoss]
  const facts = [
    order.symbol,
    order.side,
    order.orderType,
    order.timeInForce,
    ...decimals.map((value) => (value === null ? null : plainText(decimal(value)))),
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

function recordedEvents(entry: InboxEntry, wal: Wal): EngineEvent[] {
  const { accountId, firstSequence, lastSequence } = entry
  const stored = wal.eventsOf(accountId, firstSequence, lastSequence, lastSequence - firstSequence + 1)
  return stored.map((event) => JSON.parse(event.body) as EngineEvent)
}

/** 201 for a new order, 200 for one that was placed before, 422 with the reason for a rejected one. */
function orderAnswer(events: readonly EngineEvent[], replayed: boolean): Response {
  const order = orderView(events)
  if (order.status === 'rejected') {
    const problem = new Problem(422, order.reasonCode ?? 'rejected', order.reason ?? 'The order was rejected.')
    return problem.answer({}, { order, replayed })
  }
  return Response.json({ order, replayed }, { status: replayed ? 200 : 201 })
}

async function cancelOrder(context: Context, { desk, wal }: OrderEntryOptions): Promise<Response> {
  const orderId = (context.req.param('id') ?? '').toLowerCase()
  const entry = wal.inboxEntry(orderId)
  const events = entry === undefined ? [] : recordedEvents(entry, wal)
  const placed = events.some((event) => event.type === 'OrderPlaced' && event.data.orderId === orderId)
  if (entry === undefined || !placed) throw new Problem(404, 'order_not_found', `There is no order ${orderId}.`)
  const answer = await desk.submit({ kind: 'cancel_order', accountId: entry.accountId, orderId })
  if (answer.kind !== 'recorded') {
    throw new Problem(
      409,
      'order_not_working',
      'The order is filled, cancelled or expired already; there is nothing to cancel.',
    )
  }
  return Response.json({ order: orderView([...events, ...answer.events]), replayed: false })
}
