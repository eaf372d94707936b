/** A process that has just started: it places a hold on the account that it is told of, and says how long that took. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../src/commands/context.ts'
import { createCommandBus } from '../../src/commands/handle.ts'
import { holdIdOf, mediaJobIdOf } from '../../src/commands/killatamata/ids.ts'
import { createLedgers } from '../../src/commands/killatamata/ledgers.ts'
import { createEventStore } from '../../src/events/store.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import { registry } from '../../test/support/contexts.ts'
import { answerParent } from '../child.ts'

export interface ColdOrder {
  eventStoreUrl: string
  accountId: string
  periodEventsMax: number
  /** As read models have it; null: they know nothing. */
  period: number | null
}

const DEADLINE_MS = 60_000
const HOLD_MICROS = 1n

answerParent(async ({ eventStoreUrl: url, accountId, periodEventsMax, period }: ColdOrder) => {
  const store = createEventStore({ url, registry, deadlineMs: DEADLINE_MS, appendAttemptsMax: 1 })
  try {
    const limits = { cachedAggregatesMax: 10_000, seenCommandsMax: 1_000_000, conflictRetriesMax: 3 }
    const hint = async () => period ?? undefined
    const ledgers = createLedgers(createCommandBus(store, limits), { periodEventsMax, periodHint: hint })
    // The connection is open by then; an account without money is another stream.
    const [requestId, at] = [randomUUID(), new Date().toISOString()]
    await ledgers.balance(prefixedId('acct', at, requestId))
    const hold = { holdId: holdIdOf(requestId), jobId: mediaJobIdOf(at, requestId), usdMicros: HOLD_MICROS }
    const context = systemContext('bench', randomUUID(), at)
    const startedMs = performance.now()
    await ledgers.hold(accountId, [hold], context)
    return { tookMs: performance.now() - startedMs }
  } finally {
    await store.close()
  }
})
