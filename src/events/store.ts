/**
 * The event store, as the rest of the house sees it: read a stream, append at an exact revision. An append without a clear
 * answer counts as unknown and is sent again with the same ids and revision. The store ignores it if the first one landed.
 */
import { createAppender } from '../eventstore/append.ts'
import type { EncodedEvent } from '../eventstore/append-messages.ts'
import { createConfirmation } from '../eventstore/confirmation.ts'
import { openConnection } from '../eventstore/connection.ts'
import { failureOf } from '../eventstore/failure.ts'
import { NoSuchPosition, readPage } from '../eventstore/read.ts'
import type { StoredEvent } from '../eventstore/read-messages.ts'
import type { Selection } from '../eventstore/read-requests.ts'
import { AppendRefused, errorOf, isConflict, refusalOf } from './append-failure.ts'
import { chained } from './chain.ts'
import { type AnyEvent, type Cause, metadataSchema, type Recorded } from './event.ts'
import { createHeartbeat, HEARTBEAT_STREAM } from './heartbeat.ts'
import { LOG_IDENTITY_STREAM, type LogGuard, LogMismatch } from './log-identity.ts'
import { TAIL_MAX, viewLog } from './log-view.ts'
import { type Registry, UndecodableEvent } from './registry.ts'
import { type Opening, openData, openingOf, type PersonKeys, PersonKeysUnavailable, sealEvents } from './sealing.ts'
import { traceAppends } from './tracing.ts'
import { StoreUnavailable } from './unavailable.ts'

export { AppendRefused } from './append-failure.ts'
export { StoreUnavailable } from './unavailable.ts'

/** An event ready to be appended, under an id that a retry repeats. `json`: its data, where somebody has written it already. */
export interface NewEvent {
  id: string
  event: AnyEvent
  cause: Cause
  json?: string | undefined
}

export interface Appended {
  /** Revision of the last event written. */
  revision: bigint
  /** Commit position of the last event written. */
  position: bigint
  /** Hash of the last event written: the next one's prevHash. */
  lastHash: string
}

/** The stream is not at the revision that the append expected; nothing was written. */
export class WrongExpectedRevision extends Error {
  override name = 'WrongExpectedRevision'
}

export interface EventStoreOptions {
  url: string
  /** What the log's events mean. */
  registry: Registry
  /** Bounds one attempt of an append, and the wait for each answer of a read. */
  deadlineMs: number
  /** Attempts of an append whose outcome is unknown. */
  appendAttemptsMax: number
  /**
   * Knows the log of this installation, and keeps reads and appends from any other one. Without a guard any log will do.
   */
  guard?: LogGuard | undefined
  /** Seal and open personal fields. Without them sealed text reads as it stands, and personal data is not written. */
  personKeys?: PersonKeys | undefined
}

/** A part of a stream, from a revision on. */
export interface Range {
  from?: bigint
  maxCount?: bigint
}

export interface EventStore {
  /** What the log's events mean. */
  readonly registry: Registry
  /**
   * Events of a stream in order, from a revision (default 0), at most `maxCount`. A stream that does not exist is empty.
   * Throws UndecodableEvent on poison, StoreUnavailable and PersonKeysUnavailable.
   */
  readStream<E extends AnyEvent = AnyEvent>(stream: string, range?: Range): AsyncIterable<Recorded<E>>
  /** The last event of a stream, or undefined. */
  readLast(stream: string): Promise<Recorded | undefined>
  /**
   * Appends events after `revision` (undefined: the stream must not exist yet), chained to `lastHash` ('' at the start).
   * Throws WrongExpectedRevision, AppendRefused, StoreUnavailable, PersonKeysUnavailable or PersonForgotten.
   */
  append(stream: string, revision: bigint | undefined, lastHash: string, events: readonly NewEvent[]): Promise<Appended>
  /**
   * The log's last event that is not the store's own; undefined on an empty log. With a prefix, the last event of such a
   * type; undefined where none stands near the end.
   */
  head(prefix?: string): Promise<{ position: bigint; id: string; type: string } | undefined>
  /** The id of the event at a commit position; undefined where there is none. */
  eventIdAt(position: bigint): Promise<string | undefined>
  /** Appends a heartbeat to its own stream, which keeps one event only. */
  beat(occurredAt: string): Promise<void>
  /** Calls `listener` when data in memory may be invalid: a person was forgotten, or the log was another one for a while. */
  onForgotten(listener: () => void): void
  /** The identity of the log; undefined where none was written yet. */
  logId(): Promise<string | undefined>
  /** Rejects with StoreUnavailable where the store takes no writes; it may still answer reads. */
  ping(): Promise<void>
  /** Whether the store took the last append; undefined before the first. */
  isWritable(): boolean | undefined
  close(): Promise<void>
}

