/**
 * Heartbeats: events in a stream of their own that keeps only the newest. They have no hash chain, since the store itself
 * drops the older ones.
 */
import { randomUUID } from 'node:crypto'
import type { EncodedEvent } from '../eventstore/append-messages.ts'
import type { StoredEvent } from '../eventstore/read-messages.ts'
import { HEARTBEAT } from './registry.ts'

export const HEARTBEAT_STREAM = 'opslog.heartbeat-log'
/** A stream's metadata are events of this type, in a stream of the same name behind `$$`. */
const METADATA = '$metadata'

export interface HeartbeatOptions {
  /** The last event of a stream. */
  newest: (stream: string) => Promise<StoredEvent | undefined>
  /** Appends at an exact revision. A conflict means that another process has just done it, which is as good. */
  append: (stream: string, revision: bigint | undefined, event: EncodedEvent) => Promise<void>
}

/** A function that appends a heartbeat. Rejects as `newest` and `append` do. */
export function createHeartbeat({ newest, append }: HeartbeatOptions): (occurredAt: string) => Promise<void> {
  let areOlderDropped = false

  async function dropOlder(): Promise<void> {
    const stream = `$$${HEARTBEAT_STREAM}`
    const last = await newest(stream)
    if ((last?.data as { $maxCount?: unknown } | undefined)?.$maxCount === 1) return
    await append(stream, last?.revision, eventOf(METADATA, { $maxCount: 1 }, ''))
  }

  return async (occurredAt) => {
    if (!areOlderDropped) await dropOlder()
    areOlderDropped = true
    const last = await newest(HEARTBEAT_STREAM)
    const id = `heartbeat ${occurredAt}`
    const actor = { kind: 'system', id: 'heartbeat' }
    const metadata = { $correlationId: id, $causationId: id, actor, commandId: id, prevHash: '', hash: '' }
    await append(HEARTBEAT_STREAM, last?.revision, eventOf(HEARTBEAT, { occurredAt }, JSON.stringify(metadata)))
  }
}

const eventOf = (type: string, data: object, metadata: string): EncodedEvent => ({
  id: randomUUID(),
  type,
  data: JSON.stringify(data),
  metadata,
})
