/**
 * Whose request is next. All share one thread: a flood of cheap requests, refusals among them, would keep everybody else
 * waiting behind it. So each turn of the event loop begins requests for a short time only. What is left waits, and callers
 * take turns, one request each: who sends few waits behind one of each of the others, and not behind all of them.
 *
 * What each caller takes of the loop is measured, from the beginning of a request to the end of the turn that it began in, with
 * what follows its awaits there. Who takes much has one request begun in a turn, and none while a request of somebody who
 * takes little is under way; but not for long, however many those are. Who is not known, an address without a key, has one
 * begun in a turn while others ask, and a bounded share beside that. What his requests and connections cost before they are
 * begun, and after their end, is measured nowhere: so much is reckoned for each. Nobody is refused for what he takes: he waits.
 */
import { createLru } from '../runtime/lru.ts'

export interface Caller {
  /** A tenant, or an address. */
  name: string
  /** A tenant, by a credential that was found to be good lately. */
  isKnown: boolean
}

export interface Turns {
  /**
   * Does the work at once where its caller is known and takes little, this turn of the loop has time left and nobody waits,
   * else in the caller's turn. False: the caller has too much waiting, and the work is not done.
   */
  take(caller: Caller, work: () => void): boolean
  /** The caller has opened a connection, which is to be closed again: nobody measures what either takes. */
  connect(caller: Caller): void
  /** A request of the caller is under way, until what is returned is called; undefined: nobody waits for its end. */
  enter(caller: Caller): (() => void) | undefined
  /** Whether the caller waits for its turn again before what may be dear: who takes little does not. */
  mayWait(caller: Caller): boolean
  /** The caller has taken so much; nothing where that is measured here anyway. */
  charge(name: string, ms: number): void
  /** The caller is sent so many bytes: most of them leave later, when nothing tells whose they are. */
  send(caller: Caller, bytes: number): void
}

export const defaultTurnLimits = {
  /** How long after its beginning a turn of the loop still begins requests. */
  turnMaxMs: 1,
  /** Of those that wait, as many are begun in a turn: what they do behind their first await comes after all of them. */
  perTurnMax: 16,
  /** Requests of one caller that wait: of one that is known, and of one that is not. */
  waitingMax: 2_048,
  unknownWaitingMax: 512,
  /** Share of the loop of one caller that is not known, while others ask; and for how long it may save it up. */
  unknownMaxPercent: 10,
  unknownSavedMs: 200,
  /** What is reckoned for each request of such a caller, and for each connection, beside what is measured of it. */
  unknownRequestMs: 0.1,
  unknownConnectionMs: 0.5,
  /** Of the loop in the last second: who takes less takes little, and who takes more takes much. */
  littlePercent: 5,
  muchPercent: 10,
  /** How long a request of who takes little, and all of them together, hold up who takes much. */
  heldMaxMs: 10,
}
export type TurnLimits = typeof defaultTurnLimits

/** What the loop is asked for; a test turns it by hand. */
export type Loop = typeof ownLoop
const ownLoop = {
  nowMs: (): number => performance.now(),
  /** Processor time of this thread: what others on the machine take is nobody's use. */
  usedMs(): number {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1_000
  },
  /** Runs something once the loop has looked after everything else; two of them one right behind the other. */
  defer: (work: () => void): unknown => setImmediate(work),
  later: (work: () => void, ms: number): unknown => setTimeout(work, ms),
}

/** What is copied to the system, and waited for, in a millisecond; measured, and rounded down. */
const BYTES_PER_MS = 524_288
/** Others ask, as long as another caller than the last one asked within this time. */
const OTHERS_MS = 1_000
/** Callers whose use is remembered; the longest unused is forgotten first. */
const USES_MAX = 10_000

interface Waiting extends Caller {
  works: (() => void)[]
  /** Since when it is held up by those who take little. */
  heldAtMs: number | undefined
}

