/** Events as they are appended: with ids that a resent append keeps, and with their cause. */
import type { AnyEvent, Cause } from '../events/event.ts'
import type { NewEvent } from '../events/store.ts'
import type { CommandContext } from './handle.ts'
import { eventId } from './identity.ts'

/**
 * The events of a command with their ids and cause. The ids follow from the command and this execution of it: a resent append
 * keeps them. The same command in another process has other ids, so it gets a conflict and then the recorded answer. With
 * the same ids the store would ignore its append, whose bytes differ from the recorded ones.
 */
export function prepare(events: readonly AnyEvent[], context: CommandContext, execution: string): NewEvent[] {
  const cause: Cause = {
    $correlationId: context.correlationId,
    $causationId: context.causationId ?? context.commandId,
    actor: context.actor,
    requestId: context.requestId,
    commandId: context.commandId,
    ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
  }
  return events.map((event, index) => ({
    id: eventId(context.commandId, execution, index),
    event,
    cause: index === 0 && context.fingerprint !== undefined ? { ...cause, fingerprint: context.fingerprint } : cause,
  }))
}
