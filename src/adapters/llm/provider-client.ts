/**
 * Calls to providers. Each origin has a pool of connections for each connect timeout; a call has a time limit of its own from the
 * moment that it is sent until the last byte of its answer. The answer is read no faster than it is taken.
 */
import { isIP, type LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import { type Dispatcher, Pool } from 'undici'
import { createLru } from '../../runtime/lru.ts'
import { AnswerBody } from './answer-body.ts'
import { inTurns, WRITE_BYTES } from './joined.ts'
import { ProviderFailure } from './provider-failure.ts'

/**
 * The addresses of a host that may be connected to, at least one. Rejects with an Error that says why there is none. It is asked
 * whenever a connection is made, and the connection goes to one of these addresses. What it says once of a host that is an address
 * itself has to hold as long as the process runs.
 */
export type VetHost = (host: string, protocol: string) => Promise<readonly string[]>

export interface ProviderRequest {
  url: string
  headers: Readonly<Record<string, string>>
  /** One after the other; they are not copied. */
  body: readonly Buffer[]
  /** For TCP and TLS. */
  connectTimeoutMs: number
  /** From the moment that it is sent, for the first byte and the whole body. */
  timeoutMs: number
}

export interface ProviderAnswer {
  status: number
  /** Lower case, and only those that clients may see. */
  headers: Record<string, string>
  body: AnswerBody
}

export interface RunningCall {
  /** Rejects with ProviderFailure. */
  answer: Promise<ProviderAnswer>
  /** Whether the provider may have begun with it: then it may be billed whatever comes. */
  readonly isSent: boolean
  /** Ends it at once, wherever it stands. */
  abort(): void
}

export interface ProviderClient {
  call(request: ProviderRequest): RunningCall
  /** Ends all connections, those in use too. */
  close(): Promise<void>
}

/** A provider's address, in the parts that sending takes. */
interface Destination {
  origin: string
  path: string
  protocol: string
  /** Where the host is an address itself, which is not looked up, and nobody has said yet whether it may be connected to. */
  unvetted: string | undefined
}

/** Addresses whose parts are remembered. */
const DESTINATIONS_MAX = 1_000

/** Pools kept; beyond, the one that was used longest ago goes. */
const POOLS_MAX = 200
const KEEP_ALIVE_MS = 30_000
const PASSED_ON = ['content-type', 'retry-after', 'retry-after-ms', 'request-id', 'x-request-id']

export interface ProviderClientOptions {
  vet: VetHost
  /** Of an answer that nobody has taken yet; half of it may lie here, the other half with the client's connection. */
  waitingMaxBytes?: number
}

/** Where its caller names no other one; the setting is STREAM_WAITING_MAX_BYTES. */
const WAITING_MAX_BYTES = 262_144

export function createProviderClient({
  vet,
  waitingMaxBytes = WAITING_MAX_BYTES,
}: ProviderClientOptions): ProviderClient {
  const pools = new Map<string, Pool>()
  const destinations = createLru<string, Destination>(DESTINATIONS_MAX)

  function destinationOf(text: string): Destination {
    const known = destinations.get(text)
    if (known) return known
    const { origin, pathname, search, protocol, hostname } = new URL(text)
    const host = hostname.replace(/^\[|\]$/g, '')
    const found = { origin, path: pathname + search, protocol, unvetted: isIP(host) === 0 ? undefined : host }
    destinations.set(text, found)
    return found
  }

  function poolFor(origin: string, connectTimeoutMs: number): Pool {
    const key = `${origin} ${connectTimeoutMs}`
    const known = pools.get(key)
    if (known) pools.delete(key)
    const pool = known ?? createPool(origin, connectTimeoutMs, vet)
    pools.set(key, pool)
    if (pools.size > POOLS_MAX) retire(pools)
    return pool
  }

  return {
    call(request) {
      const destination = destinationOf(request.url)
      const { origin, path, protocol, unvetted } = destination
      const call = new Call(request, waitingMaxBytes / 2)
      const send = () => call.send(poolFor(origin, request.connectTimeoutMs), path)
      const sendVetted = () => {
        destination.unvetted = undefined
        send()
      }
      if (unvetted === undefined) send()
      else
        vet(unvetted, protocol).then(sendVetted, (error: Error) =>
          call.fail(new ProviderFailure('network_error', error.message)),
        )
      return call
    },
    async close() {
      const open = [...pools.values()]
      pools.clear()
      await Promise.all(open.map((pool) => pool.destroy()))
    },
  }
}

function retire(pools: Map<string, Pool>): void {
  const [oldest] = pools
  if (!oldest) return
  pools.delete(oldest[0])
  // Its calls end first. What goes wrong at its end concerns nobody any more.
  oldest[1].close().catch(() => undefined)
}

function createPool(origin: string, connectTimeoutMs: number, vet: VetHost): Pool {
  const { protocol } = new URL(origin)
  const lookup: LookupFunction = (host, options, done) => {
    vet(host, protocol).then(
      (found) => {
        const addresses = found.map((address) => ({ address, family: isIP(address) }))
        const [first] = addresses
        if (options.all) done(null, addresses)
        else done(null, first?.address ?? '', first?.family ?? 4)
      },
      (error: Error) => done(error, '', 4),
    )
  }
  return new Pool(origin, {
    connect: { timeout: connectTimeoutMs, lookup },
    keepAliveTimeout: KEEP_ALIVE_MS,
    // The call's own limit covers both.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
}

class Call implements RunningCall, Dispatcher.DispatchHandler {
  readonly answer: Promise<ProviderAnswer>
  isSent = false
  private readonly request: ProviderRequest
  private readonly body: AnswerBody
  private controller: Dispatcher.DispatchController | undefined
  private timer: NodeJS.Timeout | undefined
  private failure: ProviderFailure | undefined
  private resolve!: (answer: ProviderAnswer) => void
  private reject!: (failure: ProviderFailure) => void

  constructor(request: ProviderRequest, highBytes: number) {
    this.request = request
    this.answer = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
    // Whoever aborts a call may not wait for its answer.
    this.answer.catch(() => undefined)
    const flow = {
      resume: () => this.controller?.resume(),
      pause: () => this.controller?.pause(),
      leave: () => this.abort(),
    }
    this.body = new AnswerBody(flow, highBytes)
  }

  send(pool: Pool, path: string): void {
    if (this.failure) return
    const { body, connectTimeoutMs, timeoutMs } = this.request
    const length = body.reduce((sum, piece) => sum + piece.length, 0)
    const headers = { ...this.request.headers, 'content-length': String(length), 'accept-encoding': 'identity' }
    const whole = body.length === 1 && length <= WRITE_BYTES ? body[0]! : Readable.from(inTurns(body))
    pool.dispatch({ path, method: 'POST', headers, body: whole }, this)
    // Until it is sent, connecting is what takes time; the pool has that limit too, but not to the millisecond.
    if (!this.isSent && !this.failure) this.startTimer(connectTimeoutMs + timeoutMs)
  }

  abort(): void {
    this.fail(new ProviderFailure('client_disconnect', 'The client left.'))
  }

  fail(failure: ProviderFailure): void {
    clearTimeout(this.timer)
    if (this.failure || this.body.isComplete) return
    this.failure = failure
    this.reject(failure)
    this.body.fail(failure)
    this.controller?.abort(failure)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.failure) controller.abort(this.failure)
    else {
      this.isSent = true
      this.startTimer(this.request.timeoutMs)
    }
  }

  onResponseStart(_controller: unknown, status: number, headers: Record<string, string | string[] | undefined>): void {
    if (status < 200) return
    const shown: Record<string, string> = {}
    for (const name of PASSED_ON) {
      const value = headers[name]
      if (value !== undefined) shown[name] = String(value)
    }
    this.resolve({ status, headers: shown, body: this.body })
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.body.push(chunk)
  }

  onResponseEnd(): void {
    clearTimeout(this.timer)
    this.body.end()
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(failureOf(error))
  }

  private startTimer(ms: number): void {
    clearTimeout(this.timer)
    const late = () =>
      this.fail(new ProviderFailure('request_timeout', `The provider took longer than ${this.request.timeoutMs} ms.`))
    this.timer = setTimeout(late, ms)
  }
}

function failureOf(error: Error & { code?: string }): ProviderFailure {
  if (error.code === 'UND_ERR_CONNECT_TIMEOUT') {
    return new ProviderFailure('tcp_connect_timeout', 'The provider did not take the connection in time.')
  }
  return new ProviderFailure(
    'network_error',
    error.code === undefined ? error.message : `${error.message} (${error.code})`,
  )
}
