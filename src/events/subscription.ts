/**
 * A supervised subscription to $all. db-client never resumes by itself, ends some streams without an error and can fall
 * silent, so every consumer subscribes here. Events come in batches, one batch at a time. After any fault the subscription
 * asks for the last position again and subscribes anew, with backoff. Heartbeat events prove that it is alive.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Connection, openConnection } from '../eventstore/connection.ts'
import { type Answers, readPage, subscribe } from '../eventstore/read.ts'
import type { StoredEvent } from '../eventstore/read-messages.ts'
import type { Metadata, Recorded } from './event.ts'
import type { LogView } from './log-identity.ts'
import { viewLog } from './log-view.ts'
import { HEARTBEAT, type Registry, UndecodableEvent } from './registry.ts'
import { noteForgotten, type Opening, openingOf, type PersonKeys } from './sealing.ts'
import { recorded } from './store.ts'
import { watchSubscription } from './watchdog.ts'

/** An event that does not decode: its known parts, and the fault. */
export interface Poison extends Omit<Recorded, 'data' | 'metadata'> {
  data: undefined
  metadata: Metadata | undefined
  fault: string
}

export type Delivered = Recorded | Poison

/** True for an event that does not decode. It is delivered all the same, so that nothing is skipped in silence. */
export const isPoison = (event: Delivered): event is Poison => 'fault' in event

export interface SubscriptionOptions {
  url: string
  /** What the log's events mean. */
  registry: Registry
  /** For log lines. */
  name: string
  /** Prefixes of the wanted event types; heartbeats always come along. */
  types: readonly string[]
  /** The position after which to start, read again at each (re)subscription; undefined: the start of the log. */
  from: () => Promise<bigint | undefined>
  /** Takes one batch at a time, in log order. A throw drops the subscription; it resumes from `from`. */
  onBatch: (events: Delivered[]) => Promise<void>
  /** Events in a batch, at most. At most twice as many wait in memory. */
  batchMax: number
  /** Least time from the start of one batch to the next: under load batches grow instead of multiplying. */
  batchIntervalMs?: number
  /** A subscription that is dead for this long ends (watchdog.ts). */
  readTimeoutMs: number
  backoffMinMs: number
  backoffMaxMs: number
  signal: AbortSignal
  onError: (error: unknown, retryInMs: number) => void
  onConnected?: () => void
  /** Called for each event that is passed over, since it is another program's. */
  onForeign?: () => void
  /** Confirms the log of each subscription before anything is delivered; a rejection drops the subscription. */
  confirm?: ((view: LogView) => Promise<void>) | undefined
  /** Open personal fields; without them sealed text stays sealed. */
  personKeys?: PersonKeys | undefined
}

/** Ends the supervision instead of being retried: the caller knows that going on would be wrong. */
export class SubscriptionHalted extends Error {
  override name = 'SubscriptionHalted'
}

/**
 * Runs until `signal` aborts, then resolves. Rejects only with a SubscriptionHalted that `from` or `onBatch` threw.
 */
export async function runSubscription(options: SubscriptionOptions): Promise<void> {
  const connection = openConnection(options.url)
  let failures = 0
  while (!options.signal.aborted) {
    try {
      await readOnce(connection, options, () => {
        failures = 0
      })
    } catch (error) {
      if (options.signal.aborted) break
      if (error instanceof SubscriptionHalted) throw error
      const ceiling = Math.min(options.backoffMaxMs, options.backoffMinMs * 2 ** failures++)
      const retryInMs = Math.round(ceiling * (0.5 + Math.random() / 2))
      options.onError(error, retryInMs)
      await delay(retryInMs, undefined, { signal: options.signal }).catch(() => undefined)
    }
  }
  await connection.close()
}

/** One subscription from the current position until it breaks; then throws. */
async function readOnce(connection: Connection, options: SubscriptionOptions, onProgress: () => void): Promise<void> {
  const from = await options.from()
  const inbox = createInbox(options.batchMax * 2, from)
  const stop = () => inbox.end(new Error('stopped'))
  options.signal.addEventListener('abort', stop, { once: true })
  if (options.signal.aborted) stop()
  const line = connection.line()
  const watched = { connection, line, silenceMaxMs: options.readTimeoutMs }
  const endWatch = watchSubscription(watched, inbox, (error) => inbox.end(error))
  const opening = subscribe(line, from, [...options.types, HEARTBEAT])
  // The call opens before the confirmation, so that a connection that changes later ends the call too.
  const confirming = opening.then((answers) => {
    fill(answers, inbox, options)
    return options.confirm?.(viewLog(connection, options.readTimeoutMs))
  })
  confirming.catch((error: unknown) => inbox.end(error))
  try {
    for (;;) {
      const begunMs = performance.now()
      const arrived = await inbox.take(options.batchMax)
      await confirming
      const batch = await opened(arrived, options)
      await options.onBatch(batch)
      onProgress()
      const earlyMs = begunMs + (options.batchIntervalMs ?? 0) - performance.now()
      if (earlyMs > 0) await delay(earlyMs, undefined, { signal: options.signal })
    }
  } finally {
    endWatch()
    options.signal.removeEventListener('abort', stop)
    inbox.end(new Error('closed'))
    opening.then(
      (answers) => answers.cancel(),
      () => undefined,
    )
  }
}

