/** Contexts of commands that no request brings: what the house does by itself, or because of an event. */
import type { Actor, Recorded } from '../events/event.ts'
import type { CommandContext } from './handle.ts'

type Others = Partial<Omit<CommandContext, 'actor' | 'commandId' | 'at'>>

/** `commandId`: a repeat has it too. Request and correlation go by it where `others` does not name them. */
export const commandContext = (actor: Actor, commandId: string, at: string, others: Others = {}): CommandContext => ({
  ...{ commandId, fingerprint: undefined, actor, requestId: commandId, traceparent: undefined, at },
  correlationId: others.requestId ?? commandId,
  ...others,
})

/** `part`: the process, which the log names. */
export const systemContext = (part: string, commandId: string, at: string, others?: Others): CommandContext =>
  commandContext({ kind: 'system', id: part }, commandId, at, others)

/** Of what follows from an event: correlation and trace are the event's, which is the cause. */
export const consequenceContext = (part: string, { id, metadata }: Recorded, at: string, commandId = id) => {
  const { $correlationId: correlationId, traceparent } = metadata
  return systemContext(part, commandId, at, { requestId: id, causationId: id, correlationId, traceparent })
}

/** Of a command that follows from this one, in another stream: what it changes, this one has caused. */
export const stepContext = (context: CommandContext, commandId: string): CommandContext => ({
  ...context,
  ...{ commandId, fingerprint: undefined, causationId: context.causationId ?? context.commandId },
  startsStream: false,
})
