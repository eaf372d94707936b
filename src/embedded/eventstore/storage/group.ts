/**
 * One group commit: the appends that were queued while the previous one was being written, decided one after the other
 * against what is stored and what precedes them in the group, and encoded into a single write.
 */
import { randomBytes } from 'node:crypto'
import { decideAppend, type ExpectedRevision, type StreamFacts } from './append-rules.ts'
import {
  encodedName,
  encodeRecord,
  FLAG_ID_INDEXED,
  FLAG_TOMBSTONE,
  type Placement,
  type ProposedEvent,
  type RecordView,
  recordData,
  recordId,
  recordLength,
} from './record.ts'
import {
  isMetastream,
  METADATA_EVENT_TYPE,
  metastreamOf,
  NO_METADATA,
  parseStreamMetadata,
  recreatedDocument,
  SOFT_DELETED_DOCUMENT,
  type StreamMetadata,
  TOMBSTONE_EVENT_TYPE,
} from './stream-metadata.ts'

/** What a client asks for: an append of events, or a delete. */
export type WriteRequest = {
  stream: string
  expected: ExpectedRevision
  operation: 'append' | 'delete' | 'tombstone'
  events: readonly ProposedEvent[]
  /** Unix time after which the client no longer wants the write to happen. */
  deadlineMs: number | undefined
}

export type WriteOutcome =
  | { kind: 'written'; revision: number; position: number | undefined }
  | { kind: 'wrong-expected-version'; current: number }
  | { kind: 'deleted' }
  | { kind: 'deadline-exceeded' }

/** What the group needs of the store. Revisions are -1 where there is no event. */
export type StoredFacts = {
  lastRevision: number
  tombstoned: boolean
  metadata: StreamMetadata
  /** The position of the last event of the whole log, which is the answer to an append of no events. */
  lastPosition: number | undefined
  eventAt: (revision: number) => RecordView | undefined
  positionOf: (revision: number) => number | undefined
  revisionOf: (id: Buffer) => number | undefined
}

type GroupStream = {
  stored: StoredFacts
  name: Buffer
  lastRevision: number
  tombstoned: boolean
  metadata: StreamMetadata
  added: GroupEntry[]
}

export type GroupEntry = {
  stream: string
  name: Buffer
  event: ProposedEvent
  placement: Placement
  length: number
}

export class Group {
  readonly entries: GroupEntry[] = []
  private streams = new Map<string, GroupStream>()
  private position: number
  private start: number
  private lookUp: (stream: string) => StoredFacts
  readonly nowMs: number

  constructor(start: number, nowMs: number, lookUp: (stream: string) => StoredFacts) {
    this.start = start
    this.position = start
    this.lookUp = lookUp
    this.nowMs = nowMs
  }

  private stream(name: string): GroupStream {
    const known = this.streams.get(name)
    if (known) return known
    const stored = this.lookUp(name)
    const added: GroupStream = { ...stored, stored, name: encodedName(name), added: [] }
    this.streams.set(name, added)
    return added
  }

  private factsOf(name: string, stream: GroupStream): StreamFacts {
    const firstAdded = stream.stored.lastRevision + 1
    return {
      lastRevision: stream.lastRevision,
      // The metadata of a tombstoned stream may be written on, where it was ever written.
      tombstoned:
        stream.tombstoned || (isMetastream(name) && stream.lastRevision < 0 && this.stream(name.slice(2)).tombstoned),
      softDeleted: () => stream.metadata.softDeleted,
      hasMetadata: () => this.stream(metastreamOf(name)).lastRevision >= 0,
      idAt: (revision) => {
        if (revision >= firstAdded) return stream.added[revision - firstAdded]?.event.id
        const record = stream.stored.eventAt(revision)
        return record && recordId(record)
      },
      revisionOf: (id) => {
        const known = stream.stored.revisionOf(id)
        return known ?? stream.added.find((candidate) => candidate.event.id.equals(id))?.placement.revision
      },
    }
  }

  /** Decides on one request and, where it is accepted, places its events. The outcome holds once the group is on disk. */
  take(request: WriteRequest): WriteOutcome {
    const stream = this.stream(request.stream)
    const ids = request.operation === 'append' ? request.events.map((event) => event.id) : undefined
    const decision = decideAppend(this.factsOf(request.stream, stream), request.expected, ids)
    if (decision.kind === 'deleted') return { kind: 'deleted' }
    if (decision.kind === 'wrong-expected-version') {
      return { kind: 'wrong-expected-version', current: stream.lastRevision }
    }
    if (decision.kind === 'repeated') {
      const revision = decision.lastRevision
      return { kind: 'written', revision, position: this.positionOf(stream, revision) }
    }
    if (request.operation === 'delete') return this.softDelete(request.stream, stream)
    if (request.operation === 'tombstone') return this.tombstone(request.stream, stream)
    return this.append(request, stream, decision.recreate)
  }

