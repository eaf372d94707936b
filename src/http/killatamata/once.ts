/**
 * Requests under a key whose repeat no stream of their own tells: they are about a stream that the body names, or may leave nothing to
 * record. The key has a stream of its own (commands/killatamata/request-key.ts), which is written behind what was done, while further
 * requests under the key wait. So a refused request leaves the key as it was, and one with other content is refused before it does anything.
 */
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { requestKeyUse } from '../../commands/killatamata/request-key.ts'
import type { Handled } from '../answers.ts'

interface Asked {
  bus: CommandBus
  command: CommandContext
  principal: { accountId: string }
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
): (request: Request) => Promise<Answer> {
  return async (request) => {
    const { bus, command, principal } = request
    if (command.fingerprint === undefined) return handle({ ...request, isRepeat: false })
    let answer: Answer | undefined
    const use = { accountId: principal.accountId, operation: name, at: command.at }
    await bus.handle(requestKeyUse, command.commandId, use, command, async () => {
      answer = await handle({ ...request, isRepeat: false })
    })
    if (answer) return answer
    const again = await handle({ ...request, bus: recorded(bus), isRepeat: true })
    return { ...again, handled: { ...again.handled, replayed: true } }
  }
}
