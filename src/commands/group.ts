/**
 * Commands that wait for the same stream are decided one behind the other, each on the state that the ones before it lead
 * to, and appended together. Only a decision that stands by itself joins: a repeat, a refusal and a command that changes
 * nothing need a look at the log, and a precondition looks at other streams.
 */
import type { AnyEvent } from '../events/event.ts'
import { PersonForgotten } from '../events/sealing.ts'
import { AppendRefused, WrongExpectedRevision } from '../events/store.ts'
import { countNothing } from '../runtime/counted.ts'
import { type Aggregate, fold } from './decider.ts'
import type { CommandContext, Handled } from './handle.ts'
import type { SeenCommands } from './seen-commands.ts'

/** What is asked of a stream. */
export interface Asked<Command> {
  command: Command
  context: CommandContext
  precondition: (() => Promise<void>) | undefined
}

/** One that waits for its turn. */
export interface Waiting<State, Command, Event extends AnyEvent> {
  aggregate: Aggregate<State, Command, Event>
  asked: Asked<Command>
  done: PromiseWithResolvers<Handled<State, Event>>
  /** An append together with others has failed. */
  isAlone: boolean
}

/** One with its events, and the state that they lead to. */
export interface Decided<State, Command, Event extends AnyEvent> {
  waiting: Waiting<State, Command, Event>
  events: Event[]
  state: State
}

/** Commands of one append: a store takes 1 MiB at a time, and one that waits is answered with the others. */
const GROUP_MAX = 16

/** The first ones of the line that can be appended together, each with its events. */
export function decideTogether<State, Command, Event extends AnyEvent>(
  before: { state: State; commands: SeenCommands },
  line: readonly Waiting<State, Command, Event>[],
): Decided<State, Command, Event>[] {
  const group: Decided<State, Command, Event>[] = []
  const ids = new Set<string>()
  let { state } = before
  for (const waiting of line.slice(0, GROUP_MAX)) {
    const { aggregate, asked, isAlone } = waiting
    const { command, context, precondition } = asked
    const { commandId, fingerprint, count = countNothing } = context
    const isRepeat = fingerprint !== undefined && (ids.has(commandId) || before.commands.find(commandId) !== undefined)
    if (aggregate !== line[0]?.aggregate || isAlone || isRepeat || precondition) break
    const events = count(() => decided(aggregate, command, state))
    if (events.length === 0) break
    ids.add(commandId)
    state = fold(aggregate, events, state)
    group.push({ waiting, events, state })
  }
  return group
}

/** None also where it throws: then it is decided again by itself, and whoever asked learns why. */
function decided<S, C, E extends AnyEvent>(aggregate: Aggregate<S, C, E>, command: C, state: S): E[] {
  try {
    return aggregate.decide(command, state)
  } catch {
    return []
  }
}

/** Whether nothing was written, for a reason that may be one command's alone. */
export const isOfOne = (error: unknown): boolean =>
  error instanceof WrongExpectedRevision || error instanceof AppendRefused || error instanceof PersonForgotten
