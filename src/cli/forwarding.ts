/** Posts events to an address of a developer's own machine, one after the other, and says what came of each. */
import { setTimeout as delay } from 'node:timers/promises'
import { Agent, fetch } from 'undici'
import type { Sign } from '../webhooks/signing.ts'
import { colours, reasonOf, remark } from './terminal.ts'

export interface ForwardOptions {
  forwardTo: string
  secret: string
  sign: Sign
  headers: Readonly<Record<string, string>>
  skipVerify?: boolean
  retry?: boolean
  /** A line about what came of an event. */
  say(line: string): void
  signal: AbortSignal
}

export interface Message {
  id: string
  eventType: string
  body: string
}

/** A line with the time of day before it. */
export const sayTimed = (line: string): void =>
  void process.stdout.write(`${colours.dim(new Date().toISOString().slice(11, 19))} ${line}\n`)

const ANSWER_MAX_MS = 15_000
/** An address that nobody listens at is tried again so often. */
const UNREACHABLE_RETRY_MS = 1_000
/** Waits before the further sends of `retry`. */
const RETRY_WAITS_MS = [1_000, 2_000, 4_000, 8_000]
const LINE_MAX = 200

/**
 * A function that resolves once the event was answered, or has been given up. An address that cannot be reached is told
 * once, and tried until it can or the signal aborts, so that nothing is lost and nothing overtakes.
 */
export function createForwarder(options: ForwardOptions): { forward(message: Message): Promise<void>; close(): void } {
  const { forwardTo, retry, say, signal } = options
  const agent = new Agent({ connect: { rejectUnauthorized: !options.skipVerify } })
  const path = new URL(forwardTo).pathname
  let isReachable = true

  async function attempt({ id, eventType, body }: Message): Promise<'delivered' | 'refused' | 'unreachable'> {
    const startedMs = performance.now()
    const timestampS = Math.floor(Date.now() / 1_000)
    const signed = options.sign({ id, eventType, deliveryId: id, timestampS, body }, [options.secret])
    try {
      const response = await fetch(forwardTo, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...options.headers, ...signed },
        body,
        redirect: 'manual',
        dispatcher: agent,
        signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MAX_MS)]),
      })
      const text = await response.text()
      const tookMs = Math.round(performance.now() - startedMs)
      const line = response.ok ? '' : ` ${(text.trim().split('\n')[0] ?? '').slice(0, LINE_MAX)}`
      const status = (response.ok ? colours.green : colours.red)(String(response.status))
      say(`<-- ${status} POST ${path} ${tookMs} ms${line.trimEnd()}`)
      isReachable = true
      return response.ok ? 'delivered' : 'refused'
    } catch (error) {
      if (signal.aborted) return 'refused'
      const reason =
        error instanceof Error && error.name === 'TimeoutError' ? `no answer within ${ANSWER_MAX_MS} ms` : undefined
      if (reason) {
        say(`<-- ${colours.red(reason)} POST ${path}`)
        return 'refused'
      }
      if (isReachable) remark(`${forwardTo} cannot be reached: ${reasonOf(error)}. It is tried until it can.`)
      isReachable = false
      return 'unreachable'
    }
  }

  return {
    async forward(message) {
      let sends = 0
      while (!signal.aborted) {
        const outcome = await attempt(message)
        if (outcome === 'delivered') return
        const waitMs = outcome === 'unreachable' ? UNREACHABLE_RETRY_MS : retry ? RETRY_WAITS_MS[sends++] : undefined
        if (waitMs === undefined) return
        await delay(waitMs, undefined, { signal }).catch(() => undefined)
      }
    },
    close: () => void agent.destroy(),
  }
}
