/**
 * A stand-in for Stripe on loopback, for installations that have no account there: it speaks the part of Stripe's HTTP API that
 * a shop needs, so that the same library talks to either. Its state is in a directory of the instance. Its keys are made at
 * the first start and kept there, for the instance's user alone.
 */
import { hash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import { isOwnUser } from '../../runtime/own-user.ts'
import { isPortFree, loopbackHost } from '../ports.ts'
import { handleApi } from './api.ts'
import { createBooks } from './books.ts'
import { accountOf, type StandInKeys } from './caller.ts'
import { checkoutPage, isOutcome, noSuchPage, type Page, seeOther } from './checkout-page.ts'
import { startDelivery } from './delivery.ts'
import { invalidRequest, parseForm, StripeRefusal, textAt } from './form.ts'
import { orderFault } from './orders.ts'
import { openStripeStore } from './store.ts'

export interface StandInOptions {
  directory: string
  /** Where its events are sent; undefined as long as nobody listens. */
  target: () => string | undefined
  /** The clock, for tests; default: the machine's. */
  nowMs?: () => number
}

export interface StripeStandIn {
  /** `http://127.0.0.1:40123` */
  url: string
  keys: StandInKeys
  close(): Promise<void>
}

const BODY_MAX_BYTES = 65_536
const EXPIRY_LOOK_MS = 10_000
const KEY_LENGTH_MAX = 255

const account = z.object({ secretKey: z.string(), webhookSecret: z.string() })
const keptSchema = z.object({ port: z.int(), live: account, test: account })

/** The keys and the port of the start before; made anew where there was none. */
function kept(directory: string): z.output<typeof keptSchema> {
  const file = join(directory, 'account.json')
  if (existsSync(file)) return keptSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  const secret = (prefix: string) => `${prefix}_${randomBytes(24).toString('hex')}`
  const accountFor = (mode: string) => ({ secretKey: secret(`sk_${mode}`), webhookSecret: secret('whsec') })
  return { port: 0, live: accountFor('live'), test: accountFor('test') }
}

function keep(directory: string, account: z.output<typeof keptSchema>): void {
  const file = join(directory, 'account.json')
  writeFileSync(`${file}.new`, JSON.stringify(account), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Serves the directory. It takes the port of the time before where it can, so that links to its pages stay good. */
export async function startStripeStandIn({
  directory,
  target,
  nowMs = Date.now,
}: StandInOptions): Promise<StripeStandIn> {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const account = kept(directory)
  const { port: before, ...keys } = account
  const store = openStripeStore(join(directory, 'stripe.db'), nowMs)
  const books = createBooks(store, nowMs)
  const secretOf = (livemode: boolean) => (livemode ? keys.live : keys.test).webhookSecret
  const delivery = startDelivery({ store, nowMs, target, secretOf })
  let url = ''
  const parts = { store, books, pageOf: (id: string) => `${url}/c/pay/${id}` }

  const endSessions = () =>
    store.transaction(() => {
      for (const session of store.endingSessions(books.nowS())) books.expire(session)
    })

  /** The answer to a request of the API, once for each idempotency key. */
  function answerApi(request: IncomingMessage, livemode: boolean, path: string, text: string): Kept {
    const { method = '' } = request
    const key = method === 'POST' ? request.headers['idempotency-key'] : undefined
    if (typeof key === 'string' && key.length > KEY_LENGTH_MAX) return refusal(invalidRequest('The key is too long.'))
    const fingerprint = hash('sha256', `${path}\n${text}`)
    const known = typeof key === 'string' ? store.answerUnder(livemode, key) : undefined
    if (known && known.fingerprint !== fingerprint) {
      const message =
        'Keys for idempotent requests can only be used with the same parameters they were first used with.'
      return refusal(new StripeRefusal(400, { type: 'idempotency_error', message }))
    }
    if (known) return known
    const failing = store.takeFault('fail_next')
    if (failing !== undefined) {
      return refusal(new StripeRefusal(Number(failing), { type: 'api_error', message: 'It was ordered to fail.' }))
    }
    return store.transaction(() => {
      const answer = attempt(() => handleApi({ method, path, form: parseForm(text), livemode }, parts))
      // Stripe keeps what was executed, a declined card as well; what it could not read it does not keep.
      const isKept = answer.status < 400 || answer.status === 402
      if (typeof key === 'string' && isKept) store.keepAnswer(livemode, key, { fingerprint, ...answer })
      return answer
    })
  }

  function answerPage(method: string, path: string, form: ReturnType<typeof parseForm>): Page {
    const [, id = '', pay] = /^\/c\/pay\/(cs_(?:live|test)_\w+)(\/pay)?$/.exec(path) ?? []
    const session = id === '' ? undefined : store.get('session', id, id.startsWith('cs_live_'))
    if (!session) return noSuchPage()
    if (pay === undefined)
      return checkoutPage(session, 'declined' in form ? 'The card was declined. Choose another way.' : '')
    const outcome = textAt(form, 'outcome')
    if (method !== 'POST' || !isOutcome(outcome)) return { ...checkoutPage(session, 'Choose how to pay.'), status: 400 }
    const done = store.transaction(() => books.pay(session, outcome))
    return seeOther(done === 'declined' ? `${url}/c/pay/${id}?declined` : String(session.success_url))
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? '/', url)
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const text = isRead ? searchParams.toString() : await bodyOf(request)
    endSessions()
    if (pathname.startsWith('/c/'))
      return respond(response, answerPage(request.method ?? '', pathname, parseForm(text)))
    const livemode = accountOf(request, keys)
    if (pathname.startsWith('/_test/')) {
      if (livemode === undefined && !isOwnUser(request.socket)) throw unknownKey()
      const done = store.transaction(() =>
        orderFault(pathname.slice('/_test/'.length), parseForm(text), { store, books }),
      )
      return respond(response, jsonPage(200, done))
    }
    if (livemode === undefined) throw unknownKey()
    const { status, body } = answerApi(request, livemode, pathname, text)
    // The effect is there, its answer is not: the line has broken.
    if (!isRead && store.takeFault('lose_answers') !== undefined) return void response.destroy()
    respond(response, { status, headers: JSON_HEADERS, body })
  }

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000 }, (request, response) => {
    const { host = '' } = request.headers
    // Another name for this address is a page of somebody else's that reaches for it.
    const refused =
      host === new URL(url).host ? answer(request, response) : Promise.reject(invalidRequest('Not this host.'))
    refused.catch((error: unknown) => respond(response, failurePage(error))).finally(() => delivery.rouse())
  })
  const port = await listen(server, before)
  url = `http://${loopbackHost}:${port}`
  keep(directory, { ...account, port })
  const expiring = setInterval(endSessions, EXPIRY_LOOK_MS)
  expiring.unref()
  return {
    ...{ url, keys },
    async close() {
      clearInterval(expiring)
      await delivery.stop()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      store.close()
    },
  }
}

