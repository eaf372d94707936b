/**
 * What EventStoreDB writes into its own log at its first start: who may read the history of scavenges, and for how long it is
 * kept. Programs that page through a whole log meet it there, and so they meet it here.
 */
import { systemEvent } from '../storage/group.ts'
import type { EventStore } from '../storage/store.ts'
import { METADATA_EVENT_TYPE, metastreamOf } from '../storage/stream-metadata.ts'

/** The stream in which EventStoreDB keeps the history of its scavenges. */
const SCAVENGES = '$scavenges'
/** To the letter of EventStoreDB 23.10.6 with its default of 30 days. */
const SCAVENGES_METADATA = '{"$maxAge":2592000,"$acl":{"$r":"$ops","$w":[],"$d":[],"$mr":[],"$mw":[]}}'

/**
 * Writes it where nothing was ever written. A log that has events already stays as it is. Where the disk takes nothing,
 * the node starts all the same and says so, as it does for everybody's appends; the next start tries again.
 */
export async function writeFirstEvents(store: EventStore): Promise<void> {
  if (!store.isUntouched()) return
  const event = systemEvent(METADATA_EVENT_TYPE, Buffer.from(SCAVENGES_METADATA))
  const stream = metastreamOf(SCAVENGES)
  try {
    await store.write({ stream, expected: 'no_stream', operation: 'append', events: [event], deadlineMs: undefined })
  } catch (error) {
    store.options.onNotice(`the log's first event is not written: ${(error as Error).message}`)
  }
}
