/**
 * Whose request is next. All share one thread: a flood of cheap requests, refusals among them, would keep everybody else
 * waiting behind it. So each turn of the event loop begins requests for a short time only. What is left waits, and callers
 * take turns, one request each: who sends few waits behind one of each of the others, and not behind all of them.
 */
export interface Turns {
  /**
   * Does the work at once where this turn of the loop has time left and nobody waits, else in the caller's turn. False:
   * the caller has too much waiting, and the work is not done.
   */
  take(caller: string, work: () => void): boolean
}

export interface TurnLimits {
  /** How long after its beginning a turn of the loop still begins requests. */
  turnMaxMs: number
  /** Of those that wait, as many are begun in a turn: what they do behind their first await comes after all of them. */
  perTurnMax: number
  /** Requests of one caller that wait. */
  waitingMax: number
}

export const defaultTurnLimits: TurnLimits = { turnMaxMs: 1, perTurnMax: 16, waitingMax: 2_048 }

interface Waiting {
  caller: string
  works: (() => void)[]
}

/** `defer` runs something once the loop has looked after everything else, as setImmediate does. */
export function createTurns(
  { turnMaxMs, perTurnMax, waitingMax }: TurnLimits,
  nowMs: () => number,
  defer: (work: () => void) => unknown = setImmediate,
): Turns {
  // No Map: see runtime/in-flight.ts for names that come and go all the time.
  const byCaller: Record<string, Waiting> = Object.create(null)
  /** Those with work that waits, the next one first. */
  const callers: Waiting[] = []
  let isDeferred = false
  let endsAtMs = 0

  function begin(): void {
    if (isDeferred) return
    isDeferred = true
    endsAtMs = nowMs() + turnMaxMs
    defer(next)
  }

  function next(): void {
    isDeferred = false
    if (callers.length === 0) return
    begin()
    for (let begun = 0; begun < perTurnMax && (begun === 0 || nowMs() < endsAtMs); begun++) {
      const waiting = callers.shift()
      if (!waiting) return
      const work = waiting.works.shift()
      if (waiting.works.length > 0) callers.push(waiting)
      else delete byCaller[waiting.caller]
      work?.()
    }
  }

  return {
    take(caller, work) {
      begin()
      if (callers.length === 0 && nowMs() < endsAtMs) {
        work()
        return true
      }
      const waiting = byCaller[caller] ?? { caller, works: [] }
      if (waiting.works.length >= waitingMax) return false
      if (waiting.works.push(work) > 1) return true
      byCaller[caller] = waiting
      callers.push(waiting)
      return true
    },
  }
}