interface Kept {
  status: number
  body: string
}
const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }
const jsonPage = (status: number, body: object): Page => ({ status, headers: JSON_HEADERS, body: JSON.stringify(body) })
const refusal = ({ status, error }: StripeRefusal): Kept => ({ status, body: JSON.stringify({ error }) })
const unknownKey = () => invalidRequest('Invalid API Key provided.', undefined, 401)

function attempt(work: () => object): Kept {
  try {
    return { status: 200, body: JSON.stringify(work()) }
  } catch (error) {
    if (error instanceof StripeRefusal) return refusal(error)
    throw error
  }
}

function failurePage(error: unknown): Page {
  if (error instanceof StripeRefusal) return { headers: JSON_HEADERS, ...refusal(error) }
  const message = error instanceof Error ? error.message : String(error)
  return jsonPage(500, { error: { type: 'api_error', message } })
}

function respond(response: ServerResponse, { status, headers, body }: Page): void {
  response.writeHead(status, headers)
  response.end(body)
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > BODY_MAX_BYTES) throw invalidRequest(`A body has at most ${BODY_MAX_BYTES} bytes.`, undefined, 413)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function listen(server: Server, before: number): Promise<number> {
  const wanted = before !== 0 && (await isPortFree(before)) ? before : 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: loopbackHost, port: wanted, exclusive: true }, () => resolve())
  })
  return (server.address() as AddressInfo).port
}
