/** A long history of one account's money, as the commands would have recorded it, written in bulk into the files of an event store. */
import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { streamName } from '../../src/commands/decider.ts'
import { holdIdOf, ledgerIdOf, mediaJobIdOf } from '../../src/commands/killatamata/ids.ts'
import { type LedgerCommand, ledger } from '../../src/commands/killatamata/ledger.ts'
import { DEFAULT_LIMITS } from '../../src/embedded/eventstore/options.ts'
import { EventStore } from '../../src/embedded/eventstore/storage/store.ts'
import { chained } from '../../src/events/chain.ts'
import type { Cause } from '../../src/events/event.ts'
import type { LedgerEvent } from '../../src/events/killatamata/ledger.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'

export interface LedgerHistory {
  accountId: string
  /** In all. The last period is nearly as long as a period may be: no account is slower to load. */
  events: number
  periodEventsMax: number
}

const START_MS = Date.parse('2026-01-01T00:00:00Z')
const STEP_MS = 20_000
const DEPOSIT_MICROS = 1_000_000_000_000n
const HOLD_MICROS = 21_000n
/** Events that a period still has room for at the end, so that a load closes nothing. */
const ROOM = 10

/** Holds and their captures, in periods. */
function* eventsOf({ accountId, events, periodEventsMax }: LedgerHistory): Generator<[period: number, LedgerEvent]> {
  let [period, state, count] = [1, ledger.initialState, 0]
  const at = () => new Date(START_MS + STEP_MS * count).toISOString()
  const decided = (command: Record<string, unknown>): LedgerEvent[] => {
    const made = ledger.decide({ ...command, accountId, period, at: at() } as LedgerCommand, state)
    state = made.reduce(ledger.evolve, state)
    count += made.length
    return made
  }
  const settlementId = randomUUID()
  const depositId = prefixedId('dep', at(), settlementId)
  const deposit = { depositId, settlementId, provider: 'stripe', usdMicros: DEPOSIT_MICROS }
  for (const event of decided({ kind: 'deposit', ...deposit })) yield [period, event]
  while (count < events || state.length < periodEventsMax - ROOM) {
    const requestId = randomUUID()
    const [holdId, jobId] = [holdIdOf(requestId), mediaJobIdOf(at(), requestId)]
    const hold = { kind: 'hold', holds: [{ holdId, jobId, usdMicros: HOLD_MICROS }] }
    const capture = { kind: 'capture', holdId, capturedMicros: HOLD_MICROS }
    for (const command of [hold, capture]) for (const event of decided(command)) yield [period, event]
    if (state.length < periodEventsMax) continue
    for (const event of decided({ kind: 'close', eventsMax: periodEventsMax })) yield [period, event]
    const from = state
    period += 1
    state = ledger.initialState
    for (const event of decided({ kind: 'open', from })) yield [period, event]
  }
}

/** As the house's own commands are recorded. */
function newCause(): Cause {
  const commandId = randomUUID()
  const ids = { $correlationId: commandId, $causationId: commandId, requestId: commandId, commandId }
  return { ...ids, actor: { kind: 'system', id: 'bench' } }
}

/** Events of one append, and appends that wait for the disk together. */
const APPEND_MAX = 500
const APPENDS_AT_ONCE = 8

/** Nobody else uses the files meanwhile. Answers with the last period. */
export async function seedLedger(directory: string, history: LedgerHistory): Promise<number> {
  const onNotice = (notice: string) => process.stderr.write(`event store: ${notice}\n`)
  const store = new EventStore({ ...DEFAULT_LIMITS, directory, onNotice })
  const pending: Promise<void>[] = []
  let [last, revision, hash] = [0, 0, '']
  let events: { id: Buffer; data: Buffer; type: string; json: true; customMetadata: Buffer }[] = []
  const streamOf = (period: number) => streamName(ledger, ledgerIdOf(history.accountId, period))
  const append = () => {
    if (events.length === 0) return
    const [stream, first] = [streamOf(last), revision - events.length]
    const expected = first === 0 ? ('no_stream' as const) : BigInt(first - 1)
    const request = { stream, expected, operation: 'append' as const, events, deadlineMs: undefined }
    events = []
    pending.push(
      store.write(request).then(({ kind }) => {
        if (kind !== 'written') throw new Error(`${stream} was not written: ${kind}`)
      }),
    )
  }
  try {
    for (const [period, event] of eventsOf(history)) {
      if (period !== last) {
        append()
        ;[last, revision, hash] = [period, 0, '']
      }
      const id = randomUUID()
      const link = chained(hash, event, newCause(), { id, stream: streamOf(period), revision: BigInt(revision) })
      hash = link.hash
      const bytes = { id: Buffer.from(id.replaceAll('-', ''), 'hex'), data: Buffer.from(link.data) }
      events.push({ ...bytes, type: event.type, json: true, customMetadata: Buffer.from(link.metadata) })
      revision += 1
      if (events.length < APPEND_MAX) continue
      append()
      if (pending.length < APPENDS_AT_ONCE) continue
      await Promise.all(pending.splice(0))
      await turn()
    }
    append()
    await Promise.all(pending)
  } finally {
    await store.close()
  }
  return last
}
