/**
 * Whether a subscription to which nothing comes is alive. An idle log is silent for a minute, so silence alone says
 * nothing. The same connection is asked for the newest heartbeat, which every subscription gets: no answer means a dead
 * connection, and a heartbeat that came to nobody a dead subscription.
 */
import type { Connection, Line } from '../eventstore/connection.ts'
import { readPage } from '../eventstore/read.ts'
import { HEARTBEAT_STREAM } from './heartbeat.ts'

/** What has come to the subscription so far. */
export interface Arrivals {
  /** By performance.now(). */
  lastArrivalMs: number
  /** Of the last event that came, or where the subscription began; undefined: the start of the log. */
  lastPosition: bigint | undefined
  /** Undefined until the subscription stands. */
  source: unknown
  /** Whether the handler waits for events: where it does not, the silence is its own. */
  isAwaited: boolean
}

/** How often it looks within the time that silence may last. */
const LOOKS = 8

/** Calls `onDead` once the subscription on this line has been dead for `silenceMaxMs`. Returns what ends the watch. */
export function watchSubscription(
  { connection, line, silenceMaxMs }: { connection: Connection; line: Line; silenceMaxMs: number },
  arrivals: Arrivals,
  onDead: (error: unknown) => void,
): () => void {
  const answerMaxMs = silenceMaxMs / 2
  let isAsking = false
  let missing: bigint | undefined

  const isUnopened = () =>
    arrivals.source === undefined && performance.now() - arrivals.lastArrivalMs > silenceMaxMs - answerMaxMs / 4

  async function look(): Promise<void> {
    if (connection.line() !== line) throw new Error('the connection of the subscription was given up')
    if (isUnopened()) throw new Error(`the subscription did not stand within ${silenceMaxMs} ms`)
    const newest = { stream: HEARTBEAT_STREAM, from: 'end', direction: 'backwards', count: 1n } as const
    const [beat] = await readPage(connection, newest, answerMaxMs)
    const position = beat?.position.commit
    const seen = arrivals.lastPosition ?? -1n
    if (missing !== undefined && seen < missing) throw new Error('a heartbeat in the log did not come')
    // It may be on its way; the next look tells.
    missing = position !== undefined && position > seen ? position : undefined
    if (missing === undefined && arrivals.source !== undefined) arrivals.lastArrivalMs = performance.now()
  }

  const timer = setInterval(() => {
    const isSilent = performance.now() - arrivals.lastArrivalMs > silenceMaxMs - answerMaxMs
    if (isAsking || !isSilent || !arrivals.isAwaited) return
    isAsking = true
    look()
      .catch(onDead)
      .finally(() => {
        isAsking = false
      })
  }, silenceMaxMs / LOOKS)
  return () => clearInterval(timer)
}
