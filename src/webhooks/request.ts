/**
 * One request to an endpoint, within one deadline that covers everything from the name's resolution to the end of the
 * answer. Every address that the name resolves to is vetted, and the connection goes to one of those and to no other:
 * what the name says a moment later does not matter. Redirects are answers like any other.
 */
import { Resolver } from 'node:dns/promises'
import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import { Rejected, type RejectedBy } from '../commands/rejection.ts'
import { bareHost, isLocalhost, mayConnect, webhookUrl } from './address.ts'

/** Every address of a name, v4 and v6. An empty list or a throw: there is none to be had. */
export type Resolve = (host: string) => Promise<readonly string[]>

export interface WebhookRequest {
  url: string
  headers: Readonly<Record<string, string>>
  body: string
}

export interface RequestLimits {
  /** For the whole of it. */
  timeoutMs: number
  /** Of the answer's body that is kept; what follows is not waited for. */
  excerptMaxBytes: number
  /** Development only: loopback may be called, with plain http too. */
  allowLoopback: boolean
}

export type ErrorClass =
  | 'url_refused'
  | 'address_refused'
  | 'dns_failed'
  | 'connection_refused'
  | 'connection_reset'
  | 'connection_failed'
  | 'tls_failed'
  | 'protocol_error'
  | 'timeout'
  | 'interrupted'

/** `status` and `excerpt` are what had come of the answer. */
export type WebhookAnswer =
  | { kind: 'answered'; status: number; retryAfter: string | undefined; excerpt: string }
  | { kind: 'failed'; errorClass: ErrorClass; message: string; status: number | null; excerpt: string | null }

/** Within the time limit of the attempt, which is a setting: a name server that is lost is asked once more. */
const DNS_TIMEOUT_MS = 3_000
const DNS_TRIES_MAX = 2

/**
 * Asks the name servers directly, so that names which take long occupy no thread of the process. Names of this machine
 * are not asked for.
 */
export function createResolve(): Resolve {
  const resolver = new Resolver({ timeout: DNS_TIMEOUT_MS, tries: DNS_TRIES_MAX })
  return async (host) => {
    if (isLocalhost(host)) return ['127.0.0.1', '::1']
    const [v4, v6] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
    const found = [v4, v6].flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
    if (found.length === 0 && v4.status === 'rejected') throw v4.reason
    return found
  }
}

/**
 * Rejects with webhook_url_refused where the URL's name resolves to an address that is not called. A name that does not
 * resolve yet may be set: what it resolves to later is looked at whenever a connection is made.
 */
export async function refuseIfPrivate(
  url: URL,
  { allowLoopback }: { allowLoopback: boolean },
  resolve: Resolve,
  Refused: RejectedBy<'webhook_url_refused'>,
): Promise<void> {
  const host = bareHost(url)
  const found = isIP(host) === 0 ? await resolve(host).catch(() => []) : []
  if (found.every((address) => mayConnect(address, url.protocol, allowLoopback))) return
  const detail = `${host} resolves to an address that is not of the public internet.`
  throw new Refused('webhook_url_refused', detail, '/url')
}

class Failure extends Error {
  override name = 'Failure'
  readonly errorClass: ErrorClass
  constructor(errorClass: ErrorClass, message: string) {
    super(message)
    this.errorClass = errorClass
  }
}

/** Sends the request and never throws: whatever happens is an answer. `signal` interrupts it. */
export async function sendWebhook(
  { url: text, headers, body }: WebhookRequest,
  limits: RequestLimits,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<WebhookAnswer> {
  // A timer that is put out at the end: an unfinished one would keep the process, or the garbage, waiting for it.
  const expiry = new AbortController()
  const timer = setTimeout(() => expiry.abort(), limits.timeoutMs)
  const deadline = expiry.signal
  const ended = AbortSignal.any([deadline, signal])
  const heard: { status: number | null; excerpt: Uint8Array[] } = { status: null, excerpt: [] }
  const excerpt = () => readable(heard.excerpt, limits.excerptMaxBytes)
  try {
    const url = webhookUrl(text, limits, Rejected)
    const addresses = await before(ended, vetted(url, limits.allowLoopback, resolve))
    const options: RequestOptions = { method: 'POST', headers, agent: false, lookup: pinned(addresses), signal: ended }
    const sent = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options)
    const response = await responseTo(sent, body)
    heard.status = response.statusCode ?? 0
    await readExcerpt(response, heard.excerpt, limits.excerptMaxBytes)
    const retryAfter = response.headers['retry-after']
    return { kind: 'answered', status: heard.status, retryAfter, excerpt: excerpt() }
  } catch (error) {
    const { errorClass, message } = failureOf(error, { deadline, signal, timeoutMs: limits.timeoutMs })
    return {
      kind: 'failed',
      errorClass,
      message,
      status: heard.status,
      excerpt: heard.status === null ? null : excerpt(),
    }
  } finally {
    clearTimeout(timer)
  }
}

