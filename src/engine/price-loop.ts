/**
 * Looks at the market at a steady pace for the accounts that it concerns. Accounts go through the desk in slices, so
 * that commands and orders arriving meanwhile are not kept waiting.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { Desk } from './desk.ts'

const sliceAccounts = 32

/** Runs until the signal. */
export async function followPrices(options: {
  desk: Desk
  tickIntervalMs: number
  log: Log
  signal: AbortSignal
}): Promise<void> {
  const { desk, signal, log } = options
  let failing = false
  while (!signal.aborted) {
    const startedAtMs = performance.now()
    const accounts = desk.watched()
    for (let from = 0; from < accounts.length && !signal.aborted; from += sliceAccounts) {
      const slice = accounts.slice(from, from + sliceAccounts)
      const results = await Promise.allSettled(slice.map((accountId) => desk.submit({ kind: 'market', accountId })))
      const failure = results.find((result) => result.status === 'rejected')
      if (failure !== undefined && !failing) log.error({ err: failure.reason }, 'the market could not be followed')
      failing = failure !== undefined
    }
    const restMs = Math.max(1, options.tickIntervalMs - (performance.now() - startedAtMs))
    await delay(restMs, undefined, { signal, ref: false }).catch((error: unknown) => {
      if (!signal.aborted) throw error
    })
  }
}
