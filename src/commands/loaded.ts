/** A stream as the command bus knows it: its state, where it stands, and which commands it has seen. */
import type { AnyEvent, Recorded } from '../events/event.ts'
import type { Appended } from '../events/store.ts'
import { approximateBytes } from '../runtime/retained-size.ts'
import type { Aggregate } from './decider.ts'
import type { CommandContext } from './handle.ts'
import { createMilestones, type Milestones } from './milestones.ts'
import { createSeenCommands, type SeenCommands } from './seen-commands.ts'

/** A state's size, and the events of its stream when it was taken. */
interface Weighed {
  bytes: number
  events: bigint
}
/** It is taken again once the stream has grown by such a part of it: a state of many events is not walked for each. */
const WEIGHED_AGAIN_AT = 2n

export interface Loaded<State> {
  state: State
  /** Shared with later states of the stream. */
  weighed: Weighed
  /** undefined: the stream does not exist. */
  revision: bigint | undefined
  /** Commit position of the last event. */
  position: bigint | undefined
  lastHash: string
  /** At least the commands up to this revision; later states of the stream share it. */
  commands: SeenCommands
  /** States on the way, which later states of the stream share too. */
  milestones: Milestones<State>
}

/** A stream of which nothing is known yet. */
export const unread = <S>({ initialState: state }: { initialState: S }): Loaded<S> => ({
  ...{ state, revision: undefined, position: undefined, lastHash: '' },
  ...{ commands: createSeenCommands(), milestones: createMilestones(), weighed: { bytes: 0, events: 0n } },
})

/** About how many bytes a state holds; those that it came by share what did not change. */
export function bytesOf({ state, revision, weighed }: Loaded<unknown>): number {
  const events = (revision ?? -1n) + 1n
  if (weighed.events === 0n || (events - weighed.events) * WEIGHED_AGAIN_AT >= weighed.events) {
    weighed.bytes = approximateBytes(state)
    weighed.events = events
  }
  return weighed.bytes
}

/** Takes in one more recorded event: state, revision, chain and command. */
export function absorb<S, C, E extends AnyEvent>(
  aggregate: Aggregate<S, C, E>,
  before: Loaded<S>,
  event: Recorded<E>,
): Loaded<S> {
  const { commandId, fingerprint, hash } = event.metadata
  const { commands, milestones, weighed } = before
  if (fingerprint !== undefined) commands.add(commandId, event.revision)
  const state = aggregate.evolve(before.state, event as unknown as E)
  milestones.note(event.revision, state)
  return { state, revision: event.revision, position: event.position, lastHash: hash, commands, milestones, weighed }
}

/** Takes in what a command has written, which led to this state. */
export function absorbWritten<S>(
  before: Loaded<S>,
  state: S,
  { revision, position, lastHash }: Appended,
  context: CommandContext,
): Loaded<S> {
  const { commands, milestones, weighed } = before
  if (context.fingerprint !== undefined) commands.add(context.commandId, (before.revision ?? -1n) + 1n)
  milestones.note(revision, state)
  return { state, revision, position, lastHash, commands, milestones, weighed }
}
