/**
 * Work that is due at a time: retries, expiry, sweeps, timers. Rows that are due are looked up in bounded batches and
 * worked on side by side, the keys taking turns, so that one key with much or slow work holds up nobody but itself. What
 * is due is kept elsewhere, and work may be handed out twice: it first checks whether it is still to be done.
 */

import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import { createAlarm } from '../runtime/alarm.ts'
import { createLru } from '../runtime/lru.ts'

export interface DueItem {
  id: string
  /** What takes turns, and what order is kept within: an account, an endpoint. */
  key: string
}

export interface DueWorkLimits {
  /** Items worked on at once, and those of one key. With 1 of a key its order holds: one that fails holds up the rest. */
  concurrencyMax: number
  keyConcurrencyMax: number
  /** Items of one key that wait in memory; further ones are found when it is their turn. */
  keyQueueMax: number
  /** Items that one query finds. */
  batchMax: number
  /** Longest time between two queries. */
  pollIntervalMs: number
  /** Waits after a failure, which double from the first to the second. */
  retryMinMs: number
  retryMaxMs: number
  /** Time for work under way at the stop; after it the work is interrupted. */
  drainMs: number
}

/** How much of such work goes on at once, and how it is tried again, where the work itself does not say. */
export type Pace = Pick<DueWorkLimits, 'concurrencyMax' | 'retryMinMs' | 'retryMaxMs' | 'drainMs'>

export const usualPace: Pace = { concurrencyMax: 4, retryMinMs: 500, retryMaxMs: 60_000, drainMs: 5_000 }

export interface DueWorkOptions<Item extends DueItem> {
  /** In the log, what kind of work it is. */
  name: string
  /** Items due at `now`, in the order in which they are to be done; at most `keyMax` of one key and `limit` in all. */
  findDue(bounds: { now: Date; keyMax: number; limit: number }): Promise<readonly Item[]>
  /** Does the work of one item, if it is still due. `signal` interrupts it. A throw has it done again after a pause. */
  work(item: Item, signal: AbortSignal): Promise<void>
  limits: DueWorkLimits
  log: Log
  now: () => Date
  /** From 0 to 1, 1 excluded. */
  random?: () => number
}

export interface DueWork<Item extends DueItem> {
  /** An item that may be due now, without waiting for a query. Without effect while the work does not run. */
  offer(item: Item): void
  /** Something becomes due at this time, which may be earlier than the next query. */
  wakeAt(time: Date): void
  /** Runs until `signal` aborts and what was under way has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Items that are worked on now. */
  underWay(): number
}

interface KeyQueue<Item> {
  waiting: Map<string, Item>
  active: number
}

/** Failed items, or keys, whose pause is remembered. */
const FAILED_MAX = 10_000
/** Least time between two queries, however often something becomes due. */
const POLL_GAP_MIN_MS = 20

/** The wait after the n-th failure in a row, from 1: it doubles, and chance takes away up to a half of it. */
export function backoffMs(
  failures: number,
  { retryMinMs, retryMaxMs }: Pick<DueWorkLimits, 'retryMinMs' | 'retryMaxMs'>,
  random: () => number,
): number {
  return Math.min(retryMaxMs, retryMinMs * 2 ** (failures - 1)) * (1 - random() / 2)
}

export function createDueWork<Item extends DueItem>(options: DueWorkOptions<Item>): DueWork<Item> {
  const { name, limits, log, now, random = Math.random } = options
  const queues = new Map<string, KeyQueue<Item>>()
  const underWay = new Map<string, Promise<void>>()
  const failed = createLru<string, { failures: number; notBeforeMs: number }>(FAILED_MAX)
  const alarm = createAlarm()
  const keepsOrder = limits.keyConcurrencyMax === 1
  const pauseOf = ({ id, key }: Item): string => (keepsOrder ? key : id)
  /** Set while it runs. */
  let interrupt: AbortController | undefined

  /** Where the order holds, what comes behind a failure waits for the look-up that finds both. */
  function offer(item: Item): void {
    if (!keepsOrder || !failed.has(item.key)) take(item, performance.now())
  }

  function take(item: Item, nowMs: number): void {
    if (!interrupt || underWay.has(item.id)) return
    if ((failed.peek(pauseOf(item))?.notBeforeMs ?? 0) > nowMs) return
    const queue = queues.get(item.key) ?? { waiting: new Map(), active: 0 }
    queues.set(item.key, queue)
    if (queue.waiting.has(item.id) || queue.waiting.size < limits.keyQueueMax) queue.waiting.set(item.id, item)
    startWhatFits()
  }

  /** Goes round the keys, one item of each at a time, as long as there is room. */
  function startWhatFits(): void {
    for (let started = true; started; ) {
      started = false
      for (const queue of queues.values()) {
        if (!interrupt || underWay.size >= limits.concurrencyMax) return
        const [next] = queue.waiting.values()
        if (next === undefined || queue.active >= limits.keyConcurrencyMax) continue
        queue.waiting.delete(next.id)
        start(next, queue, interrupt.signal)
        started = true
      }
    }
  }

  function start(item: Item, queue: KeyQueue<Item>, signal: AbortSignal): void {
    queue.active += 1
    const work = options
      .work(item, signal)
      .then(
        () => void failed.delete(pauseOf(item)),
        (err: unknown) => postpone(item, queue, err),
      )
      .then(() => {
        queue.active -= 1
        underWay.delete(item.id)
        // To the end of the round, so that the key just served comes last.
        queues.delete(item.key)
        if (queue.active > 0 || queue.waiting.size > 0) queues.set(item.key, queue)
        startWhatFits()
      })
    underWay.set(item.id, work)
  }

  /** Where the order holds, what waits behind it is found again after it. */
  function postpone(item: Item, queue: KeyQueue<Item>, err: unknown): void {
    const failures = (failed.get(pauseOf(item))?.failures ?? 0) + 1
    const waitMs = backoffMs(failures, limits, random)
    failed.set(pauseOf(item), { failures, notBeforeMs: performance.now() + waitMs })
    if (keepsOrder) queue.waiting.clear()
    alarm.set(waitMs)
    log.warn({ err, work: name, id: item.id, key: item.key, failures }, 'due work failed; it will be done again')
  }

  async function poll(): Promise<void> {
    const { keyQueueMax: keyMax, batchMax: limit } = limits
    const found = await options.findDue({ now: now(), keyMax, limit })
    // One moment for all of them: a pause that ends between two would let the second go before the first.
    const nowMs = performance.now()
    for (const item of found) take(item, nowMs)
  }

  async function pollUntil(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      alarm.clear()
      await poll().then(
        () => {
          failures = 0
        },
        (err: unknown) => {
          failures += 1
          log.warn({ err, work: name, failures }, 'due work could not be looked up; it will be tried again')
        },
      )
      await delay(Math.min(POLL_GAP_MIN_MS, limits.pollIntervalMs), undefined, { signal }).catch(() => undefined)
      await alarm.wait(failures === 0 ? limits.pollIntervalMs : backoffMs(failures, limits, random), signal)
    }
  }

  return {
    offer,
    wakeAt: (time) => alarm.set(time.getTime() - now().getTime()),
    underWay: () => underWay.size,
    async run(signal) {
      interrupt = new AbortController()
      await pollUntil(signal)
      const stopping = interrupt
      interrupt = undefined
      queues.clear()
      const ended = Promise.all(underWay.values())
      await Promise.race([ended, delay(limits.drainMs, undefined, { signal: stopping.signal })])
      stopping.abort()
      await ended
    },
  }
}
