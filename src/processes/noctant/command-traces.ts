/** The engine's word on a command as a span: part of the request's trace, with the time since the command was accepted. */
import type { EventStore } from '../../events/store.ts'
import type { Log } from '../../log.ts'
import { createLru } from '../../runtime/lru.ts'
import { isSampled, isTracing, span } from '../../telemetry.ts'

interface Sent {
  traceparent: string | undefined
  acceptedAt: string
}

export interface CommandTraces {
  /** A command was published. */
  sent(commandId: string, sent: Sent): void
  /** The engine has it on record, and has decided it. Never rejects: what is only told holds up no confirmation. */
  confirmed(commandId: string, outcome: string): Promise<void>
}

/** Of commands whose confirmation is on its way. */
const KNOWN_MAX = 10_000

/** `streamOf`: where the record of a command's sends is; it has the trace of one that another process has sent. */
export function createCommandTraces(
  store: Pick<EventStore, 'readStream'>,
  streamOf: (commandId: string) => string,
  log: Log,
): CommandTraces {
  const known = createLru<string, Sent>(KNOWN_MAX)
  async function recorded(commandId: string): Promise<Sent | undefined> {
    const [first] = await Array.fromAsync(store.readStream(streamOf(commandId), { maxCount: 1n }))
    return first && { traceparent: first.metadata.traceparent, acceptedAt: String(first.data.occurredAt) }
  }
  return {
    sent(commandId, sent) {
      if (isTracing()) known.set(commandId, sent)
    },
    async confirmed(commandId, outcome) {
      if (!isTracing()) return
      const found =
        known.get(commandId) ??
        (await recorded(commandId).catch((error: unknown) => {
          log.warn({ err: error, commandId }, 'the trace of a command could not be read; its confirmation has no span')
          return undefined
        }))
      const { traceparent: parent, acceptedAt = '' } = found ?? {}
      known.delete(commandId)
      if (!isSampled(parent)) return
      const sinceAcceptedMs = Math.max(0, Date.now() - Date.parse(acceptedAt))
      const about = { 'opslog.command_id': commandId, 'opslog.outcome': outcome }
      const told = { ...about, 'opslog.since_accepted_ms': sinceAcceptedMs }
      span('engine confirmed', told, () => undefined, { parent, kind: 'consumer' })
    },
  }
}
