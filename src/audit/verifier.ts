/**
 * Reads the log once, event by event, and says what is wrong with it: broken hash chains, what does not decode, gaps,
 * commands and ids that stand there twice, events that were moved, times and transitions that cannot be, balances that
 * do not add up. It remembers a
 * bounded number of streams; one that it has forgotten is read again up to where it is taken up.
 */
import { locationDigest } from '../events/chain.ts'
import type { AnyEvent } from '../events/event.ts'
import { HEARTBEAT, type Registry, UndecodableEvent } from '../events/registry.ts'
import { type Opening, openData } from '../events/sealing.ts'
import { createLru } from '../runtime/lru.ts'
import { isChained, isOthers, linkOf } from './chain.ts'
import type { AuditRules } from './declarations.ts'
import type { StreamSeen } from './hidden.ts'
import type { RawEvent } from './raw-log.ts'
import { advance, type Memory, newMemory } from './rules.ts'
import { createSeenSet } from './seen-set.ts'
import { createTimes } from './times.ts'

export type FindingKind =
  | 'chain'
  | 'decoding'
  | 'gap'
  | 'place'
  | 'time'
  | 'duplicate'
  | 'transition'
  | 'balance'
  | 'seal'
  | 'personal'
  | 'hidden'
  | 'export'
  | 'damage'

export interface Finding {
  kind: FindingKind
  stream: string
  revision: bigint
  position: bigint
  type: string
  detail: string
}

export interface VerifierOptions {
  registry: Registry
  rules: AuditRules
  onFinding: (finding: Finding) => void
  /** A stream's events from a revision on, for streams that were forgotten, or met in their midst. */
  readStream: (stream: string, from?: bigint) => AsyncIterable<RawEvent>
  /** Streams remembered at a time. */
  streamsMax?: number
  /**
   * Events that may be read again for such streams, in all; undefined: any number. Beyond it a stream is taken up at the
   * event before: its chain and its numbers are checked from there, the transitions of its state are not.
   */
  recalledMax?: number
  /**
   * Keeps the books over all streams; to be left out where a part of the log is read. `isFromStart`: from its first event.
   */
  logBooks?: { isFromStart: boolean } | undefined
  /** Now, for times that cannot be. */
  nowMs?: number
}

export interface VerifierFigures {
  events: number
  streamsBegun: number
  /** Streams whose transitions could not be judged, for want of what came before. */
  streamsCutShort: number
  /** Events of other programs, which were passed over, and their streams. */
  foreignEvents: number
  foreignStreams: number
}

export interface Verifier {
  /** The log's events in order. A promise where a stream has to be read again; to be awaited before the next event. */
  check(event: RawEvent): Promise<void> | undefined
  figures(): VerifierFigures
  /** The streams that it remembers, with the last event of each. */
  streams(): Iterable<StreamSeen>
}

interface StreamState {
  revision: bigint
  position: bigint
  type: string
  /** Of the last event; '' before the first. */
  hash: string
  memory: Memory
}

/** Ends of streams in memory, some 200 bytes each; one that is forgotten is read again. */
const STREAMS_MAX = 200_000

