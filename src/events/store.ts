/**
 * The event store, as the rest of the house sees it: read a stream, append at an exact revision. An append that failed
 * without a clear answer counts as unknown and is sent again with the same ids and revision, which the store makes a
 * no-op if the first one landed.
 */
import { type AppendOutcome, createAppender } from '../eventstore/append.ts'
import { openConnection } from '../eventstore/connection.ts'
import { isDenied, reasonOf } from '../eventstore/failure.ts'
import { NoSuchPosition, readPage } from '../eventstore/read.ts'
import type { StoredEvent } from '../eventstore/read-messages.ts'
import type { Selection } from '../eventstore/selection.ts'
import { chained } from './chain.ts'
import { type AnyEvent, type Cause, metadataSchema, type Recorded } from './event.ts'
import { createHeartbeat } from './heartbeat.ts'
import { type Registry, UndecodableEvent } from './registry.ts'
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

/**
 * The event store will not take these events, however often they are sent: they are too large for it, their stream was
 * deleted for ever, or it does not let this user write. Nothing was written.
 */
export class AppendRefused extends Error {
  override name = 'AppendRefused'
  readonly isTooLarge: boolean
  constructor(message: string, isTooLarge: boolean) {
    super(message)
    this.isTooLarge = isTooLarge
  }
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
   * Throws WrongExpectedRevision, AppendRefused, StoreUnavailable, PersonKeysUnavailable or PersonForgotten.
   */
  append(stream: string, revision: bigint | undefined, lastHash: string, events: readonly NewEvent[]): Promise<Appended>
  /**
   * The log's last event that is not the system's: its position and id; undefined on an empty log. With a prefix the last
   * one of such a type, or undefined where none stands near the end.
   */
  head(prefix?: string): Promise<{ position: bigint; id: string } | undefined>
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

/** A stored event as a Recorded one, its personal fields opened. Throws UndecodableEvent. */
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

/**
 * Reads and appends over connections of their own, so that neither's transport faults reach the other.
 */
export function createEventStore(options: EventStoreOptions): EventStore {
  const reads = openConnection(options.url)
  const appends = openConnection(options.url)
  const appender = createAppender(appends, { deadlineMs: options.deadlineMs })
  const { personKeys, registry } = options

  async function read(selection: Selection, requiresLeader = false): Promise<StoredEvent[]> {
    try {
      return await readPage(reads, selection, options.deadlineMs, { requiresLeader })
    } catch (error) {
      throw asUnavailable(error)
    }
  }

  /** The events of a page as they are taken; the keys to their personal fields are asked for together. */
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
      const refusal = refusalOf(outcome, stream)
      if (refusal) throw refusal
      unknown = errorOf(outcome)
    }
    throw asUnavailable(unknown)
  }

  async function head(prefix = '') {
    const tail = await read({ from: 'end', direction: 'backwards', count: TAIL_MAX }, true)
    const event = tail.find(({ type }) => !type.startsWith('$') && type.startsWith(prefix))
    return event && { position: event.position.commit, id: event.id }
  }

  async function eventIdAt(position: bigint) {
    try {
      const [found] = await read({ from: position, direction: 'forwards', count: 1n }, true)
      return found?.position.commit === position ? found.id : undefined
    } catch (error) {
      if (error instanceof NoSuchPosition) return undefined
      throw error
    }
  }

  const beat = createHeartbeat({
    newest,
    async append(stream, revision, event) {
      const outcome = await appender.append({ stream, revision, events: [event] })
      if (outcome.kind !== 'appended' && !isConflict(outcome)) throw asUnavailable(errorOf(outcome))
    },
  })

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
    close: async () => void (await Promise.all([reads.close(), appends.close()])),
  }
}

/** Events of a stream that are asked for, and kept in memory, at once. */
const READ_PAGE_MAX = 500n
/** Events looked at from the end for one that is not the system's. */
const TAIL_MAX = 32n

/** As many events as there are. */
const NO_END = 2n ** 63n - 1n

type Unsuccessful = Exclude<AppendOutcome, { kind: 'appended' }>

const isConflict = (outcome: Unsuccessful): boolean =>
  outcome.kind === 'failed' && outcome.reason === 'WrongExpectedVersion'

/** Why the store takes an append at no time; undefined where another try may succeed. */
function refusalOf(outcome: Unsuccessful, stream: string): AppendRefused | undefined {
  if (outcome.kind !== 'failed') {
    if (!isDenied(outcome.error)) return undefined
    return new AppendRefused(`the event store lets this user not write to ${stream}`, false)
  }
  const { reason, message } = outcome
  if (reason === 'MaximumAppendSizeExceeded') {
    return new AppendRefused(`the events for ${stream} are larger than the event store takes: ${message}`, true)
  }
  if (!PERMANENT.includes(reason)) return undefined
  return new AppendRefused(`the event store refuses events for ${stream}: ${reason} ${message}`.trim(), false)
}

/** The protocol's names of failures that another try cannot mend (streams.proto and its errors). */
const PERMANENT = ['StreamDeleted', 'AccessDenied', 'BadRequest', 'InvalidTransaction']

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

function asUnavailable(error: unknown): Error {
  if (error instanceof UndecodableEvent || error instanceof StoreUnavailable) return error
  if (error instanceof PersonKeysUnavailable || error instanceof NoSuchPosition) return error
  return new StoreUnavailable(`the event store failed: ${reasonOf(error)}`, { cause: error })
}
