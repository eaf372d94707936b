/**
 * What calls hold of this process: their places, and the bytes of their bodies, in all and by account. One account has half of
 * either at most, so that its own calls, however slow, keep nobody else's away.
 */
import type { ProxyFigures, ProxyLimits } from './proxy-parts.ts'

type Limits = Pick<ProxyLimits, 'inFlightMax' | 'bodiesMaxBytes'>
type Held = Pick<ProxyFigures, 'inFlight' | 'bodyBytes'>

export interface CallHold {
  /** So many bytes are held from now on, as the body turned out to have. */
  resize(bytes: number): void
  /** The call has ended. */
  leave(): void
}

export interface CallRoom {
  /** Why there is no room for a call of the account whose body has so many bytes at most; undefined: there is. */
  lackFor(accountId: string, bytes: number): string | undefined
  enter(accountId: string, bytes: number): CallHold
}

const NOTHING: Readonly<Held> = { inFlight: 0, bodyBytes: 0 }
const half = (most: number): number => Math.max(1, Math.floor(most / 2))

/** `figures` are counted along. */
export function createCallRoom({ inFlightMax, bodiesMaxBytes }: Limits, figures: Held): CallRoom {
  /** Of accounts with calls under way. */
  const held = new Map<string, Held>()
  const own = { inFlightMax: half(inFlightMax), bodiesMaxBytes: half(bodiesMaxBytes) }
  // One body alone is always taken: its own limit bounds it.
  const isFull = ({ bodyBytes }: Held, bytes: number, most: number) => bodyBytes > 0 && bodyBytes + bytes > most

  return {
    lackFor(accountId, bytes) {
      const account = held.get(accountId) ?? NOTHING
      if (figures.inFlight >= inFlightMax) return `This process has ${inFlightMax} calls under way`
      if (account.inFlight >= own.inFlightMax) {
        return `This account has ${own.inFlightMax} calls under way in this process`
      }
      if (isFull(figures, bytes, bodiesMaxBytes)) return 'This process has too many bodies on their way'
      const isOwnFull = isFull(account, bytes, own.bodiesMaxBytes)
      return isOwnFull ? 'This account has too many bodies on their way in this process' : undefined
    },
    enter(accountId, bytes) {
      const account = held.get(accountId) ?? { ...NOTHING }
      held.set(accountId, account)
      let size = 0
      const add = (calls: number, more: number) => {
        for (const sum of [figures, account]) {
          sum.inFlight += calls
          sum.bodyBytes += more
        }
        size += more
      }
      add(1, bytes)
      return {
        resize: (now) => add(0, now - size),
        leave() {
          add(-1, -size)
          if (account.inFlight === 0) held.delete(accountId)
        },
      }
    },
  }
}
