/**
 * Makes the attempts that are due: bounded in all and per endpoint, the endpoints taking turns, so that one which hangs
 * holds up nobody but itself. What is due is found in the read models and, for new deliveries, handed over at once;
 * what an attempt rests on is the delivery's own stream, so a row that is behind does no harm.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { ReadModels } from '../../postgres/database.ts'
import { dueDeliveries } from '../../projections/noctant/webhook.ts'
import type { Log } from '../process.ts'

export interface SenderLimits {
  /** Attempts under way at once, and those of one endpoint. */
  concurrencyMax: number
  endpointConcurrencyMax: number
  /** Deliveries waiting in memory for one endpoint; further ones are found when it is their turn. */
  endpointQueueMax: number
  pollIntervalMs: number
  /** Due deliveries that one look finds. */
  pollBatchMax: number
  /** Attempts under way at the stop may take so long; then they are interrupted and made again at the next start. */
  drainMs: number
}

export interface SenderOptions {
  db: ReadModels
  log: Log
  limits: SenderLimits
  now: () => Date
  /** Makes one attempt if it is due. `signal` interrupts it. */
  attempt: (deliveryId: string, signal: AbortSignal) => Promise<void>
}

export interface Sender {
  /** A delivery that may be due now. Without effect while the sender does not run. */
  offer(deliveryId: string, operatorId: string): void
  /** Runs until `signal` aborts and what was under way has ended. */
  run(signal: AbortSignal): Promise<void>
  /** Attempts under way. */
  underWay(): number
}

/** One endpoint's share. */
interface PinnedConnection {
  waiting: Set<string>
  active: number
}

export function createSender({ db, log, limits, now, attempt }: SenderOptions): Sender {
  const lanes = new Map<string, PinnedConnection>()
  const underWay = new Map<string, Promise<void>>()
  let interrupt: AbortController | undefined

  function offer(deliveryId: string, operatorId: string): void {
    if (!interrupt || underWay.has(deliveryId)) return
    const lane = lanes.get(operatorId) ?? { waiting: new Set(), active: 0 }
    lanes.set(operatorId, lane)
    if (lane.waiting.size < limits.endpointQueueMax) lane.waiting.add(deliveryId)
    startWhatFits()
  }

  /** Goes round the lanes, one delivery of each at a time, as long as there is room. */
  function startWhatFits(): void {
    for (let started = true; started; ) {
      started = false
      for (const [operatorId, lane] of lanes) {
        if (!interrupt || underWay.size >= limits.concurrencyMax) return
        if (lane.active >= limits.endpointConcurrencyMax) continue
        const [next] = lane.waiting
        if (next === undefined) continue
        lane.waiting.delete(next)
        start(next, operatorId, lane, interrupt.signal)
        started = true
      }
    }
  }

  function start(deliveryId: string, operatorId: string, lane: PinnedConnection, signal: AbortSignal): void {
    lane.active += 1
    const work = attempt(deliveryId, signal)
      .catch((err) =>
        log.warn({ err, deliveryId, operatorId }, 'a webhook attempt failed on this side; it will be made'),
      )
      .then(() => {
        lane.active -= 1
        underWay.delete(deliveryId)
        // To the end of the round, so that whoever has just been served comes last.
        lanes.delete(operatorId)
        if (lane.active > 0 || lane.waiting.size > 0) lanes.set(operatorId, lane)
        startWhatFits()
      })
    underWay.set(deliveryId, work)
  }

  async function poll(): Promise<void> {
    const bounds = { perOperatorMax: limits.endpointQueueMax, limit: limits.pollBatchMax }
    const due = await dueDeliveries(db, { now: now(), ...bounds })
    for (const { delivery_id, operator_id } of due) offer(delivery_id, operator_id)
  }

  return {
    offer,
    underWay: () => underWay.size,
    async run(signal) {
      interrupt = new AbortController()
      const { signal: interrupted } = interrupt
      while (!signal.aborted) {
        await poll().catch((err) => log.warn({ err }, 'due webhooks could not be looked up; it will be tried again'))
        await delay(limits.pollIntervalMs, undefined, { signal }).catch(() => undefined)
      }
      const stopping = interrupt
      interrupt = undefined
      lanes.clear()
      const ended = Promise.all(underWay.values())
      await Promise.race([ended, delay(limits.drainMs, undefined, { signal: interrupted })])
      stopping.abort()
      await ended
    },
  }
}
