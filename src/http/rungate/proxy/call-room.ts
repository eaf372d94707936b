/** What calls hold of this process: their places, and the bytes of their bodies, in all and by account. */
import { createShares } from '../../shares.ts'
import type { ProxyFigures, ProxyLimits } from './proxy-parts.ts'

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

/** `figures` are counted along. */
export function createCallRoom(
  { inFlightMax, bodiesMaxBytes }: Pick<ProxyLimits, 'inFlightMax' | 'bodiesMaxBytes'>,
  figures: Pick<ProxyFigures, 'inFlight' | 'bodyBytes'>,
): CallRoom {
  const calls = createShares(inFlightMax)
  const bodies = createShares(bodiesMaxBytes)
  const count = () => Object.assign(figures, { inFlight: calls.total(), bodyBytes: bodies.total() })

  return {
    lackFor(accountId, bytes) {
      const lack = calls.fullFor(accountId, 1)
      if (lack === 'all') return `This process has ${inFlightMax} calls under way`
      if (lack === 'owner') return `This account has ${calls.ownMax} calls under way in this process`
      // One body alone is always taken: its own limit bounds it.
      const tight = bodies.fullFor(accountId, bytes)
      if (tight === 'all') return 'This process has too many bodies on their way'
      return tight === 'owner' ? 'This account has too many bodies on their way in this process' : undefined
    },
    enter(accountId, bytes) {
      const call = calls.hold(accountId, 1)
      const body = bodies.hold(accountId, bytes)
      count()
      return {
        resize(now) {
          body.resize(now)
          count()
        },
        leave() {
          call.release()
          body.release()
          count()
        },
      }
    },
  }
}