  private positionOf(stream: GroupStream, revision: number): number | undefined {
    const firstAdded = stream.stored.lastRevision + 1
    if (revision >= firstAdded) return stream.added[revision - firstAdded]?.placement.position
    return stream.stored.positionOf(revision)
  }

  private append(request: WriteRequest, stream: GroupStream, recreate: boolean): WriteOutcome {
    const { events } = request
    const flags = typeof request.expected === 'string' && request.expected !== 'no_stream' ? FLAG_ID_INDEXED : 0
    // A soft-deleted stream begins again behind what was deleted: by an append to it, or by new metadata of it.
    const original = isMetastream(request.stream) ? request.stream.slice(2) : undefined
    const revived = recreate && stream.metadata.softDeleted ? request.stream : this.deletedOriginal(original)
    const firstRevision = revived === undefined ? 0 : this.stream(revived).lastRevision + 1
    const document = revived === undefined ? undefined : this.documentAfter(revived, events, firstRevision, original)
    let position = this.entries.at(-1)?.placement.position ?? stream.stored.lastPosition
    const following = events.length - 1 + (document ? 1 : 0)
    for (const [index, event] of events.entries()) {
      position = this.place(request.stream, stream, event, flags, following - index)
    }
    const { lastRevision } = stream
    if (revived !== undefined && document) this.placeMetadata(revived, document)
    return { kind: 'written', revision: lastRevision, position }
  }

  private deletedOriginal(name: string | undefined): string | undefined {
    return name !== undefined && this.stream(name).metadata.softDeleted ? name : undefined
  }

  /** The metadata with which a soft-deleted stream begins again: what is the latest now, or what is being appended. */
  private documentAfter(
    revived: string,
    events: readonly ProposedEvent[],
    firstRevision: number,
    original: string | undefined,
  ): Buffer | undefined {
    if (revived === original) {
      const last = events.at(-1)
      return last && recreatedDocument(last.data, firstRevision)
    }
    const metastream = this.stream(metastreamOf(revived))
    const added = metastream.added.at(-1)
    if (added) return recreatedDocument(added.event.data, firstRevision)
    const record = metastream.stored.eventAt(metastream.lastRevision)
    return record && recreatedDocument(recordData(record), firstRevision)
  }

  private softDelete(name: string, stream: GroupStream): WriteOutcome {
    // What was never there cannot be deleted, whatever was expected; metadata alone is enough to be there.
    const isThere = stream.lastRevision >= 0 || this.stream(metastreamOf(name)).lastRevision >= 0
    if (!isThere) return { kind: 'wrong-expected-version', current: stream.lastRevision }
    const position = this.placeMetadata(name, SOFT_DELETED_DOCUMENT)
    return { kind: 'written', revision: stream.lastRevision, position }
  }

  private tombstone(name: string, stream: GroupStream): WriteOutcome {
    const event = systemEvent(TOMBSTONE_EVENT_TYPE, Buffer.alloc(0))
    const position = this.place(name, stream, event, FLAG_TOMBSTONE, 0)
    return { kind: 'written', revision: stream.lastRevision, position }
  }

  private placeMetadata(name: string, document: Buffer): number {
    const metastream = metastreamOf(name)
    return this.place(metastream, this.stream(metastream), systemEvent(METADATA_EVENT_TYPE, document), 0, 0)
  }

  private place(name: string, stream: GroupStream, event: ProposedEvent, flags: number, following: number): number {
    stream.lastRevision++
    const placement: Placement = {
      position: this.position,
      revision: stream.lastRevision,
      createdMs: this.nowMs,
      flags,
      following,
      committedTo: this.start,
    }
    const length = recordLength(event, stream.name, placement)
    const entry = { stream: name, name: stream.name, event, placement, length }
    stream.added.push(entry)
    this.entries.push(entry)
    this.position += length
    if (flags & FLAG_TOMBSTONE) stream.tombstoned = true
    if (isMetastream(name) && !isMetastream(name.slice(2))) {
      this.stream(name.slice(2)).metadata = event.json ? parseStreamMetadata(event.data) : NO_METADATA
    }
    return placement.position
  }

  /** All events of the group, ready to be written at its start. */
  encode(): Buffer {
    const buffer = Buffer.allocUnsafeSlow(this.position - this.start)
    let offset = 0
    for (const entry of this.entries) {
      offset = encodeRecord(buffer, offset, entry.event, entry.name, entry.placement)
    }
    return buffer
  }
}

/** An event that the node writes of its own accord. */
export function systemEvent(type: string, data: Uint8Array): ProposedEvent {
  const id = randomBytes(16)
  id[6] = (id[6]! & 0x0f) | 0x40
  id[8] = (id[8]! & 0x3f) | 0x80
  return { id, type, json: data.length > 0, data, customMetadata: Buffer.alloc(0) }
}