/**
 * Every event after a position (undefined: from the start) up to the log's present end, without the store's own, in batches
 * of at most `batchMax`. With `types` only events whose types begin so: others are not opened, nor their keys asked for.
 * Rejects with the client's error where the store is away, and with SilentStore.
 */
export async function* readHistory(
  options: Pick<SubscriptionOptions, 'url' | 'registry' | 'batchMax' | 'readTimeoutMs' | 'personKeys' | 'confirm'> &
    Partial<Pick<SubscriptionOptions, 'types'>>,
  after: bigint | undefined,
): AsyncIterable<Delivered[]> {
  const { types } = options
  const isAsked = (type: string) => types === undefined || types.some((prefix) => type.startsWith(prefix))
  const connection = openConnection(options.url)
  try {
    await options.confirm?.(viewLog(connection, options.readTimeoutMs))
    let last = after
    for (;;) {
      // A read begins with the event at the position itself, which the last page has delivered.
      const from = last ?? 'start'
      const count = BigInt(options.batchMax + 1)
      const page = await readPage(connection, { from, direction: 'forwards', count }, options.readTimeoutMs)
      const seen = last
      const news = page.filter(({ position }) => seen === undefined || position.commit > seen)
      last = news.at(-1)?.position.commit
      const arrived = news
        .filter((event) => isAsked(event.type) && isWanted(event, options.registry))
        .map((event) => arrival(event, options.registry))
      const events = await opened(arrived, options)
      if (events.length > 0) yield events
      if (last === undefined) return
    }
  } finally {
    await connection.close()
  }
}

/** False for the store's own events and for those of other programs. */
const isWanted = ({ type, streamId: stream }: StoredEvent, registry: Registry): boolean =>
  !type.startsWith('$') && !registry.isForeign({ type, stream })

type Inbox = ReturnType<typeof createInbox>

/** Puts the answers into the inbox. An end without an error drops the subscription too. */
function fill(answers: Answers, inbox: Inbox, { registry, onConnected, onForeign }: SubscriptionOptions): void {
  inbox.source = answers
  answers.on('data', (answer) => {
    if (answer === 'confirmed') onConnected?.()
    else if (answer && isWanted(answer, registry)) inbox.put(arrival(answer, registry))
    else if (answer) onForeign?.()
  })
  answers.on('end', () => inbox.end(new Error('the subscription ended')))
  // An inbox that has ended ignores the error that our own cancelling causes.
  answers.on('error', (error) => inbox.end(error))
}

/** An arrived event. One with personal fields is decoded with its batch, whose keys are read together. */
type Arrived = Delivered | { sealed: StoredEvent; type: string; data: unknown }

const arrival = (event: StoredEvent, registry: Registry): Arrived =>
  registry.personOf(event) === undefined
    ? decoded(event, registry)
    : { sealed: event, type: event.type, data: event.data }

/** Opens the personal fields of a batch. A person who is forgotten in the batch has no key, so later text is redacted. */
async function opened(
  batch: readonly Arrived[],
  { personKeys, registry }: Pick<SubscriptionOptions, 'personKeys' | 'registry'>,
): Promise<Delivered[]> {
  if (personKeys) noteForgotten(batch, personKeys, registry)
  const sealed = batch.filter((arrived) => 'sealed' in arrived)
  if (sealed.length === 0) return batch as Delivered[]
  const opening = personKeys && (await openingOf(sealed, personKeys, registry))
  return batch.map((arrived) => ('sealed' in arrived ? decoded(arrived.sealed, registry, opening) : arrived))
}

function decoded(event: StoredEvent, registry: Registry, opening?: Opening): Delivered {
  try {
    return recorded(event, registry, opening)
  } catch (error) {
    if (!(error instanceof UndecodableEvent)) throw error
    return {
      id: event.id,
      stream: event.streamId,
      revision: event.revision,
      position: event.position.commit,
      type: event.type,
      data: undefined,
      metadata: undefined,
      recordedAt: event.created,
      fault: error.message,
    }
  }
}

/** A bounded queue between network and handler: `put` pauses the network when it is full, `take` throws after its end. */
function createInbox(capacity: number, from: bigint | undefined) {
  let events: Arrived[] = []
  let ended: { error: unknown } | undefined
  let wakeTaker: (() => void) | undefined
  return {
    lastArrivalMs: performance.now(),
    lastPosition: from,
    isAwaited: false,
    source: undefined as Answers | undefined,
    put(event: Arrived): void {
      this.lastArrivalMs = performance.now()
      this.lastPosition = 'sealed' in event ? event.sealed.position.commit : event.position
      events.push(event)
      if (events.length >= capacity) this.source?.pause()
      wakeTaker?.()
    },
    /** The waiting events, at least one. */
    async take(max: number): Promise<Arrived[]> {
      while (events.length === 0) {
        if (ended) throw ended.error
        this.isAwaited = true
        await new Promise<void>((resolve) => {
          wakeTaker = resolve
        })
      }
      this.isAwaited = false
      if (ended) throw ended.error
      const batch = events.slice(0, max)
      events = events.slice(max)
      // The time of a busy handler does not count as silence of the network.
      this.lastArrivalMs = performance.now()
      this.source?.resume()
      return batch
    },
    end(error: unknown): void {
      ended ??= { error }
      wakeTaker?.()
    },
  }
}
