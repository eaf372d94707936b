/**
 * How many steps an account may still make this month. The figure comes from the read models now and again, beside the calls;
 * between two looks this process adds what it admitted itself. Accounts without a limit cost nothing.
 */
import type { ReadModels } from '../../../postgres/database.ts'
import type { AccountRow } from '../../../projections/rungate/account.ts'
import { stepsSince } from '../../../projections/rungate/run.ts'
import { createLru } from '../../../runtime/lru.ts'
import { monthOf } from '../account/account-view.ts'

export interface MonthlySteps {
  /** Null: no limit. The first question of an account waits for the read models; without them nothing is refused. */
  left(account: Pick<AccountRow, 'account_id' | 'step_limit'>): Promise<number | null> | number | null
  admitted(accountId: string): void
}

interface Counted {
  month: string
  steps: number
  /** When it was looked up. */
  atMs: number
}

const ACCOUNTS_MAX = 10_000
const FRESH_MS = 2_000

export function createMonthlySteps(db: ReadModels, clock: () => Date): MonthlySteps {
  const counted = createLru<string, Counted>(ACCOUNTS_MAX)
  const asking = new Map<string, Promise<void>>()

  function ask(accountId: string, month: string): Promise<void> {
    const known = asking.get(accountId)
    if (known) return known
    const asked = stepsSince(db, accountId, month)
      .then((steps) => void counted.set(accountId, { month, steps, atMs: clock().getTime() }))
      // Calls go on while Postgres is away; the next one asks again.
      .catch(() => undefined)
      .finally(() => asking.delete(accountId))
    asking.set(accountId, asked)
    return asked
  }

  return {
    left({ account_id: accountId, step_limit: limit }) {
      if (limit === null) return null
      const month = monthOf(clock())
      const leftOf = () => {
        const known = counted.get(accountId)
        return known?.month === month ? Math.max(0, limit - known.steps) : null
      }
      const known = counted.get(accountId)
      if (known?.month !== month) return ask(accountId, month).then(leftOf)
      if (clock().getTime() - known.atMs > FRESH_MS) void ask(accountId, month)
      return leftOf()
    },
    admitted(accountId) {
      const known = counted.get(accountId)
      if (known) known.steps += 1
    },
  }
}