/** The addresses to connect to. Throws a Failure where there is none, or a single one that may not be connected to. */
export async function vetted(url: URL, allowLoopback: boolean, resolve: Resolve): Promise<readonly string[]> {
  const host = bareHost(url)
  // An address as such was vetted with the URL; the connection would not ask for it to be looked up.
  if (isIP(host) !== 0) return [host]
  const found = await resolve(host).catch((error: NodeJS.ErrnoException) => {
    throw new Failure('dns_failed', `${host} cannot be resolved: ${error.code ?? error.message}`)
  })
  if (found.length === 0) throw new Failure('dns_failed', `${host} has no address`)
  if (found.every((address) => mayConnect(address, url.protocol, allowLoopback))) return found
  // Which address it was stays here: it may come from a name server that the endpoint's owner cannot ask.
  throw new Failure('address_refused', `${host} resolves to an address that is not of the public internet`)
}

/** A look-up that knows these addresses and no others. */
export function pinned(addresses: readonly string[]): LookupFunction {
  const known = addresses.map((address) => ({ address, family: isIP(address) }))
  return (_, options, callback) => {
    const fitting = options.family ? known.filter(({ family }) => family === options.family) : known
    if (options.all) return callback(null, fitting)
    const [first] = fitting
    if (first) return callback(null, first.address, first.family)
    callback(Object.assign(new Error('no address of this family'), { code: 'ENOTFOUND' }), '', 0)
  }
}

function responseTo(sent: ClientRequest, body: string): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    sent.on('response', resolve)
    sent.on('error', reject)
    sent.on('upgrade', (_, socket) => {
      socket.destroy()
      reject(new Failure('protocol_error', 'the endpoint wants another protocol'))
    })
    sent.end(body)
  })
}

/** Reads the beginning of the body; the rest is cut off with the connection. */
async function readExcerpt(response: IncomingMessage, into: Uint8Array[], maxBytes: number): Promise<void> {
  let length = 0
  for await (const chunk of response as AsyncIterable<Uint8Array>) {
    into.push(chunk)
    length += chunk.byteLength
    if (length >= maxBytes) return
  }
}

/** As text that can be stored: what is not UTF-8 is replaced, and so is NUL. */
const readable = (chunks: readonly Uint8Array[], maxBytes: number): string =>
  new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBytes)).replaceAll('\0', '\uFFFD')

/** Rejects when the signal aborts, for work that knows no signals. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}

const classes: readonly (readonly [RegExp, ErrorClass])[] = [
  [/^ECONNREFUSED$/, 'connection_refused'],
  [/^(ECONNRESET|EPIPE|ECONNABORTED)$/, 'connection_reset'],
  [/^(ENOTFOUND|EAI_\w+)$/, 'dns_failed'],
  [/^(EPROTO|ERR_TLS_\w+|ERR_SSL_\w+|CERT_\w+|\w*SELF_SIGNED\w*|UNABLE_TO_\w+|HOSTNAME_MISMATCH)$/, 'tls_failed'],
  [/^HPE_/, 'protocol_error'],
]

function failureOf(
  error: unknown,
  { deadline, signal, timeoutMs }: { deadline: AbortSignal; signal: AbortSignal; timeoutMs: number },
): { errorClass: ErrorClass; message: string } {
  if (error instanceof Failure) return error
  if (error instanceof Rejected) return { errorClass: 'url_refused', message: error.message }
  if (signal.aborted) return { errorClass: 'interrupted', message: 'this side stopped before the endpoint answered' }
  if (deadline.aborted) return { errorClass: 'timeout', message: `no complete answer within ${timeoutMs} ms` }
  const innermost = error instanceof AggregateError ? error.errors[0] : error
  const { code = '', message = String(innermost) } = innermost as NodeJS.ErrnoException
  const [, errorClass = 'connection_failed'] = classes.find(([pattern]) => pattern.test(code)) ?? []
  return { errorClass, message }
}
