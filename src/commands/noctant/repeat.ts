/**
 * The answer to a command that found everything as it asks for. Where a contract has no key, the same words again are the
 * same request again, and the caller is told so as it would be with a key.
 */
import type { AnyEvent } from '../../events/event.ts'
import type { Handled } from '../handle.ts'

/** As handled; `replayed` where nothing was written. */
export const markRepeat = <State, Event extends AnyEvent>(handled: Handled<State, Event>): Handled<State, Event> =>
  handled.events.length > 0 ? handled : { ...handled, replayed: true }
