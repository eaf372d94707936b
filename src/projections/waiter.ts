/**
 * Lets a request wait until the read models have come as far as a position in the log: read your writes. It listens to
 * the checkpoint's notifications on a connection of its own, and reads the checkpoint itself after each (re)connection
 * and, while somebody waits, now and then: a notification may get lost, a committed checkpoint does not.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { openSession, type Session } from '../postgres/session.ts'
import { createInFlightList } from '../runtime/in-flight.ts'
import { CHECKPOINT_CHANNEL, CHECKPOINT_NAME } from './checkpoint.ts'

export interface PositionWaiterOptions {
  url: string
  applicationName?: string
  /** Between looks at the checkpoint while somebody waits. */
  pollMs?: number
  /** Before a broken connection is made anew. */
  reconnectMs?: number
  /** A connection without an answer for so long counts as broken. */
  answerTimeoutMs?: number
  /** Who comes when so many wait already is told at once that it took too long. */
  waitersMax?: number
}

export interface PositionWaiter {
  /** True once the read models stand at `position` or beyond it; false where that takes longer than `timeoutMs`. */
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** The position last heard of; undefined before the first, or where there is none. */
  current(): bigint | undefined
  close(): Promise<void>
}

const defaults = {
  applicationName: 'opslog waiter',
  pollMs: 100,
  reconnectMs: 250,
  answerTimeoutMs: 5_000,
  waitersMax: 10_000,
}

interface Waiter {
  position: bigint
  settle: (reached: boolean) => void
}

export function createPositionWaiter(options: PositionWaiterOptions): PositionWaiter {
  const settings = { ...defaults, ...options }
  const closing = new AbortController()
  const waiters = createInFlightList<Waiter>()
  let current: bigint | undefined

  const advance = (position: bigint | undefined) => {
    current = position
    if (position === undefined) return
    for (const waiter of waiters.items()) if (waiter.position <= position) waiter.settle(true)
  }
  const heard = (position: bigint | undefined) => {
    if (position !== undefined && (current === undefined || position > current)) advance(position)
  }

  /** One connection, from LISTEN to its end, which it tells by throwing. */
  async function listen(session: Session): Promise<void> {
    const until = AbortSignal.any([session.ended, closing.signal])
    session.client.on('notification', ({ payload }) => heard(payload ? BigInt(payload) : undefined))
    await session.query(`LISTEN ${CHECKPOINT_CHANNEL}`)
    // What this says stands even where it is less than before: the read models may have been set up anew.
    advance(await readPosition(session))
    for (;;) {
      await delay(settings.pollMs, undefined, { signal: until })
      if (waiters.size() > 0) heard(await readPosition(session))
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      // However a connection ends, the way on is a new one, or none where we are closing.
      const session = await openSession(settings).catch(() => undefined)
      if (session) await listen(session).catch(() => session.close())
      await delay(settings.reconnectMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    current: () => current,
    waitFor(position, timeoutMs) {
      if (current !== undefined && current >= position) return Promise.resolve(true)
      if (waiters.size() >= settings.waitersMax || closing.signal.aborted) return Promise.resolve(false)
      return new Promise((resolve) => {
        const timer = setTimeout(() => waiter.settle(false), timeoutMs)
        const waiter: Waiter = {
          position,
          settle(reached) {
            clearTimeout(timer)
            leave()
            resolve(reached)
          },
        }
        const leave = waiters.add(waiter)
      })
    },
    async close() {
      closing.abort()
      for (const waiter of waiters.items()) waiter.settle(false)
      await running
    },
  }
}

async function readPosition(session: Session): Promise<bigint | undefined> {
  const text = 'SELECT position FROM opslog_checkpoints WHERE name = $1'
  const [row] = await session.query(text, [CHECKPOINT_NAME])
  return row && BigInt(String(row.position))
}
