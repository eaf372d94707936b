/**
 * What a group writes into the store: its checkpoint and its parked events, each in a system stream of its own under
 * the names that EventStoreDB gives them. Parked events are links to the originals.
 */
import { randomBytes } from 'node:crypto'
import { parseLink } from '../../protocol/read-messages.ts'
import type { ProposedEvent } from '../../storage/record.ts'
import { type RecordView, recordData, recordNameBytes, recordRevision } from '../../storage/record.ts'
import type { EventStore } from '../../storage/store.ts'
import { LINK_EVENT_TYPE, METADATA_EVENT_TYPE, metastreamOf } from '../../storage/stream-metadata.ts'
import type { SubscriptionConfig } from './settings.ts'

const CHECKPOINT_TYPE = 'SubscriptionCheckpoint'

export type ParkedEvent = { revision: number; original: { stream: string; revision: number } | undefined }

function newEvent(type: string, data: string, metadata = ''): ProposedEvent {
  const id = randomBytes(16)
  return { id, type, json: type !== LINK_EVENT_TYPE, data: Buffer.from(data), customMetadata: Buffer.from(metadata) }
}

export class Bookkeeping {
  readonly checkpointStream: string
  readonly parkedStream: string
  private readonly store: EventStore

  constructor(store: EventStore, config: SubscriptionConfig) {
    this.store = store
    this.checkpointStream = `$persistentsubscription-${config.source}::${config.group}-checkpoint`
    this.parkedStream = `$persistentsubscription-${config.source}::${config.group}-parked`
  }

  private async append(stream: string, event: ProposedEvent): Promise<void> {
    await this.store.write({ stream, expected: 'any', operation: 'append', events: [event], deadlineMs: undefined })
  }

  /** The place up to which everything was dealt with; undefined where none was written yet. */
  checkpoint(): number | undefined {
    for (const [record] of this.store.streams.read(this.checkpointStream, Number.MAX_SAFE_INTEGER, 1, true)) {
      if (record) return Number(JSON.parse(recordData(record).toString('utf8')))
    }
    return undefined
  }

  async writeCheckpoint(place: number): Promise<void> {
    await this.append(this.checkpointStream, newEvent(CHECKPOINT_TYPE, JSON.stringify(String(place))))
  }

  /** `place` is the event's number in the subscription, where a client refused it. */
  async park(record: RecordView, reason: string, place: number | undefined): Promise<void> {
    const link = `${recordRevision(record)}@${recordNameBytes(record).toString('utf8')}`
    const details = { added: new Date().toISOString(), reason, subscriptionEventNumber: place }
    const metadata = JSON.stringify(details, undefined, 2)
    await this.append(this.parkedStream, newEvent(LINK_EVENT_TYPE, link, metadata))
  }

  parkedCount(): number {
    const status = this.store.streams.status(this.parkedStream)
    return status.kind === 'present' ? Math.max(0, status.lastRevision - status.firstRevision + 1) : 0
  }

  /** The parked events before a revision of the parked stream, oldest first. */
  *parked(stopAt: number): Generator<ParkedEvent> {
    for (const batch of this.store.streams.read(this.parkedStream, 0, Number.MAX_SAFE_INTEGER, false)) {
      for (const link of batch) {
        if (recordRevision(link) >= stopAt) return
        yield { revision: recordRevision(link), original: parseLink(recordData(link)) }
      }
    }
  }

  /** Hides the parked events before a revision, once they are on their way again. */
  async truncateParked(before: number): Promise<void> {
    await this.append(metastreamOf(this.parkedStream), newEvent(METADATA_EVENT_TYPE, JSON.stringify({ $tb: before })))
  }

  /** Removes what the group left, when it is deleted. */
  async remove(): Promise<void> {
    for (const stream of [this.checkpointStream, this.parkedStream]) {
      if (this.store.streams.status(stream).kind !== 'present') continue
      await this.store.write({ stream, expected: 'any', operation: 'delete', events: [], deadlineMs: undefined })
    }
  }
}
