/** Holds and captures on the bus against transactions in Postgres, and an account with a long history for a process that is new to it. */
import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEventStoreThread } from '../../src/embedded/eventstore/start.ts'
import { askChild } from '../child.ts'
import type { SuiteOptions } from '../commands.ts'
import type { BenchInstance } from '../instance.ts'
import { type Bounds, compare, figuresOf, load, type Measurement, within } from '../measure.ts'
import { openBooks } from './books.ts'
import type { ColdOrder } from './cold-child.ts'
import { credit, newAccountId, newContext, newHold, openLedgers, PERIOD_EVENTS_MAX } from './ground.ts'
import { seedLedger } from './ledger-history.ts'

const AT_ONCE = 64
const PRICE_MICROS = 21_000n
/** Each side, before it is measured. */
const WARM_UP_S = 2

const CASES: readonly (readonly [accounts: number, name: string, bounds: Bounds])[] = [
  [64, 'hold and capture, 64 accounts, 64 at once, against transactions', { floor: 0.8, goal: 1.2, moonshot: 2 }],
  [1, 'hold and capture, one account, 64 at once, against transactions', { floor: 1, goal: 3, moonshot: 8 }],
]

/** A piece is a hold and its capture. */
export async function ledgerOperations(instance: BenchInstance, { seconds, rounds }: SuiteOptions) {
  const { ledgers, close } = openLedgers(instance)
  const books = await openBooks(instance.postgresUrl)
  try {
    const measured: Measurement[] = []
    for (const [count, name, bounds] of CASES) {
      const accounts = Array.from({ length: count }, newAccountId)
      await Promise.all(accounts.flatMap((id) => [credit(ledgers, id), books.fill(id)]))
      const of = (worker: number) => accounts[worker % count] ?? ''
      const ours = (length = seconds) =>
        load(AT_ONCE, length, async (worker) => {
          const context = newContext()
          const hold = newHold(PRICE_MICROS, context)
          await ledgers.hold(of(worker), [hold], context)
          await ledgers.capture(of(worker), hold.holdId, PRICE_MICROS, newContext())
        })
      const theirs = (length = seconds) =>
        load(AT_ONCE, length, async (worker) => {
          const holdId = `hold_${randomUUID()}`
          await books.hold(of(worker), holdId, PRICE_MICROS)
          await books.capture(of(worker), holdId, PRICE_MICROS)
        })
      await ours(WARM_UP_S)
      await theirs(WARM_UP_S)
      measured.push(await compare(name, rounds, ours, theirs, bounds))
    }
    return measured
  } finally {
    await Promise.all([books.close(), close()])
  }
}

const EVENTS = 1_000_000
/** In a run that is shorter than the default one. */
const EVENTS_MIN = 20_000
const DEFAULT_SECONDS = 3
const CHILD = fileURLToPath(new URL('./cold-child.ts', import.meta.url))

/** Each load is of a process of its own: from its first look at the account until a hold on it is in the log. */
export async function coldLoads({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-ledger-'))
  const events = seconds < DEFAULT_SECONDS ? Math.max(EVENTS_MIN, Math.round((seconds / 30) * EVENTS)) : EVENTS
  const account = { accountId: newAccountId(), periodEventsMax: PERIOD_EVENTS_MAX }
  try {
    const last = await seedLedger(directory, { ...account, events })
    const node = await startEventStoreThread({ directory })
    const load = (period: number | null) =>
      askChild<{ tookMs: number }>(CHILD, { ...account, eventStoreUrl: node.url, period } satisfies ColdOrder)
    const loads = async (count: number, period: number | null) => {
      const took: number[] = []
      for (let n = 0; n < count; n++) took.push((await load(period)).tookMs)
      return figuresOf(took.map((perSecond) => ({ perSecond, latenciesMs: [] })))
    }
    try {
      const known = await loads(rounds, last)
      const label = `an account of ${events.toLocaleString('en')} ledger events, cold, to its next hold, ms`
      const bounds = { measured: known.median, atMost: 500, wanted: 100, best: 30 }
      const unknown = await loads(1, null)
      return [within(label, known, bounds), { name: 'the same where read models know nothing, ms', ours: unknown }]
    } finally {
      await node.close()
    }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
