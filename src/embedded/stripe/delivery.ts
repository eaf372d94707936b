/**
 * Sends the stand-in's events, signed as Stripe signs them, in the order in which they happened. One that is not taken is sent
 * again, later and later; others wait for none.
 */
import { createHmac } from 'node:crypto'
import type { StripeStore } from './store.ts'

export interface DeliveryOptions {
  store: StripeStore
  nowMs: () => number
  /** Where events go; undefined: nobody listens yet, and they wait. */
  target: () => string | undefined
  /** Of the live account, and of the one for tests. */
  secretOf: (livemode: boolean) => string
}

const ATTEMPTS_MAX = 40
const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 60_000
const TIMEOUT_MS = 10_000
/** How often it is looked whether somebody listens. */
const IDLE_MS = 500

export const signatureOf = (payload: string, secret: string, atS: number): string =>
  `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${payload}`).digest('hex')}`

export function startDelivery({ store, nowMs, target, secretOf }: DeliveryOptions) {
  const stopping = new AbortController()
  let rouse: () => void = () => undefined
  const pause = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms)
      rouse = () => {
        clearTimeout(timer)
        resolve()
      }
    })

  async function send(url: string, json: string, livemode: boolean): Promise<boolean> {
    const headers = {
      'content-type': 'application/json',
      'stripe-signature': signatureOf(json, secretOf(livemode), Math.floor(nowMs() / 1_000)),
    }
    const signal = AbortSignal.any([stopping.signal, AbortSignal.timeout(TIMEOUT_MS)])
    try {
      const response = await fetch(url, { method: 'POST', headers, body: json, signal, redirect: 'error' })
      await response.arrayBuffer()
      return response.ok
    } catch {
      // Nobody there, or no answer in time: it is sent again.
      return false
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      const next = store.nextEvent()
      const url = target()
      const waitMs = next && url !== undefined ? next.dueAtMs - nowMs() : IDLE_MS
      if (!next || url === undefined || waitMs > 0) {
        await pause(Math.min(IDLE_MS, waitMs))
        continue
      }
      const isTaken = await send(url, next.json, next.livemode)
      if (stopping.signal.aborted) return
      const attempts = next.attempts + 1
      const retryMs = Math.min(RETRY_MAX_MS, RETRY_MIN_MS * 2 ** Math.min(attempts - 1, 20))
      store.noteAttempt(next.id, attempts, isTaken || attempts >= ATTEMPTS_MAX ? null : nowMs() + retryMs)
    }
  }

  const running = run()
  return {
    /** There may be something to send. */
    rouse: () => rouse(),
    async stop(): Promise<void> {
      stopping.abort()
      rouse()
      await running
    },
  }
}
