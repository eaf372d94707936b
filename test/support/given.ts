/**
 * Given what happened, when this is asked, then that follows: the form of every decider's test. A decision runs on the
 * state that the given events fold to, must leave that state untouched, and may only make events that the registry can
 * read back.
 */
import { expect } from 'vitest'
import { type Decider, fold } from '../../src/commands/decider.ts'
import { Rejected } from '../../src/commands/rejection.ts'
import type { AnyEvent } from '../../src/events/event.ts'
import type { Registry } from '../../src/events/registry.ts'
import { registry } from './contexts.ts'

export interface Refusal {
  /** Of the decider's own list of codes; a context's `Rejected` takes no other. */
  rejected: string
  /** JSON pointer of the field that is at fault; undefined: the refusal names none. */
  pointer: string | undefined
}

/** The outcome of a command that is refused with this code, and with this pointer or without one. */
export const rejects = (code: string, pointer?: string): Refusal => ({ rejected: code, pointer })

/** What reads events back: that of all contexts, or the sample context's. */
type Reading = Pick<Registry, 'decode'>

/** Starts the sentences of one decider: `const given = specify(account)`. */
export function specify<State, Command, Event extends AnyEvent>(
  decider: Decider<State, Command, Event>,
  reading: Reading = registry,
) {
  return (events: readonly Event[]) => ({
    when(command: Command) {
      const outcome = decideOn(decider, reading, { events, command })
      return {
        // biome-ignore lint/suspicious/noThenProperty: the sentence reads given, when, then; nobody awaits it.
        then(expected: readonly Event[] | Refusal): void {
          expect(outcome).toStrictEqual(expected)
        },
      }
    },
    /** The state that the events fold to. */
    state: (): State => fold(decider, events),
  })
}

function decideOn<State, Command, Event extends AnyEvent>(
  decider: Decider<State, Command, Event>,
  reading: Reading,
  { events, command }: { events: readonly Event[]; command: Command },
): readonly Event[] | Refusal {
  const state = fold(decider, events)
  const before = fold(decider, events)
  try {
    const decided = decider.decide(command, state)
    for (const { type, data } of decided) expect(reading.decode(type, data)).toStrictEqual({ type, data })
    return decided
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    return { rejected: error.code, pointer: error.pointer }
  } finally {
    expect(state, 'a decision must not change the state').toStrictEqual(before)
  }
}
