/** Commands as spans: which aggregate, what came of it. The events record the span's trace, so that what follows joins it. */
import { isTracing, span, traceparentNow } from '../telemetry.ts'
import type { CommandBus } from './handle.ts'
import { Rejected } from './rejection.ts'

/** The same bus. What belongs to no trace, as most of what the house does by itself, makes no span. */
export const traceCommands = (bus: CommandBus): CommandBus => (isTracing() ? traced(bus) : bus)

const traced = (bus: CommandBus): CommandBus => ({
  ...bus,
  handle(aggregate, id, command, context, precondition) {
    const now = traceparentNow()
    if (now === undefined && context.traceparent === undefined) {
      return bus.handle(aggregate, id, command, context, precondition)
    }
    const about = { 'opslog.aggregate': aggregate.category, 'opslog.command_id': context.commandId }
    const isExpected = (error: unknown) => error instanceof Rejected
    const options = { parent: now === undefined ? context.traceparent : undefined, isExpected }
    return span(
      'command handle',
      about,
      ({ isRecorded, set }) => {
        const own = { ...context, traceparent: traceparentNow() ?? context.traceparent }
        let retries = 0
        const onRetry = () => void retries++
        const handled = bus.handle(aggregate, id, command, isRecorded ? { ...own, onRetry } : own, precondition)
        const tell = ({ replayed, events }: Awaited<typeof handled>) => {
          const outcome = replayed ? 'replayed' : events.length > 0 ? 'applied' : 'unchanged'
          set({ 'opslog.outcome': outcome, 'opslog.events': events.length, 'opslog.retries': retries })
        }
        const fail = (error: unknown) => {
          const code = error instanceof Rejected ? error.code : undefined
          set({ 'opslog.outcome': code ? 'rejected' : 'failed', 'opslog.code': code, 'opslog.retries': retries })
        }
        // Before the span ends with the same promise.
        if (isRecorded) handled.then(tell, fail)
        return handled
      },
      options,
    )
  },
})
