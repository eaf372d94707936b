/**
 * A decider is the pure part of an aggregate. Time, ids and prices come in with the command. `decide` answers the events
 * that follow, answers none where the state is already as wanted, or throws Rejected.
 */
import type { AnyEvent } from '../events/event.ts'

export interface Decider<State, Command, Event extends AnyEvent> {
  readonly initialState: State
  evolve(state: State, event: Event): State
  decide(command: Command, state: State): Event[]
}

/** A decider and the category of its streams: `noctant.account` → `noctant.account-<id>`. */
export interface Aggregate<State, Command, Event extends AnyEvent> extends Decider<State, Command, Event> {
  readonly category: string
}

/** An aggregate of unknown types, for code that folds streams of every kind. */
export interface AnyAggregate {
  readonly category: string
  readonly initialState: unknown
  evolve(state: unknown, event: AnyEvent): unknown
}

/** The state after these events. */
export function fold<State, Event extends AnyEvent>(
  decider: Pick<Decider<State, never, Event>, 'initialState' | 'evolve'>,
  events: Iterable<Event>,
  from: State = decider.initialState,
): State {
  let state = from
  for (const event of events) state = decider.evolve(state, event)
  return state
}

export const streamName = (aggregate: { category: string }, id: string): string => `${aggregate.category}-${id}`

/**
 * Makes an aggregate of this context from a decider that several contexts share. The decider's event types lack the context:
 * `EndpointSet.v1` becomes `noctant.EndpointSet.v1`.
 */
export function aggregateOf<State, Command, Event extends AnyEvent>(
  context: string,
  name: string,
  { initialState, evolve, decide }: Decider<State, Command, Event>,
): Aggregate<State, Command, AnyEvent> {
  const prefix = `${context}.`
  return {
    category: `${prefix}${name}`,
    initialState,
    evolve: (state, { type, data }) => evolve(state, { type: type.slice(prefix.length), data } as Event),
    decide: (command, state) => decide(command, state).map(({ type, data }) => ({ type: `${prefix}${type}`, data })),
  }
}
