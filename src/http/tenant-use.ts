/**
 * What one tenant takes of this process: requests in flight, lists that are read for it, and time of the event loop, which
 * all tenants share. A count of requests a minute (rate-limit.ts) says nothing of these: a few requests may cost more than
 * a thousand others.
 */
import { createLru } from '../runtime/lru.ts'
import type { Exchange, HttpLimits } from './environment.ts'
import { Problem } from './errors.ts'
import { CALLERS_MAX } from './rate-limit.ts'

export interface TenantUse {
  tenantId: string
  inFlight: number
  /** When the window at hand began. */
  windowAtMs: number
  /** Time of the event loop within it, and within the one before. */
  spentMs: number
  beforeMs: number
  /** A step of it was long: its next ones come one by one, each behind a turn of the event loop that others had. */
  isResting: boolean
  waiting: (() => void)[]
  /** Lists that are read for it, and those that wait for one of them to end. */
  lists: number
  listsWaiting: (() => void)[]
}

/** A step of the event loop from which others would notice it. */
const LONG_STEP_MS = 1

type Counted = Pick<Exchange, 'tenant' | 'isLong' | 'stepAtMs'>

export interface Tenants {
  /**
   * Counts a request until `leave`. Throws a Problem (429, Retry-After) where its tenant has too many at a time. It throws
   * that as well where the tenant has taken too much time while another one asked within the window. `isLong`: it may last for
   * minutes, and its operation bounds how many of them there are; only its time counts here.
   */
  enter(exchange: Counted, tenantId: string, isLong?: boolean): void
  leave(exchange: Counted): void
  /** Undefined: the request may go on at once. Else it resolves when it is the turn of its tenant. */
  turn(exchange: Counted): Promise<void> | undefined
  /**
   * A place to read a list in; calling it gives the place back. A promise where all places of the tenant are taken;
   * undefined: nobody else asks, so that none is needed.
   */
  place(exchange: Counted): (() => void) | Promise<() => void> | undefined
  /** A step without an await begins. One that throws is ended by whoever catches that. */
  begin(exchange: Counted): void
  /** The step is over: its time counts. Nothing where none has begun. */
  end(exchange: Counted): void
  /** A step of its own, or part of the one that has begun. */
  counted<T>(exchange: Counted, work: () => T): T
}

type TenantLimits = Pick<
  HttpLimits,
  'tenantInFlightMax' | 'tenantLoopMaxPercent' | 'tenantLoopWindowMs' | 'tenantListsMax'
>

/** `charge` hears of what steps took. */
export function createTenants(
  limits: TenantLimits,
  nowMs: () => number,
  charge: (tenantId: string, ms: number) => void = () => undefined,
): Tenants {
  const { tenantInFlightMax, tenantLoopMaxPercent, tenantLoopWindowMs: windowMs, tenantListsMax } = limits
  const spentMaxMs = (windowMs * tenantLoopMaxPercent) / 100
  // A request under way keeps what it is counted in: a tenant that is forgotten meanwhile starts anew.
  const uses = createLru<string, TenantUse>(CALLERS_MAX)
  // Whoever asked last, and when somebody else did: who is alone takes nothing from others.
  let latest: TenantUse | undefined
  let latestAtMs = 0
  let anotherAtMs = Number.NEGATIVE_INFINITY

  function useOf(tenantId: string): TenantUse {
    const known = uses.get(tenantId)
    if (known) return known
    const use: TenantUse = {
      ...{ tenantId, inFlight: 0, windowAtMs: nowMs(), spentMs: 0, beforeMs: 0 },
      ...{ isResting: false, waiting: [], lists: 0, listsWaiting: [] },
    }
    uses.set(tenantId, use)
    return use
  }

  const isAlone = (now: number): boolean => now - anotherAtMs >= windowMs

  const begin = (exchange: Counted): void => {
    exchange.stepAtMs = nowMs()
  }

  function end(exchange: Counted): void {
    const { tenant, stepAtMs } = exchange
    exchange.stepAtMs = undefined
    if (!tenant || stepAtMs === undefined) return
    const tookMs = nowMs() - stepAtMs
    tenant.spentMs += tookMs
    charge(tenant.tenantId, tookMs)
    if (tookMs >= LONG_STEP_MS) rest(tenant)
  }

  return {
    enter(exchange, tenantId, isLong = false) {
      const use = useOf(tenantId)
      if (!isLong && use.inFlight >= tenantInFlightMax) throw tooMuch(`${tenantInFlightMax} requests at a time`, 1_000)
      const now = nowMs()
      if (use !== latest) {
        if (latest) anotherAtMs = latestAtMs
        latest = use
      }
      latestAtMs = now
      const waitMs = overspentMs(use, now, windowMs, spentMaxMs)
      if (waitMs > 0 && !isAlone(now)) throw tooMuch(`${tenantLoopMaxPercent} % of this process's time`, waitMs)
      if (!isLong) use.inFlight += 1
      exchange.tenant = use
      exchange.isLong = isLong
    },
    leave(exchange) {
      if (exchange.tenant && !exchange.isLong) exchange.tenant.inFlight -= 1
      exchange.tenant = undefined
    },
    turn({ tenant }) {
      if (!tenant?.isResting) return undefined
      return new Promise((resolve) => tenant.waiting.push(resolve))
    },
    place({ tenant }) {
      if (!tenant || isAlone(nowMs())) return undefined
      const leave = () => {
        const next = tenant.listsWaiting.shift()
        if (next) next()
        else tenant.lists -= 1
      }
      if (tenant.lists < tenantListsMax) {
        tenant.lists += 1
        return leave
      }
      return new Promise((resolve) => tenant.listsWaiting.push(() => resolve(leave)))
    },
    begin,
    end,
    counted(exchange, work) {
      if (exchange.stepAtMs !== undefined) return work()
      begin(exchange)
      try {
        return work()
      } finally {
        end(exchange)
      }
    },
  }
}

/** Lets the event loop look after others before the tenant's next request, and between those that wait already. */
function rest(use: TenantUse): void {
  if (use.isResting) return
  use.isResting = true
  setImmediate(wake, use)
}

function wake(use: TenantUse): void {
  const next = use.waiting.shift()
  use.isResting = next !== undefined
  if (!next) return
  setImmediate(wake, use)
  next()
}

/**
 * How long until the use of the last `windowMs` is within `maxMs`; 0: it is. The window slides: of the one before, as much
 * counts as it still covers.
 */
function overspentMs(use: TenantUse, now: number, windowMs: number, maxMs: number): number {
  const age = now - use.windowAtMs
  if (age >= windowMs) {
    const isNext = age < 2 * windowMs
    use.beforeMs = isNext ? use.spentMs : 0
    use.spentMs = 0
    use.windowAtMs = isNext ? use.windowAtMs + windowMs : now
  }
  const left = use.windowAtMs + windowMs - now
  const { spentMs, beforeMs } = use
  if (spentMs + (beforeMs * left) / windowMs <= maxMs) return 0
  // Until enough of the window before has passed; or, where this one alone is too much, enough of this one in the next.
  if (spentMs < maxMs) return left - ((maxMs - spentMs) * windowMs) / beforeMs
  return left + windowMs * (1 - maxMs / spentMs)
}

const tooMuch = (what: string, waitMs: number): Problem =>
  new Problem('rate_limit_exceeded', `One caller may take ${what}.`, {
    headers: { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1_000))) },
  })
