/** How many sockets are open, of all and of each client address. */
import { Problem } from '../../errors.ts'
import type { OstiumCode } from '../errors.ts'

export interface SocketCount {
  /** Throws a Problem (503) where there is no place for another one. */
  requirePlace(address: string): void
  /** One more is open, until what is returned is called. */
  enter(address: string): () => void
  open(): number
}

export function createSocketCount({ max, perAddressMax }: { max: number; perAddressMax: number }): SocketCount {
  const byAddress = new Map<string, number>()
  let count = 0
  return {
    requirePlace(address) {
      if (count < max && (byAddress.get(address) ?? 0) < perAddressMax) return
      const detail = 'There are as many sockets open as may be, of this address or of all.'
      throw new Problem<OstiumCode>('sockets_full', detail)
    },
    enter(address) {
      count += 1
      byAddress.set(address, (byAddress.get(address) ?? 0) + 1)
      return () => {
        count -= 1
        const left = (byAddress.get(address) ?? 1) - 1
        if (left === 0) byAddress.delete(address)
        else byAddress.set(address, left)
      }
    },
    open: () => count,
  }
}
