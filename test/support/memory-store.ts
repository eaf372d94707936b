/**
 * A log in memory, with revisions and conflicts as the store has them: for tests of commands on several streams that want many
 * processes and thousands of commands. Personal fields stay as they are, and nothing is chained.
 */
import { setImmediate as turn } from 'node:timers/promises'
import type { AnyEvent, Recorded } from '../../src/events/event.ts'
import type { Registry } from '../../src/events/registry.ts'
import { type EventStore, type NewEvent, WrongExpectedRevision } from '../../src/events/store.ts'

export interface MemoryStore {
  /** What the command bus needs of a store. */
  store: EventStore
  /** All events, in the order of the log. */
  events(): readonly Recorded[]
}

export function memoryStore(registry: Registry): MemoryStore {
  const log: Recorded[] = []
  const streams = new Map<string, Recorded[]>()

  function record(stream: string, { id, event, cause }: NewEvent): Recorded {
    const own = streams.get(stream) ?? []
    const position = BigInt(log.length + 1)
    const recorded = {
      ...{ id, stream, revision: BigInt(own.length), position, ...registry.decode(event.type, event.data) },
      ...{ metadata: { ...cause, prevHash: '', hash: String(position) }, recordedAt: new Date() },
    }
    streams.set(stream, [...own, recorded])
    log.push(recorded)
    return recorded
  }

  async function append(stream: string, revision: bigint | undefined, _lastHash: string, events: readonly NewEvent[]) {
    await turn()
    const last = streams.get(stream)?.at(-1)
    if (last?.revision !== revision) throw new WrongExpectedRevision()
    const written = events.map((event) => record(stream, event)).at(-1)
    if (!written) throw new Error('an append has events')
    return { revision: written.revision, position: written.position, lastHash: written.metadata.hash }
  }

  async function* readStream<E extends AnyEvent>(stream: string, { from = 0n }: { from?: bigint } = {}) {
    await turn()
    for (const event of streams.get(stream) ?? []) if (event.revision >= from) yield event as Recorded<E>
  }

  const own = { registry, append, readStream, onForgotten: () => undefined }
  return { store: own as unknown as EventStore, events: () => log }
}