export function createTurns(limits: TurnLimits, { nowMs, usedMs, defer, later }: Loop = ownLoop): Turns {
  const { turnMaxMs, perTurnMax, unknownMaxPercent, unknownSavedMs, heldMaxMs } = limits
  // No Map: see runtime/in-flight.ts for names that come and go all the time.
  const byCaller: Record<string, Waiting> = Object.create(null)
  /** Those with work that waits, the next one first, without those that rest or are held up. */
  const callers: Waiting[] = []
  let held: Waiting[] = []
  let underWay: { untilMs: number; isOver: boolean }[] = []
  /** Of addresses, until when what they have taken is their share. */
  const paidAtMs = createLru<string, number>(USES_MAX)
  const uses = createUses()
  /** What the callers of a turn took of it. */
  let begun: { caller: Caller; tookMs: number }[] = []
  let isDeferred = false
  /** What runs now is part of what a turn, or a request that was begun at once, takes. */
  let isMeasured = false
  let startedUsedMs = 0
  let endsAtMs = 0
  let latest = ''
  let latestAtMs = Number.NEGATIVE_INFINITY
  let anotherAtMs = Number.NEGATIVE_INFINITY

  const isAlone = (atMs: number) => atMs - anotherAtMs >= OTHERS_MS
  const takesLittle = ({ name }: Caller, atMs: number) =>
    isAlone(atMs) || uses.percent(name, atMs) < limits.littlePercent
  const takesMuch = ({ name }: Caller, atMs: number) => !isAlone(atMs) && uses.percent(name, atMs) >= limits.muchPercent

  function begin(): void {
    if (isDeferred) return
    isDeferred = true
    endsAtMs = nowMs() + turnMaxMs
    defer(next)
    defer(settle)
  }

  function next(): void {
    isDeferred = false
    if (callers.length === 0) return
    begin()
    isMeasured = true
    startedUsedMs = usedMs()
    let atMs = nowMs()
    while (begun.length < perTurnMax && (begun.length === 0 || atMs < endsAtMs)) {
      const [waiting] = callers
      if (!waiting || hasHadTurn(waiting, atMs)) return
      callers.shift()
      if (restsMs(waiting, atMs) > 0) {
        rest(waiting, atMs)
        continue
      }
      const isMuch = takesMuch(waiting, atMs)
      if (isMuch && isHeld(waiting, atMs)) continue
      const work = waiting.works.shift()
      if (waiting.works.length > 0) callers.push(waiting)
      else delete byCaller[waiting.name]
      work?.()
      const doneMs = nowMs()
      begun.push({ caller: waiting, tookMs: doneMs - atMs })
      if (isMuch) return
      atMs = doneMs
    }
  }

  /** What the request of one who is not known takes, and is sent, is known a turn later: more would begin on credit. */
  const hasHadTurn = ({ name, isKnown }: Caller, atMs: number) =>
    !isKnown && !isAlone(atMs) && begun.some(({ caller }) => caller.name === name)

  /** The turn is over: what it took is shared out by what each of its requests took until its first await. */
  function settle(): void {
    isMeasured = false
    if (begun.length === 0) return
    const atMs = nowMs()
    const usedByAllMs = usedMs() - startedUsedMs
    const sum = begun.reduce((total, { tookMs }) => total + tookMs, 0)
    for (const { caller, tookMs } of begun) {
      const ms = usedByAllMs * (sum > 0 ? tookMs / sum : 1 / begun.length)
      uses.add(caller.name, ms, atMs)
      if (!caller.isKnown) pay(caller, ms + limits.unknownRequestMs, atMs)
    }
    begun = []
  }

  /** What he takes while nobody else asks is at nobody's expense. */
  function pay({ name }: Caller, ms: number, atMs: number): void {
    if (isAlone(atMs)) return
    const from = Math.max(paidAtMs.get(name) ?? 0, atMs - unknownSavedMs)
    paidAtMs.set(name, from + (ms * 100) / unknownMaxPercent)
  }

  /** How long until the caller's share has grown to what it has taken. */
  function restsMs({ name, isKnown }: Caller, atMs: number): number {
    if (isKnown || isAlone(atMs)) return 0
    return (paidAtMs.get(name) ?? 0) - atMs
  }

  function rest(waiting: Waiting, atMs: number): void {
    const back = () => {
      callers.push(waiting)
      begin()
    }
    later(back, Math.ceil(restsMs(waiting, atMs)))
  }

  /** Puts the caller aside where somebody who takes little is being served. */
  function isHeld(waiting: Waiting, atMs: number): boolean {
    underWay = underWay.filter(({ isOver, untilMs }) => !isOver && untilMs > atMs)
    waiting.heldAtMs ??= atMs
    if (underWay.length === 0 || atMs - waiting.heldAtMs >= heldMaxMs) {
      waiting.heldAtMs = undefined
      return false
    }
    if (held.push(waiting) === 1) later(release, heldMaxMs)
    return true
  }

  function release(): void {
    if (held.length === 0) return
    callers.push(...held)
    held = []
    begin()
  }

  function note(name: string, atMs: number): void {
    if (name !== latest) {
      anotherAtMs = latestAtMs
      latest = name
    }
    latestAtMs = atMs
  }

  return {
    take(caller, work) {
      const { name, isKnown } = caller
      const atMs = nowMs()
      note(name, atMs)
      begin()
      if (isKnown && callers.length === 0 && atMs < endsAtMs && takesLittle(caller, atMs)) {
        isMeasured = true
        work()
        isMeasured = false
        uses.add(name, nowMs() - atMs, atMs)
        return true
      }
      const waiting = byCaller[name] ?? { name, isKnown, works: [], heldAtMs: undefined }
      if (waiting.works.length >= (isKnown ? limits.waitingMax : limits.unknownWaitingMax)) return false
      if (waiting.works.push(work) > 1) return true
      byCaller[name] = waiting
      callers.push(waiting)
      return true
    },
    connect(caller) {
      if (!caller.isKnown) pay(caller, limits.unknownConnectionMs, nowMs())
    },
    enter(caller) {
      const atMs = nowMs()
      if (isAlone(atMs) || !takesLittle(caller, atMs)) return undefined
      const request = { untilMs: atMs + heldMaxMs, isOver: false }
      underWay.push(request)
      return () => {
        request.isOver = true
        if (held.length > 0 && underWay.every(({ isOver, untilMs }) => isOver || untilMs <= nowMs())) release()
      }
    },
    mayWait: (caller) => !caller.isKnown || !takesLittle(caller, nowMs()),
    charge(name, ms) {
      if (!isMeasured) uses.add(name, ms, nowMs())
    },
    send(caller, bytes) {
      const [ms, atMs] = [bytes / BYTES_PER_MS, nowMs()]
      uses.add(caller.name, ms, atMs)
      if (!caller.isKnown) pay(caller, ms, atMs)
    },
  }
}

/** What callers took of the loop in the last second: older use counts for less and less. */
function createUses() {
  const uses = createLru<string, { ms: number; atMs: number }>(USES_MAX)
  const left = ({ ms, atMs }: { ms: number; atMs: number }, now: number) => ms * Math.exp((atMs - now) / 1_000)
  return {
    percent(name: string, now: number): number {
      const use = uses.get(name)
      return use === undefined ? 0 : left(use, now) / 10
    },
    add(name: string, ms: number, now: number): void {
      const use = uses.get(name)
      if (!use) return void uses.set(name, { ms, atMs: now })
      use.ms = left(use, now) + ms
      use.atMs = now
    },
  }
}