export function createVerifier(options: VerifierOptions): Verifier {
  const { rules } = options
  const books = options.logBooks ? rules.logBooks.map((book) => book.open(options.logBooks?.isFromStart === true)) : []
  const streams = createLru<string, StreamState>(options.streamsMax ?? STREAMS_MAX)
  const ids = createSeenSet()
  const commands = createSeenSet()
  const foreign = createSeenSet()
  const figures: VerifierFigures = {
    events: 0,
    streamsBegun: 0,
    streamsCutShort: 0,
    foreignEvents: 0,
    foreignStreams: 0,
  }
  let recalled = 0
  const tellOf = ({ stream, revision, position, type }: RawEvent, kind: FindingKind, detail: string) =>
    options.onFinding({ kind, stream, revision, position, type, detail })
  const times = createTimes((event, detail) => tellOf(event, 'time', detail), options.nowMs ?? Date.now())

  const newState = (stream: string): StreamState => ({
    revision: -1n,
    position: -1n,
    type: '',
    hash: '',
    memory: newMemory(rules, stream, true),
  })

  /** Takes the event into the stream's state; faults go to `tell`. Returns what the event says, if it can be read. */
  function take(state: StreamState, event: RawEvent, tell: (kind: FindingKind, detail: string) => void) {
    const expected = state.revision + 1n
    const isNext = event.revision === expected
    if (!isNext) tell('gap', `revision ${event.revision} stands where ${expected} should`)
    state.revision = event.revision
    state.position = event.position
    state.type = event.type
    const link = linkOf(event)
    if (typeof link === 'string') tell('chain', link)
    else if (isNext && link.prevHash !== state.hash) tell('chain', 'it does not follow the event before it')
    if (typeof link !== 'string' && link.place !== undefined && link.place !== locationDigest(event)) {
      tell('place', 'its id, its stream or its revision are not those that it was written with')
    }
    state.hash = typeof link === 'string' ? statedHash(event) : link.hash
    const said = { actorKind: typeof link === 'string' ? undefined : link.actorKind }
    const decoded = decodedOf(event, options.registry)
    if (typeof decoded === 'string') {
      tell('decoding', decoded)
      return { ...said, decoded: undefined }
    }
    for (const { kind, detail } of advance(state.memory, rules, decoded, event.revision)) tell(kind, detail)
    return { ...said, decoded }
  }

  /** Other programs may use the same event store. */
  function passOver({ stream, revision }: RawEvent): void {
    figures.foreignEvents += 1
    if (!foreign.seen(stream)) figures.foreignStreams += 1
    const state = streams.get(stream)
    // In a stream of ours it has taken a number.
    if (state?.revision === revision - 1n) state.revision = revision
  }

  function judge(state: StreamState, event: RawEvent): void {
    const { stream } = event
    const tell = (kind: FindingKind, detail: string) => tellOf(event, kind, detail)
    if (ids.seen(event.id)) tell('duplicate', `the event id ${event.id} stands in the log already`)
    const commandId = repeatableCommandOf(event)
    if (commandId !== undefined && commands.seen(`${stream} ${commandId}`)) {
      tell('duplicate', `the command ${commandId} was executed before`)
    }
    const { decoded, actorKind } = take(state, event, tell)
    times.check(event, decoded?.data.occurredAt, actorKind)
    for (const book of decoded ? books : []) for (const detail of book.enter(decoded!)) tell('balance', detail)
    streams.set(stream, state)
  }

  async function recall(event: RawEvent): Promise<void> {
    const isAffordable = BigInt(recalled) + event.revision <= BigInt(options.recalledMax ?? Number.MAX_SAFE_INTEGER)
    const state = newState(event.stream)
    if (!isAffordable) {
      figures.streamsCutShort += 1
      state.memory = newMemory(rules, event.stream, false)
      state.revision = event.revision - 2n
    }
    for await (const earlier of options.readStream(event.stream, isAffordable ? 0n : event.revision - 1n)) {
      if (earlier.revision >= event.revision) break
      recalled += 1
      // It has been reported already.
      if (isOthers(earlier, options.registry)) state.revision = earlier.revision
      else take(state, earlier, () => undefined)
    }
    judge(state, event)
  }

  return {
    check(event) {
      if (event.type === HEARTBEAT) return
      const isElsewhere = options.registry.isForeign(event)
      if (isElsewhere || !rules.isOurs(event.stream)) {
        if (!isChained(event)) return void passOver(event)
        // One byte of a stream's name is enough to take an event out of its stream: our chain says whose it is.
        const where = rules.isOurs(event.stream) ? 'holds no events of its type' : 'belongs to no context'
        tellOf(event, 'place', `its stream ${where}, and it is chained as ours are`)
      }
      figures.events += 1
      const known = streams.get(event.stream)
      if (known) return void judge(known, event)
      if (event.revision > 0n) return recall(event)
      figures.streamsBegun += 1
      judge(newState(event.stream), event)
    },
    figures: () => ({ ...figures }),
    *streams() {
      for (const [stream, { revision, position, type }] of streams.entries()) yield { stream, revision, position, type }
    },
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()

/** The hash that it states, so that one changed event is reported once and not with every later event. */
const statedHash = ({ metadata }: RawEvent): string => /"hash":"([0-9a-f]*)"\}$/.exec(textOf(metadata))?.[1] ?? ''

/** The command whose first event this is, where a key makes the command repeatable. */
function repeatableCommandOf({ metadata }: RawEvent): string | undefined {
  const text = textOf(metadata)
  if (!text.includes('"fingerprint"')) return undefined
  return /"commandId":"([^"]+)"/.exec(text)?.[1]
}

/** The event in its newest version, its personal fields as `opening` has them, or why it cannot be read. */
export function decodedOf(event: RawEvent, registry: Registry, opening?: Opening): AnyEvent | string {
  if (event.contentType !== 'application/json') return `its content is ${event.contentType}, not JSON`
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(event.data)
    const data: unknown = JSON.parse(text)
    const { id, type } = event
    return registry.decode(type, opening ? openData({ id, type, data }, opening) : data)
  } catch (error) {
    if (error instanceof UndecodableEvent || error instanceof SyntaxError || error instanceof TypeError) {
      return error.message
    }
    throw error
  }
}
