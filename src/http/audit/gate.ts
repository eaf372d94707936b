/**
 * How many questions are answered at the same time in this process: auditors wait, operators do not. No tenant takes the
 * last place, and those that wait are let in by turns, so that one who asks much holds up nobody else.
 */
import { refuse } from './errors.ts'

export interface Gate {
  /** Waits for a place; what it answers with gives it back. Throws a Problem (429) where too many of the tenant wait. */
  enter(tenant: string): Promise<() => void>
}

export interface GateLimits {
  /** Questions that are answered at the same time. */
  concurrencyMax: number
  /** Of one tenant that wait at the same time, and for how long. */
  waitingMax: number
  waitMaxMs: number
}

interface Waiting {
  enter(): void
}

export function createGate({ concurrencyMax: placesMax, waitingMax, waitMaxMs }: GateLimits): Gate {
  const tenantMax = Math.max(1, placesMax - 1)
  const taken = new Map<string, number>()
  let total = 0
  /** Tenant → those that wait, the tenant whose turn is next first. */
  const queues = new Map<string, Waiting[]>()

  const mayEnter = (tenant: string) => total < placesMax && (taken.get(tenant) ?? 0) < tenantMax

  function take(tenant: string): () => void {
    total += 1
    taken.set(tenant, (taken.get(tenant) ?? 0) + 1)
    let isHeld = true
    return () => {
      if (!isHeld) return
      isHeld = false
      total -= 1
      const left = (taken.get(tenant) ?? 1) - 1
      if (left > 0) taken.set(tenant, left)
      else taken.delete(tenant)
      letNextIn()
    }
  }

  function letNextIn(): void {
    const next = [...queues].find(([tenant]) => mayEnter(tenant))
    if (!next) return
    const [tenant, queue] = next
    queues.delete(tenant)
    const [first, ...rest] = queue
    // To the end of the turns.
    if (rest.length > 0) queues.set(tenant, rest)
    first?.enter()
  }

  function leaveQueue(tenant: string, waiting: Waiting): void {
    const rest = (queues.get(tenant) ?? []).filter((each) => each !== waiting)
    if (rest.length > 0) queues.set(tenant, rest)
    else queues.delete(tenant)
  }

  const busy = () => {
    const detail = `This process answers ${placesMax} audit requests at a time; send the request again.`
    return refuse('audit_busy', detail)
  }

  return {
    async enter(tenant) {
      const queue = queues.get(tenant) ?? []
      if (queue.length === 0 && mayEnter(tenant)) return take(tenant)
      if (queue.length >= waitingMax) throw busy()
      const { promise, resolve, reject } = Promise.withResolvers<() => void>()
      const waiting: Waiting = { enter: () => resolve(take(tenant)) }
      queues.set(tenant, [...queue, waiting])
      const timer = setTimeout(() => {
        leaveQueue(tenant, waiting)
        reject(busy())
      }, waitMaxMs)
      return promise.finally(() => clearTimeout(timer))
    },
  }
}
