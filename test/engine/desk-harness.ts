/**
 * A desk on a log of its own, without streams or HTTP: what the tests of durability and the crash child share.
 */
import type { Desk } from '../../src/engine/desk.ts'
import { openDesk } from '../../src/engine/desk.ts'
import { manualFeed } from '../../src/engine/feed.ts'
import { lockDirectory } from '../../src/engine/lock.ts'
import { defaultTradingRules } from '../../src/engine/step.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'
import type { Wal } from '../../src/engine/wal.ts'
import { openWal } from '../../src/engine/wal.ts'
import { startingPrices } from './examples.ts'

export function openTestDesk(
  directory: string,
  options: { snapshotEveryEvents?: number; idleAccountsMax?: number } = {},
) {
  const unlock = lockDirectory(directory)
  const wal: Wal = openWal({ directory, snapshotEveryEvents: options.snapshotEveryEvents ?? 20 })
  const feed = manualFeed(startingPrices)
  let commits = 0
  const desk: Desk = openDesk({
    wal,
    feed,
    symbols: referenceSymbols,
    rules: defaultTradingRules,
    now: Date.now,
    stepsPerCommitMax: 64,
    idleAccountsMax: options.idleAccountsMax ?? 1_000,
    onCommit: () => {
      commits += 1
    },
  })
  return {
    wal,
    desk,
    feed,
    commits: () => commits,
    async close() {
      await desk.close()
      wal.close()
      unlock()
    },
  }
}
