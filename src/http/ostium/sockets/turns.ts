/**
 * The work of one connection. What stands alone goes on side by side; the rest waits until everything before it has ended, and
 * holds up what comes after it. Results come in the order of arrival, whatever ended first.
 */

export interface Turn<Result> {
  /** Nothing before it and nothing after it makes a difference to it. */
  standsAlone: boolean
  /** Never rejects. */
  run(): Promise<Result>
}

export interface Turns<Result> {
  add(turn: Turn<Result>): void
  /** Turns that have not begun. */
  waiting(): number
  /** Begins nothing more, and hands out nothing more. */
  stop(): void
}

interface Begun<Result> {
  result?: { value: Result }
}

/** At most `atOnceMax` turns are under way or wait for one before them to be handed out; `onResult` comes once for each. */
export function createTurns<Result>(atOnceMax: number, onResult: (result: Result) => void): Turns<Result> {
  const waiting: Turn<Result>[] = []
  const begun: Begun<Result>[] = []
  let [underWay, isHeld, isStopped] = [0, false, false]

  function beginWhatMay(): void {
    for (let next = waiting[0]; next && begun.length < atOnceMax && !isHeld; next = waiting[0]) {
      if (!next.standsAlone && underWay > 0) return
      waiting.shift()
      isHeld = !next.standsAlone
      void carryOut(next)
    }
  }

  async function carryOut(turn: Turn<Result>): Promise<void> {
    const own: Begun<Result> = {}
    begun.push(own)
    underWay += 1
    own.result = { value: await turn.run() }
    underWay -= 1
    if (!turn.standsAlone) isHeld = false
    for (let first = begun[0]?.result; first && !isStopped; first = begun[0]?.result) {
      begun.shift()
      onResult(first.value)
    }
    beginWhatMay()
  }

  return {
    add(turn) {
      if (isStopped) return
      waiting.push(turn)
      beginWhatMay()
    },
    waiting: () => waiting.length,
    stop() {
      isStopped = true
      waiting.length = 0
    },
  }
}
