/**
 * The event store, as the rest of the house sees it: read a stream, append at an exact revision. An append that failed
 * without a clear answer counts as unknown and is sent again with the same ids and revision, which the store makes a
 * no-op if the first one landed.
 */
import { randomUUID } from 'node:crypto'
import { EventStoreDBClient, type ResolvedEvent } from '@eventstore/db-client'
import { type AppendOutcome, createAppender } from '../eventstore/append.ts'
import {
  BACKWARDS,
  COUNT_MAX,
  FORWARDS,
  limited,
  type ReadOptions,
  readAllOptions,
  readStreamOptions,
} from '../eventstore/client-internals.ts'
import { readPage } from '../eventstore/read.ts'
import { chained } from './chain.ts'
import { type AnyEvent, type Cause, metadataSchema, type Recorded } from './event.ts'
import { HEARTBEAT, type Registry, UndecodableEvent } from './registry.ts'
import { type Opening, openData, openingOf, type PersonKeys, PersonKeysUnavailable, sealEvents } from './sealing.ts'

/** An event ready to be appended, under an id that a retry repeats. */
export interface NewEvent {
  id: string
  event: AnyEvent
  cause: Cause
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

/** The event store cannot be reached, or did not say what became of an append. */
export class StoreUnavailable extends Error {
  override name = 'StoreUnavailable'
}

export interface EventStoreOptions {
  url: string
  /** What the log's events mean. */
  registry: Registry
  /** One attempt's time, append or first byte of a read. */
  deadlineMs: number
  /** Attempts of an append whose outcome stayed unknown. */
  appendAttemptsMax: number
  /** Seal and open personal fields. Without them sealed text is read as it stands, and none is written. */
  personKeys?: PersonKeys | undefined
}

/** Of a stream, from a revision on. */
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
   * Throws WrongExpectedRevision, StoreUnavailable, PersonKeysUnavailable or PersonForgotten.
   */
  append(stream: string, revision: bigint | undefined, lastHash: string, events: readonly NewEvent[]): Promise<Appended>
  /** The log's last event that is not the system's: its position and id; undefined on an empty log. */
  head(): Promise<{ position: bigint; id: string } | undefined>
  /** The id of the event at a commit position, or undefined where none stands there. */
  eventIdAt(position: bigint): Promise<string | undefined>
  /** Appends a heartbeat to its own stream, which keeps one event. */
  beat(occurredAt: string): Promise<void>
  /** Has `listener` told when somebody was forgotten: what their events said is not to stay in memory. */
  onForgotten(listener: () => void): void
  /** Rejects with StoreUnavailable where the store does not answer. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** A resolved event of db-client as a Recorded one, its personal fields opened. Throws UndecodableEvent. */
export function recorded(resolved: ResolvedEvent, registry: Registry, opening?: Opening): Recorded {
  const { event } = resolved
  if (!event) throw new UndecodableEvent('a link to an event that is gone')
  const { type, data } = registry.decode(event.type, opening ? openData(event, opening) : event.data)
  const metadata = metadataSchema.safeParse(event.metadata)
  if (!metadata.success) throw new UndecodableEvent(`${event.type}: metadata ${metadata.error.issues[0]?.message}`)
  return {
    id: event.id,
    stream: event.streamId,
    revision: event.revision,
    position: event.position?.commit ?? resolved.commitPosition ?? 0n,
    type,
    data,
    metadata: metadata.data,
    recordedAt: event.created,
  }
}

/**
 * Reads and appends over clients of their own, so that neither's transport faults reach the other.
 */
export function createEventStore(options: EventStoreOptions): EventStore {
  const connect = () => EventStoreDBClient.connectionString(options.url)
  const reads = connect()
  const appends = connect()
  const appender = createAppender(appends, options.deadlineMs)
  const { personKeys, registry } = options

  async function read(selected: ReadOptions): Promise<ResolvedEvent[]> {
    try {
      return await readPage(reads, selected, options.deadlineMs)
    } catch (error) {
      throw asUnavailable(error)
    }
  }

  /** The events of a page as they are taken; the keys to their personal fields are asked for together. */
  async function* opened(page: readonly ResolvedEvent[]): AsyncGenerator<Recorded> {
    const isPersonal = ({ event }: ResolvedEvent) => event !== undefined && registry.personOf(event) !== undefined
    const personal = personKeys ? page.filter(isPersonal) : []
    const opening = personKeys && (await openingOf(eventsOf(personal), personKeys, registry))
    for (const resolved of page) yield recorded(resolved, registry, isPersonal(resolved) ? opening : undefined)
  }

  async function* readStream(stream: string, { from = 0n, maxCount = COUNT_MAX }: Range = {}) {
    let next = from
    for (let left = maxCount; left > 0n; ) {
      const count = left < READ_PAGE_MAX ? left : READ_PAGE_MAX
      const page = await read(limited(readStreamOptions(stream, next), FORWARDS, count))
      yield* opened(page)
      const last = page.at(-1)?.event
      if (!last || BigInt(page.length) < count) return
      next = last.revision + 1n
      left -= count
    }
  }

  async function readLast(stream: string) {
    const [last] = await Array.fromAsync(opened(await read(limited(readStreamOptions(stream, 'end'), BACKWARDS, 1n))))
    return last
  }

  async function append(
    stream: string,
    revision: bigint | undefined,
    lastHash: string,
    events: readonly NewEvent[],
  ): Promise<Appended> {
    let hash = lastHash
    // Once: a repeated attempt sends the same bytes.
    const isPersonal = events.some(({ event }) => registry.personOf(event) !== undefined)
    const sealed = isPersonal ? await sealEvents(events, personKeys, registry) : events
    const first = (revision ?? -1n) + 1n
    const batch = sealed.map(({ id, event, cause }, index) => {
      const link = chained(hash, event, cause, { id, stream, revision: first + BigInt(index) })
      hash = link.hash
      return { id, type: event.type, data: link.data, metadata: link.metadata }
    })
    let unknown: unknown
    for (let attempt = 0; attempt < options.appendAttemptsMax; attempt++) {
      const outcome = await appender.append({ stream, revision, events: batch })
      if (outcome.kind === 'appended') {
        return { revision: outcome.revision, position: outcome.position, lastHash: hash }
      }
      if (isConflict(outcome)) throw new WrongExpectedRevision(`${stream} is not at revision ${revision ?? 'none'}`)
      unknown = errorOf(outcome)
    }
    throw asUnavailable(unknown)
  }

  async function head() {
    const tail = await read(limited(readAllOptions('end'), BACKWARDS, TAIL_MAX))
    const event = tail.find(({ event }) => event && !event.type.startsWith('$'))?.event
    return event && { position: event.position?.commit ?? 0n, id: event.id }
  }

  async function eventIdAt(position: bigint) {
    const [found] = await read(limited(readAllOptions(position), FORWARDS, 1n))
    return found?.event?.position?.commit === position ? found.event.id : undefined
  }

  let beatsKept = false

  async function beat(occurredAt: string) {
    try {
      if (!beatsKept) await appends.setStreamMetadata(HEARTBEAT_STREAM, { maxCount: 1 }, { deadline: NO_DEADLINE })
      beatsKept = true
      const last = await readLast(HEARTBEAT_STREAM)
      const metadata = JSON.stringify(heartbeatMetadata(occurredAt))
      const event = { id: randomUUID(), type: HEARTBEAT, data: JSON.stringify({ occurredAt }), metadata }
      const outcome = await appender.append({ stream: HEARTBEAT_STREAM, revision: last?.revision, events: [event] })
      // At a wrong revision another process has just beaten.
      if (outcome.kind !== 'appended' && !isConflict(outcome)) throw errorOf(outcome)
    } catch (error) {
      throw asUnavailable(error)
    }
  }

  return {
    registry,
    beat,
    readStream: readStream as EventStore['readStream'],
    readLast,
    append,
    head,
    eventIdAt,
    onForgotten: (listener) => personKeys?.onForgotten(listener),
    ping: async () => void (await within(options.deadlineMs, head())),
    close: async () => void (await Promise.all([disposeClient(reads), disposeClient(appends)])),
  }
}

const eventsOf = (page: readonly ResolvedEvent[]) => page.flatMap(({ event }) => event ?? [])

/** Events of a stream that are asked for, and kept in memory, at once. */
const READ_PAGE_MAX = 500n
/** Events looked at from the end for one that is not the system's. */
const TAIL_MAX = 32n

/** The client would tell one as a time by this machine's clock: where that is behind, it is refused as long past. */
const NO_DEADLINE = Number.POSITIVE_INFINITY
export const HEARTBEAT_STREAM = 'opslog.heartbeat-log'

function heartbeatMetadata(occurredAt: string) {
  const id = `heartbeat ${occurredAt}`
  const actor = { kind: 'system', id: 'heartbeat' }
  return { $correlationId: id, $causationId: id, actor, commandId: id, prevHash: '', hash: '' }
}

type Unsuccessful = Exclude<AppendOutcome, { kind: 'appended' }>

const isConflict = (outcome: Unsuccessful): boolean =>
  outcome.kind === 'failed' && outcome.reason === 'WrongExpectedVersion'

const errorOf = (outcome: Unsuccessful): Error =>
  outcome.kind === 'failed' ? new Error(`${outcome.reason}: ${outcome.message}`) : outcome.error

/** Rejects after `ms` where the promise has not settled: db-client leaves some hanging. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const expired = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new StoreUnavailable(`the event store did not answer within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, expired])
  } finally {
    clearTimeout(timer)
  }
}

/** How long a client may take to close its streams; one that was left half read never says that it has ended. */
const DISPOSE_MAX_MS = 500

/** Closes a client's connection, whatever state its streams are in. */
export async function disposeClient(client: EventStoreDBClient): Promise<void> {
  // What a broken stream has to say when it is closed is no news any more.
  await within(DISPOSE_MAX_MS, client.dispose()).catch(() => undefined)
}

/**
 * True for errors that db-client 6.2.1 lets escape outside any call: the answer to an append that it has already given
 * up (Client-NodeJS issue 523), or the write of one on a broken connection. What it still appends for us itself is the
 * heartbeats' metadata, which the next beat sets again; the process need not end for it.
 */
export function escapedFromClient(error: unknown): boolean {
  return error instanceof Error && /[\\/]@eventstore[\\/]db-client[\\/]/.test(error.stack ?? '')
}

function asUnavailable(error: unknown): Error {
  if (error instanceof UndecodableEvent || error instanceof StoreUnavailable) return error
  if (error instanceof PersonKeysUnavailable) return error
  return new StoreUnavailable(`the event store failed: ${error instanceof Error ? error.message : error}`, {
    cause: error,
  })
}
