/** Whom the log names for what the context does by itself. */
import type { CommandContext } from '../../commands/handle.ts'

/** `part`: the process. `id`: of the command, which a repeat has too; the request and what follows go by it. */
export const systemContext = (part: string, id: string, at: string): CommandContext => ({
  ...{ commandId: id, requestId: id, correlationId: id, fingerprint: undefined, traceparent: undefined },
  ...{ actor: { kind: 'system', id: part }, at },
})
