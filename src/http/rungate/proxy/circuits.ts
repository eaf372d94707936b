/**
 * Circuits of provider keys: decided in this process's memory, recorded where they change, and followed from the log, so that all
 * processes leave a key alone that one of them has found broken.
 */
import { randomUUID } from 'node:crypto'
import { type Breaker, createBreaker, type Transition } from '../../../adapters/llm/breaker.ts'
import type { Directory } from '../../../api-keys/directory.ts'
import { systemContext } from '../../../commands/context.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import { type CircuitCommand, circuit } from '../../../commands/rungate/circuit.ts'
import type { CircuitEvent } from '../../../events/rungate/circuit.ts'
import type { ProviderKeyEvent } from '../../../events/rungate/provider-key.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import type { Log } from '../../../log.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { projectionsCheckpoint, readCheckpoint } from '../../../projections/checkpoint.ts'
import { openCircuits } from '../../../projections/rungate/circuit.ts'

export interface Circuits extends Directory {
  readonly breaker: Breaker
  /** From now on changes are recorded, in this process's name; what it saw itself is not followed. */
  recordWith(parts: {
    processId: string
    bus: CommandBus
    /** The installation's: what one process sees, the others wait for. */
    clock: () => Date
    log: Pick<Log, 'warn'>
    /** Undefined: the key is not known any more. */
    ownerOf(keyId: string): { accountId: string; provider: string } | undefined
  }): void
}

export function createCircuits(): Circuits {
  let own: string | undefined
  // Nobody asks before a process records.
  let now: () => Date = () => new Date()
  let record: (transition: Transition) => void = () => undefined
  const breaker = createBreaker(
    () => now().getTime(),
    (transition) => record(transition),
  )

  function follow({ type, data }: CircuitEvent | RenewedEvent): void {
    if (type === 'rungate.ProviderKeyChanged.v1' || type === 'rungate.ProviderKeyRotated.v1') {
      breaker.renewed(data.keyId)
      return
    }
    if (data.processId === own) return
    const state = STATES[type]
    const { waitMs, failures } = 'waitMs' in data ? data : { waitMs: 0, failures: 0 }
    breaker.follow({ key: data.keyId, state, atMs: Date.parse(data.occurredAt), waitMs, failures })
  }

  return {
    breaker,
    types: ['rungate.Circuit', 'rungate.ProviderKeyChanged.', 'rungate.ProviderKeyRotated.'],
    async load(db: ReadModels) {
      const snapshot = db.transaction().setIsolationLevel('repeatable read').setAccessMode('read only')
      return snapshot.execute(async (trx) => {
        for (const { key_id: key, state, opened_at, changed_at, ...row } of await openCircuits(trx)) {
          const atMs = Date.parse((state === 'open' ? opened_at : null) ?? changed_at)
          breaker.follow({ key, state, atMs, waitMs: row.wait_ms ?? 0, failures: row.failure_count ?? 0 })
        }
        return (await readCheckpoint(trx, projectionsCheckpoint('rungate')))?.position
      })
    },
    apply(events: readonly Delivered[]) {
      for (const event of events) if (!isPoison(event)) follow(event as unknown as CircuitEvent | RenewedEvent)
    },
    recordWith({ processId, bus, clock, log, ownerOf }) {
      own = processId
      now = clock
      record = (transition) => {
        const { key: keyId, state, atMs } = transition
        const owner = ownerOf(keyId)
        if (!owner) return
        const occurredAt = new Date(atMs).toISOString()
        const seen = { ...owner, keyId, processId, occurredAt }
        const context = systemContext('rungate-circuits', randomUUID(), occurredAt)
        bus.handle(circuit, keyId, commandOf(seen, transition), context).catch((err: unknown) => {
          log.warn({ err, keyId, state }, 'a circuit has changed, and other processes were not told')
        })
      }
    },
  }
}

type RenewedEvent = Extract<
  ProviderKeyEvent,
  { type: 'rungate.ProviderKeyChanged.v1' | 'rungate.ProviderKeyRotated.v1' }
>

const STATES = {
  'rungate.CircuitOpened.v1': 'open',
  'rungate.CircuitProbed.v1': 'half_open',
  'rungate.CircuitClosed.v1': 'closed',
} as const satisfies Record<CircuitEvent['type'], Transition['state']>

type Seen = Omit<Extract<CircuitCommand, { kind: 'probe' }>, 'kind'>

function commandOf(seen: Seen, { state, waitMs, failures }: Transition): CircuitCommand {
  if (state === 'open') return { kind: 'open', ...seen, waitMs, failures }
  return { kind: state === 'half_open' ? 'probe' : 'close', ...seen }
}
