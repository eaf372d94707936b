/** What a stream says was answered to a command that comes again. */
import type { AnyEvent } from '../events/event.ts'
import type { EventStore } from '../events/store.ts'
import type { Aggregate } from './decider.ts'
import type { CommandContext, Handled } from './handle.ts'
import type { Milestones } from './milestones.ts'
import { Rejected } from './rejection.ts'

/**
 * The recorded answer to a repeated command: its events, and the state right after them; undefined where the stream has never
 * seen the command. With a `hint` only where the command's first event stands there; the fold then begins at the milestone
 * before. Throws Rejected where its first request was another one.
 */
export async function recordedAnswer<S, C, E extends AnyEvent>(
  store: EventStore,
  aggregate: Aggregate<S, C, E>,
  stream: string,
  { commandId, fingerprint }: CommandContext,
  hint?: { milestones: Milestones<S>; seenAt: bigint },
): Promise<Handled<S, E> | undefined> {
  const events: E[] = []
  const from = hint?.milestones.before(hint.seenAt)
  let state = from?.state ?? aggregate.initialState
  let position: bigint | undefined
  for await (const event of store.readStream<E>(stream, { from: from === undefined ? 0n : from.revision + 1n })) {
    const { metadata } = event
    // The first event of a command carries the fingerprint; its other events stand right behind it.
    const begins = metadata.commandId === commandId && metadata.fingerprint !== undefined
    const goesOn = events.length > 0 && metadata.commandId === commandId
    if (events.length > 0 && !goesOn) break
    if (hint && event.revision === hint.seenAt && !begins) return undefined
    if (begins && metadata.fingerprint !== fingerprint) throw keyReused()
    if (begins || goesOn) events.push({ type: event.type, data: event.data } as unknown as E)
    state = aggregate.evolve(state, event as unknown as E)
    position = event.position
  }
  return events.length > 0 ? { state, events, position, replayed: true } : undefined
}

const keyReused = () =>
  new Rejected('idempotency_key_reused', 'The idempotency key was used for a request with other content.')
