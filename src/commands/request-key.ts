/**
 * A key under which a request was sent, where no other stream knows of every use of it: the stream that the request is about is named by
 * its address or its body, or it may leave nothing to record. The stream of the key is named by the command id, which follows from it.
 */
import type { AnyEvent } from '../events/event.ts'
import type { Aggregate } from './decider.ts'

export interface RequestKeyState {
  isUsed: boolean
}

/** Which request a key stands for, says the fingerprint beside the event. */
export type RequestKeys<Event extends AnyEvent = AnyEvent> = Aggregate<RequestKeyState, Event['data'], Event>

/** The keys of a context: in streams of this category, each with one event of this type, whose data is the command. */
export const requestKeysOf = <Event extends AnyEvent>(category: string, type: Event['type']): RequestKeys<Event> => ({
  category,
  initialState: { isUsed: false },
  evolve: () => ({ isUsed: true }),
  decide: (data, { isUsed }) => (isUsed ? [] : [{ type, data } as Event]),
})
