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
      async ({ set }) => {
        let retries = 0
        const onRetry = () => {
          retries += 1
        }
        try {
          const own = { ...context, traceparent: traceparentNow() ?? context.traceparent, onRetry }
          const { replayed, events, ...rest } = await bus.handle(aggregate, id, command, own, precondition)
          const applied = events.length > 0 ? 'applied' : 'unchanged'
          set({ 'opslog.outcome': replayed ? 'replayed' : applied, 'opslog.events': events.length })
          return { replayed, events, ...rest }
        } catch (error) {
          if (error instanceof Rejected) set({ 'opslog.outcome': 'rejected', 'opslog.code': error.code })
          else set({ 'opslog.outcome': 'failed' })
          throw error
        } finally {
          set({ 'opslog.retries': retries })
        }
      },
      options,
    )
  },
})
