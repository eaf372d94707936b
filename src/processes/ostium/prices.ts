/**
 * Prices from their source: a stream (ws:) or a list that is asked for (http:). The connection is made anew for ever, with waits
 * that grow and vary; silence counts as a broken one, even where the socket looks open. What is no price is dropped and counted.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../../log.ts'
import { type Tick, tick } from './tick.ts'

export interface PriceHealth {
  isUp: boolean
  ticks: number
  dropped: number
}

export const newPriceHealth = (): PriceHealth => ({ isUp: false, ticks: 0, dropped: 0 })

export interface PriceOptions {
  url: string
  pollMs: number
  silenceMaxMs: number
  onTick: (tick: Tick) => void
  /** Called once when prices stop coming, and again only after they have come. */
  onInterrupted: () => void
  health: PriceHealth
  log: Pick<Log, 'warn'>
  signal: AbortSignal
  /** Between 0 and 1; default: chance. */
  jitter?: () => number
}

const BACKOFF_MIN_MS = 100
const BACKOFF_MAX_MS = 10_000
/** A longer message is no price. */
const MESSAGE_MAX_BYTES = 1_048_576

/** Runs until `signal` aborts. */
export async function runPrices(options: PriceOptions): Promise<void> {
  const { url, onInterrupted, health, log, signal, jitter = Math.random } = options
  const take = createIntake(options)
  let failures = 0
  while (!signal.aborted) {
    const before = health.ticks
    try {
      await (url.startsWith('http') ? poll : listen)(options, take)
    } catch (err) {
      if (signal.aborted) break
      if (health.isUp || failures === 0) log.warn({ err }, 'prices do not come')
    }
    if (health.isUp) onInterrupted()
    health.isUp = false
    failures = health.ticks > before ? 1 : failures + 1
    const waitMs = Math.min(BACKOFF_MAX_MS, BACKOFF_MIN_MS * 2 ** Math.min(failures, 10)) * jitter()
    await delay(waitMs, undefined, { signal }).catch(() => undefined)
  }
  health.isUp = false
}

type Take = (text: string) => void

/** Takes one message in: a tick, or a list of them. */
function createIntake({ onTick, health }: PriceOptions): Take {
  /** Of each feed, the time of its last tick. */
  const times = new Map<string, number>()
  const takeOne = (given: unknown) => {
    const { success, data } = tick.safeParse(given)
    const isOld = success && data.timestampSeconds < (times.get(data.feed_id) ?? 0)
    if (!success || isOld || data.bid > data.ask) {
      health.dropped += 1
      return
    }
    times.set(data.feed_id, data.timestampSeconds)
    health.ticks += 1
    health.isUp = true
    onTick(data)
  }
  return (text) => {
    const given = parsed(text)
    if (given === undefined) health.dropped += 1
    else for (const each of Array.isArray(given) ? given : [given]) takeOne(each)
  }
}

function parsed(text: string): unknown {
  if (text.length > MESSAGE_MAX_BYTES) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Rejects when the connection ends, is silent for too long, or cannot be made. */
function listen({ url, silenceMaxMs, health, signal }: PriceOptions, take: Take): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>()
  const socket = new WebSocket(url)
  let [seen, heardMs] = [health.ticks, performance.now()]
  const silence = setInterval(() => {
    if (health.ticks > seen) [seen, heardMs] = [health.ticks, performance.now()]
    else if (performance.now() - heardMs > silenceMaxMs) reject(silent(silenceMaxMs))
  }, silenceMaxMs / 5)
  const stop = () => reject(new Error('the process stops'))
  signal.addEventListener('abort', stop, { once: true })
  socket.addEventListener('message', ({ data }) => take(String(data)))
  socket.addEventListener('error', () => reject(new Error('the connection for prices broke')))
  socket.addEventListener('close', ({ code }) => reject(new Error(`the connection for prices was closed (${code})`)))
  return promise.finally(() => {
    clearInterval(silence)
    signal.removeEventListener('abort', stop)
    socket.close()
  })
}

const silent = (ms: number) => new Error(`no price has come for ${ms} ms`)

/** Asks again and again. Rejects when it is not answered. */
async function poll({ url, pollMs, silenceMaxMs, health, signal }: PriceOptions, take: Take): Promise<never> {
  let heardMs = performance.now()
  for (;;) {
    const before = health.ticks
    const asking = { signal: AbortSignal.any([signal, AbortSignal.timeout(silenceMaxMs)]) }
    const answer = await fetch(url, asking)
    if (!answer.ok) throw new Error(`the source of prices answered ${answer.status}`)
    take(await boundedText(answer))
    if (health.ticks > before) heardMs = performance.now()
    else if (performance.now() - heardMs > silenceMaxMs) throw silent(silenceMaxMs)
    await delay(pollMs, undefined, { signal })
  }
}

async function boundedText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    size += chunk.byteLength
    if (size > MESSAGE_MAX_BYTES) throw new Error('the source of prices answered too much')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
