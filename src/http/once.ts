/**
 * Requests under a key whose repeat no stream of their own tells: they are about a stream that the address or the body names, or may leave
 * nothing to record. The key has a stream of its own (commands/request-key.ts), which is written behind what was done, while further
 * requests under the key wait. So a refused request leaves the key as it was, and one with other content is refused before it does anything.
 */
import type { CommandBus, CommandContext } from '../commands/handle.ts'
import type { RequestKeys } from '../commands/request-key.ts'
import type { AnyEvent } from '../events/event.ts'
import type { Handled } from './answers.ts'
import type { Principal } from './environment.ts'

/** Records the use of a key in its stream, behind `use`, where it is the first. */
export type KeyKeeping = (asked: Asked, operation: string, use: () => Promise<void>) => Promise<unknown>

/** Where a context keeps such keys, and what it records of a use. */
export const keepKeys =
  <Event extends AnyEvent, Who extends Principal>(
    keys: RequestKeys<Event>,
    recordOf: (principal: Who, operation: string, at: string) => Event['data'],
  ): KeyKeeping =>
  ({ bus, command, principal }, operation, use) =>
    bus.handle(keys, command.commandId, recordOf(principal as Who, operation, command.at), command, use)

interface Asked {
  bus: CommandBus
  command: CommandContext
  principal: Principal
}

/** Beside what a handler has else. */
export interface Repeatable {
  /** The key was used for this very request before: whatever the handler does, nothing is decided anew. */
  isRepeat: boolean
}

/** Answers from what is recorded: a command that left nothing behind does not have its effect now. */
const recorded = (bus: CommandBus): CommandBus => ({
  ...bus,
  handle: (aggregate, id, command, context) => bus.handle({ ...aggregate, decide: () => [] }, id, command, context),
})

/** `name`: of the operation. */
export function once<Request extends Asked, Answer extends { handled: Handled }>(
  name: string,
  handle: (request: Request & Repeatable) => Promise<Answer>,
  keep: KeyKeeping,
): (request: Request) => Promise<Answer> {
  return async (request) => {
    const { bus, command } = request
    if (command.fingerprint === undefined) return handle({ ...request, isRepeat: false })
    let answer: Answer | undefined
    await keep(request, name, async () => {
      answer = await handle({ ...request, isRepeat: false })
    })
    if (answer) return answer
    const again = await handle({ ...request, bus: recorded(bus), isRepeat: true })
    return { ...again, handled: { ...again.handled, replayed: true } }
  }
}
