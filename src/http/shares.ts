/**
 * What is held of a process at a time, such as places or bytes, and how it is shared: one owner has half of it at most, so
 * that its own work, however slow, keeps nobody else's away.
 */

export interface Hold {
  /** So much is held from now on. */
  resize(amount: number): void
  release(): void
}

export interface Shares {
  readonly max: number
  /** What one owner has at most. */
  readonly ownMax: number
  /** Whose bound leaves no room for so much more; undefined: there is room. A first amount is taken however large it is. */
  fullFor(owner: string, amount: number): 'all' | 'owner' | undefined
  hold(owner: string, amount: number): Hold
  /** Held by all owners together. */
  total(): number
}

export function createShares(max: number, ownMax: number = Math.max(1, Math.floor(max / 2))): Shares {
  /** Of owners that hold something. */
  const held = new Map<string, { amount: number; holds: number }>()
  let total = 0
  const exceeds = (amount: number, more: number, most: number) => amount > 0 && amount + more > most
  return {
    max,
    ownMax,
    total: () => total,
    fullFor(owner, more) {
      if (exceeds(total, more, max)) return 'all'
      return exceeds(held.get(owner)?.amount ?? 0, more, ownMax) ? 'owner' : undefined
    },
    hold(owner, amount) {
      const own = held.get(owner) ?? { amount: 0, holds: 0 }
      held.set(owner, own)
      own.holds += 1
      let size = 0
      const resize = (now: number): void => {
        total += now - size
        own.amount += now - size
        size = now
      }
      resize(amount)
      return {
        resize,
        release() {
          resize(0)
          own.holds -= 1
          if (own.holds === 0) held.delete(owner)
        },
      }
    },
  }
}

/** Does the work while a place is held for it. */
export async function holding<T>(shares: Shares, owner: string, work: () => Promise<T>): Promise<T> {
  const { release } = shares.hold(owner, 1)
  try {
    return await work()
  } finally {
    release()
  }
}
