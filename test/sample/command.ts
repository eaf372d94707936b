/** The context of a command that nobody but the test asks for. */
import { randomUUID } from 'node:crypto'
import type { CommandContext } from '../../src/commands/handle.ts'

export function newCommand(): CommandContext {
  const commandId = randomUUID()
  return {
    commandId,
    fingerprint: undefined,
    actor: { kind: 'system', id: 'test' },
    requestId: commandId,
    correlationId: commandId,
    traceparent: undefined,
    at: new Date().toISOString(),
  }
}
