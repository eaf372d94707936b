/** The sample context's process: what a tenant writes with an exclamation mark is pinned to its board. */
import type { CommandBus, CommandContext } from '../../src/commands/handle.ts'
import { deterministicId } from '../../src/commands/identity.ts'
import { Rejected } from '../../src/commands/rejection.ts'
import type { Recorded } from '../../src/events/event.ts'
import type { Delivered } from '../../src/events/subscription.ts'
import { type ProcessDependencies, runProcess } from '../../src/processes/process.ts'
import { board } from './board.ts'
import type { NoteEvent } from './note.ts'

export const PINNING = 'sample.pinning'

/** Handles a note twice with one effect: the command's id follows from the event's. */
export const runPinning = (parts: ProcessDependencies & { bus: CommandBus }): Promise<void> =>
  runProcess({ name: PINNING, types: ['sample.NoteWritten.'], handle: (events) => pinAll(parts.bus, events) }, parts)

async function pinAll(bus: CommandBus, events: readonly Delivered[]): Promise<void> {
  for (const event of events as readonly Recorded<NoteEvent>[]) {
    const { noteId, tenantId, text } = event.data
    if (!text.endsWith('!')) continue
    await bus
      .handle(board, tenantId, { kind: 'pin', tenantId, noteId }, commandAfter(event))
      .catch((error: unknown) => {
        // A full board is how it is; the note stays where it was written.
        if (!(error instanceof Rejected)) throw error
      })
  }
}

function commandAfter({ id, recordedAt, metadata }: Recorded): CommandContext {
  const commandId = deterministicId(PINNING, id)
  return {
    commandId,
    fingerprint: undefined,
    actor: { kind: 'system', id: PINNING },
    requestId: commandId,
    correlationId: metadata.$correlationId,
    traceparent: undefined,
    at: recordedAt.toISOString(),
  }
}
