/** Appends as spans, where they belong to a trace. */
import { isTracing, span, traceparentNow } from '../telemetry.ts'
import { categoryOf } from './event.ts'
import type { EventStore } from './store.ts'

/** The same store. */
export const traceAppends = (store: EventStore): EventStore => (isTracing() ? traced(store) : store)

const traced = (store: EventStore): EventStore => ({
  ...store,
  append(stream, revision, lastHash, events) {
    const append = () => store.append(stream, revision, lastHash, events)
    if (traceparentNow() === undefined) return append()
    return span('store append', { 'opslog.category': categoryOf(stream), 'opslog.events': events.length }, append)
  },
})
