/**
 * Lets a request wait until the read models have reached a position in the log: read your writes. A connection of its own
 * listens to the checkpoints' notifications. Notifications may get lost, so it also reads the checkpoints after each
 * (re)connection, and regularly while requests wait.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { openSession, type Session } from '../postgres/session.ts'
import { createInFlightList } from '../runtime/in-flight.ts'
import { checkpointChannel } from './checkpoint.ts'

export interface PositionWaiterOptions {
  url: string
  /** Names of the checkpoints. */
  checkpoints: readonly string[]
  applicationName?: string
  /** Between reads of the checkpoints while requests wait. */
  pollMs?: number
  /** Before a broken connection is replaced. */
  reconnectMs?: number
  /** Without an answer for this long, a connection counts as broken. */
  answerTimeoutMs?: number
  /** Requests that wait for one checkpoint at a time; a further one gets false at once. */
  waitersMax?: number
}

export interface PositionWaiter {
  /** True once the read models stand at `position` or beyond it; false where that takes longer than `timeoutMs`. */
  waitFor(position: bigint, timeoutMs: number): Promise<boolean>
  /** The last known position; undefined before the first, or without a checkpoint. */
  current(): bigint | undefined
}

export interface PositionWaiters {
  /** The waiter of one of the checkpoints. Throws at an unknown name. */
  of(checkpoint: string): PositionWaiter
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

/** One checkpoint: its waiters, and its last known position. */
function createWaitingLine(waitersMax: number, isClosing: () => boolean) {
  const waiters = createInFlightList<Waiter>()
  let current: bigint | undefined

  /** Takes the position even where it is lower than before: the read models may have been set up anew. */
  function advance(position: bigint | undefined): void {
    current = position
    if (position === undefined) return
    for (const waiter of waiters.items()) if (waiter.position <= position) waiter.settle(true)
  }

  function waitFor(position: bigint, timeoutMs: number): Promise<boolean> {
    if (current !== undefined && current >= position) return Promise.resolve(true)
    // A timer of no time takes a millisecond, which is as long as an append.
    if (timeoutMs <= 0 || waiters.size() >= waitersMax || isClosing()) return Promise.resolve(false)
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
  }

  return {
    waitFor,
    current: () => current,
    advance,
    /** The higher position counts: notifications and reads may overtake each other. */
    heard(position: bigint | undefined): void {
      if (position !== undefined && (current === undefined || position > current)) advance(position)
    },
    isEmpty: () => waiters.size() === 0,
    release(): void {
      for (const waiter of waiters.items()) waiter.settle(false)
    },
  }
}

export function createPositionWaiters(options: PositionWaiterOptions): PositionWaiters {
  const settings = { ...defaults, ...options }
  const closing = new AbortController()
  const isClosing = () => closing.signal.aborted
  const lines = new Map(settings.checkpoints.map((name) => [name, createWaitingLine(settings.waitersMax, isClosing)]))
  const byChannel = new Map([...lines].map(([name, line]) => [checkpointChannel(name), line]))

  /** One connection, from LISTEN to its end, which it tells by throwing. */
  async function listen(session: Session): Promise<void> {
    const until = AbortSignal.any([session.ended, closing.signal])
    session.client.on('notification', ({ channel, payload }) => {
      byChannel.get(channel)?.heard(payload ? BigInt(payload) : undefined)
    })
    for (const channel of byChannel.keys()) await session.query(`LISTEN ${channel}`)
    const standing = await readPositions(session, settings.checkpoints)
    for (const [name, line] of lines) line.advance(standing.get(name))
    for (;;) {
      await delay(settings.pollMs, undefined, { signal: until })
      if ([...lines.values()].every((line) => line.isEmpty())) continue
      const positions = await readPositions(session, settings.checkpoints)
      for (const [name, line] of lines) line.heard(positions.get(name))
    }
  }

  async function run(): Promise<void> {
    while (!closing.signal.aborted) {
      // However a connection ends, a new one follows, unless this is closing.
      const session = await openSession(settings).catch(() => undefined)
      if (session) await listen(session).catch(() => session.close())
      await delay(settings.reconnectMs, undefined, { signal: closing.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    of(checkpoint) {
      const line = lines.get(checkpoint)
      if (!line) throw new Error(`the waiter does not listen to the checkpoint ${checkpoint}`)
      return line
    },
    async close() {
      closing.abort()
      for (const line of lines.values()) line.release()
      await running
    },
  }
}

async function readPositions(session: Session, checkpoints: readonly string[]): Promise<Map<string, bigint>> {
  const text = 'SELECT name, position FROM opslog_checkpoints WHERE name = ANY($1)'
  const rows = await session.query(text, [checkpoints])
  return new Map(rows.map(({ name, position }) => [String(name), BigInt(String(position))]))
}