/** Decodes a stored event and opens its personal fields. Throws UndecodableEvent. */
export function recorded(event: StoredEvent, registry: Registry, opening?: Opening): Recorded {
  const { type, data } = registry.decode(event.type, opening ? openData(event, opening) : event.data)
  const metadata = metadataSchema.safeParse(event.metadata)
  if (!metadata.success) throw new UndecodableEvent(`${event.type}: metadata ${metadata.error.issues[0]?.message}`)
  return {
    id: event.id,
    stream: event.streamId,
    revision: event.revision,
    position: event.position.commit,
    type,
    data,
    metadata: metadata.data,
    recordedAt: event.created,
  }
}

/** Reads and appends use connections of their own, so that a transport fault of one does not reach the other. */
export function createEventStore(options: EventStoreOptions): EventStore {
  const { personKeys, registry, guard, deadlineMs } = options
  const [reads, appends] = [openConnection(options.url), openConnection(options.url)]
  const [readView, appendView] = [viewLog(reads, deadlineMs), viewLog(appends, deadlineMs)]
  const appender = createAppender(appends, { deadlineMs, confirm: guard && (() => guard.confirm(appendView)) })
  const confirmation = guard && createConfirmation(reads, LOG_IDENTITY_STREAM, () => guard.confirm(readView))
  guard?.onChange(() => appender.suspect())

  async function confirmed<T>(work: () => Promise<T>): Promise<T> {
    try {
      return confirmation ? await confirmation.confirmed(work) : await work()
    } catch (error) {
      throw asUnavailable(error)
    }
  }
  const read = (selection: Selection, requiresLeader = false): Promise<StoredEvent[]> =>
    confirmed(() => readPage(reads, selection, deadlineMs, { requiresLeader }))

  /** Decodes the events of a page one by one; asks for the keys to their personal fields together. */
  async function* opened(page: readonly StoredEvent[]): AsyncGenerator<Recorded> {
    const isPersonal = (event: StoredEvent) => registry.personOf(event) !== undefined
    const personal = personKeys ? page.filter(isPersonal) : []
    const opening = personKeys && (await openingOf(personal, personKeys, registry))
    for (const event of page) yield recorded(event, registry, isPersonal(event) ? opening : undefined)
  }

  async function* readStream(stream: string, { from = 0n, maxCount }: Range = {}) {
    let next = from
    for (let left = maxCount ?? NO_END; left > 0n; ) {
      const count = left < READ_PAGE_MAX ? left : READ_PAGE_MAX
      const page = await read({ stream, from: next, direction: 'forwards', count })
      yield* opened(page)
      const last = page.at(-1)
      if (!last || BigInt(page.length) < count) return
      next = last.revision + 1n
      left -= count
    }
  }

  const newest = async (stream: string) =>
    (await read({ stream, from: 'end', direction: 'backwards', count: 1n })).at(-1)

  async function readLast(stream: string) {
    const last = await newest(stream)
    return last && (await Array.fromAsync(opened([last]))).at(0)
  }

  let isWritable: boolean | undefined
  let writtenMs = Number.NEGATIVE_INFINITY

  async function sent(stream: string, revision: bigint | undefined, events: readonly EncodedEvent[]) {
    const outcome = await appender.append({ stream, revision, events })
    if (outcome.kind === 'appended') writtenMs = performance.now()
    // A refusal says nothing about other appends.
    if (outcome.kind !== 'failed') isWritable = outcome.kind === 'appended'
    else if (!isConflict(outcome) && !refusalOf(outcome, stream)) isWritable = false
    return outcome
  }

  async function append(
    stream: string,
    revision: bigint | undefined,
    lastHash: string,
    events: readonly NewEvent[],
  ): Promise<Appended> {
    // Whoever follows the log would take it for another program's.
    const foreign = events.find(({ event: { type } }) => registry.isForeign({ type, stream }))
    if (foreign) throw new AppendRefused(`no context declares ${foreign.event.type} in a stream like ${stream}`, false)
    let hash = lastHash
    // Sealed once, so that a repeated attempt sends the same bytes.
    const isPersonal = events.some(({ event }) => registry.personOf(event) !== undefined)
    const sealed = isPersonal ? await sealEvents(events, personKeys, registry) : events
    const first = (revision ?? -1n) + 1n
    const batch = sealed.map(({ id, event, cause, json }, index) => {
      const link = chained(hash, event, cause, { id, stream, revision: first + BigInt(index) }, json)
      hash = link.hash
      return { id, type: event.type, data: link.data, metadata: link.metadata }
    })
    let unknown: unknown
    for (let attempt = 0; attempt < options.appendAttemptsMax; attempt++) {
      const outcome = await sent(stream, revision, batch)
      if (outcome.kind === 'appended') {
        const { position } = outcome
        guard?.wrote({ position, eventId: batch.at(-1)?.id ?? '' })
        return { revision: outcome.revision, position: outcome.position, lastHash: hash }
      }
      if (isConflict(outcome)) throw new WrongExpectedRevision(`${stream} is not at revision ${revision ?? 'none'}`)
      if (outcome.kind === 'unsent' && outcome.error instanceof LogMismatch) throw outcome.error
      const refusal = refusalOf(outcome, stream)
      if (refusal) throw refusal
      unknown = errorOf(outcome)
    }
    throw asUnavailable(unknown)
  }

  async function head(prefix = '') {
    const tail = await read({ from: 'end', direction: 'backwards', count: TAIL_MAX }, true)
    const isOurs = ({ type, streamId: stream }: StoredEvent) => prefix === '' || !registry.isForeign({ type, stream })
    const event = tail.find((each) => !each.type.startsWith('$') && each.type.startsWith(prefix) && isOurs(each))
    return event && { position: event.position.commit, id: event.id, type: event.type }
  }

  const beat = createHeartbeat({
    newest,
    async append(stream, revision, event) {
      const outcome = await sent(stream, revision, [event])
      if (outcome.kind !== 'appended' && !isConflict(outcome)) throw asUnavailable(errorOf(outcome))
    },
  })

  return traceAppends({
    registry,
    beat,
    readStream: readStream as EventStore['readStream'],
    readLast,
    append,
    head,
    eventIdAt: (position) => confirmed(() => readView.eventIdAt(position)),
    onForgotten(listener) {
      personKeys?.onForgotten(listener)
      guard?.onChange(listener)
    },
    logId: () => confirmed(readView.logId),
    async ping() {
      if (guard?.mismatch() === undefined) {
        if (performance.now() - writtenMs <= WRITE_PROOF_MS) return
        const newest = { stream: HEARTBEAT_STREAM, from: 'end', direction: 'backwards', count: 1n } as const
        const [last] = await read(newest, true)
        if (isWritable !== false && last && Math.abs(Date.now() - last.created.getTime()) <= BEAT_PROOF_MS) return
      }
      await beat(new Date().toISOString())
    },
    isWritable: () => isWritable,
    close: async () => void (await Promise.all([reads.close(), appends.close()])),
  })
}

/** Events of a stream that one read asks for and keeps in memory. */
const READ_PAGE_MAX = 500n
/** A write of our own of this age or younger proves that the store takes writes. */
const WRITE_PROOF_MS = 4_000
/**
 * So does a heartbeat of anybody, as long as the leader answers and no write of ours fails: a leader that loses its
 * majority gives its role up. An idle log has one a minute.
 */
const BEAT_PROOF_MS = 70_000

/** All events. */
const NO_END = 2n ** 63n - 1n

function asUnavailable(error: unknown): Error {
  if (error instanceof UndecodableEvent || error instanceof StoreUnavailable) return error
  if (error instanceof PersonKeysUnavailable || error instanceof NoSuchPosition) return error
  const { kind, reason } = failureOf(error)
  // No further try would read it.
  if (kind === 'deleted' || kind === 'denied') return new AppendRefused(`the event store refuses: ${reason}`, false)
  return new StoreUnavailable(`the event store failed: ${reason}`, { cause: error })
}
