/** A found event as readers see it, on the command line as in the API. */
import { createdAt } from './raw-log.ts'
import type { DescribedEvent } from './timeline.ts'

/** Every 64-bit number as text. What cannot be read has no data and, where its metadata cannot either, no actor. */
export function eventView(described: DescribedEvent) {
  const { raw, event, metadata } = described
  return {
    recorded_at: createdAt(raw).toISOString(),
    position: `${raw.position}`,
    stream: raw.stream,
    revision: `${raw.revision}`,
    event_id: raw.id,
    type: raw.type,
    sentence: described.sentence,
    actor: metadata ? { kind: metadata.actor.kind, id: metadata.actor.id, key_id: metadata.actor.keyId ?? null } : null,
    request_id: metadata?.requestId ?? null,
    command_id: metadata?.commandId ?? null,
    correlation_id: metadata?.$correlationId ?? null,
    causation_id: metadata?.$causationId ?? null,
    hash: metadata?.hash ?? null,
    data: event.data,
  }
}
