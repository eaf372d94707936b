/** What killatamata's tests of commands begin with. */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../src/commands/context.ts'
import { createCommandBus } from '../../../src/commands/handle.ts'
import { createLedgers, type LedgerOptions } from '../../../src/commands/killatamata/ledgers.ts'
import { killatamata } from '../../../src/contexts/killatamata.ts'
import { createRegistry } from '../../../src/events/registry.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { type MemoryStore, memoryStore } from '../../support/memory-store.ts'

export const registry = createRegistry([killatamata])

const START_MS = Date.parse('2026-09-01T10:00:00.000Z')
/** So many seconds after the story began. */
export const at = (seconds: number): string => new Date(START_MS + seconds * 1_000).toISOString()

export const accountId = prefixedId('acct', at(0), 'ada')
export const otherAccountId = prefixedId('acct', at(0), 'ben')

export const systemAt = (seconds: number, commandId: string = randomUUID()) =>
  systemContext('test', commandId, at(seconds))

const LIMITS = { cachedAggregatesMax: 10_000, seenCommandsMax: 1_000_000, conflictRetriesMax: 200 }

/** One process more on a log. */
export function processOn({ store }: MemoryStore, options: Partial<LedgerOptions> = {}) {
  const bus = createCommandBus(store, LIMITS)
  return { bus, ledgers: createLedgers(bus, { periodEventsMax: 5_000, ...options }) }
}

export const emptyLog = (): MemoryStore => memoryStore(registry)
