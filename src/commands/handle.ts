/**
 * The way of every command: load the state, decide, append at the revision that was decided on, and on a conflict
 * decide again on the truth. Recent states stay in a bounded cache; the expected revision catches a stale one, so the
 * cache is a matter of speed alone. A command id that a stream has seen is answered with what was recorded then.
 */
import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Actor, AnyEvent, Cause, Recorded } from '../events/event.ts'
import { type Appended, type EventStore, type NewEvent, WrongExpectedRevision } from '../events/store.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { createKeyedQueue } from '../runtime/keyed-queue.ts'
import { type Aggregate, fold, streamName } from './decider.ts'
import { eventId } from './identity.ts'
import { Rejected } from './rejection.ts'
import { createSeenCommands, type SeenCommands } from './seen-commands.ts'

/** Who asks, and under which names it is recorded. */
export interface CommandContext {
  commandId: string
  /** Set where the same command id must be answered once and for all; then another fingerprint is refused. */
  fingerprint: string | undefined
  actor: Actor
  requestId: string
  correlationId: string
  traceparent: string | undefined
  /** Now, RFC 3339 in UTC with milliseconds: the only clock that a decision sees. */
  at: string
}

export interface Handled<State, Event extends AnyEvent> {
  /** The state right after these events. */
  state: State
  /** What was written, now or, where replayed, then. Empty where it was already so. */
  events: Event[]
  /**
   * Commit position of the last event that the answer rests on: of these events or, where there are none, of the
   * stream's last; undefined on a stream without events.
   */
  position: bigint | undefined
  /** The command had been handled before; nothing was written. */
  replayed: boolean
}

export interface CommandBus {
  /**
   * Handles one command. `admit` runs before the first decision on a command not seen before: rules that need another
   * stream. What `admit` handles itself it handles within this stream's turn, so such nesting has one direction: a
   * request's stream before the streams that it claims, never back. Throws Rejected, or StoreUnavailable where the
   * outcome could not be learned.
   */
  handle<State, Command, Event extends AnyEvent>(
    aggregate: Aggregate<State, Command, Event>,
    id: string,
    command: Command,
    context: CommandContext,
    admit?: () => Promise<void>,
  ): Promise<Handled<State, Event>>
  /** The current state of a stream, from the cache where it is there: at most as old as its last use here. */
  load<State, Command, Event extends AnyEvent>(aggregate: Aggregate<State, Command, Event>, id: string): Promise<State>
  /** The state of a stream as it is now, whoever wrote to it: for what a decision about another stream rests on. */
  current<State, Command, Event extends AnyEvent>(
    aggregate: Aggregate<State, Command, Event>,
    id: string,
  ): Promise<State>
}

export interface CommandBusLimits {
  /** Aggregates whose state is kept. */
  cachedAggregatesMax: number
  /** IdempotentRequest commands that the kept aggregates know of together, some eight bytes each. */
  seenCommandsMax: number
  /** Decisions per command before a conflict is reported. */
  conflictRetriesMax: number
}

interface Loaded<State> {
  state: State
  /** undefined: the stream does not exist. */
  revision: bigint | undefined
  /** Commit position of the last event. */
  position: bigint | undefined
  lastHash: string
  /** Those up to this revision at the least: it is shared with later states of the stream. */
  commands: SeenCommands
}

export function createCommandBus(store: EventStore, limits: CommandBusLimits): CommandBus {
  const cache = new LRUCache<string, Loaded<unknown>>({
    max: limits.cachedAggregatesMax,
    maxSize: limits.seenCommandsMax,
    sizeCalculation: ({ commands }) => commands.size + 1,
  })
  const folds = new Map<unknown, number>()
  // Commands on one stream take turns in this process; what other processes do, the expected revision catches.
  const { runInOrder, underWay } = createKeyedQueue()
  // States hold what events said of a person. Those of commands under way come into the cache only when they end.
  store.onForgotten(() => void Promise.allSettled([cache.clear(), ...underWay()]).then(() => cache.clear()))

  /** Two aggregates may fold one stream, each into a state of its own; those with one fold share it. */
  function keyOf<S, C, E extends AnyEvent>({ evolve }: Aggregate<S, C, E>, stream: string): string {
    const fold = folds.get(evolve) ?? folds.size
    folds.set(evolve, fold)
    return `${fold}:${stream}`
  }

  async function loaded<S, C, E extends AnyEvent>(aggregate: Aggregate<S, C, E>, stream: string): Promise<Loaded<S>> {
    const cached = cache.get(keyOf(aggregate, stream)) as Loaded<S> | undefined
    if (cached) return cached
    let fresh: Loaded<S> = {
      state: aggregate.initialState,
      revision: undefined,
      position: undefined,
      lastHash: '',
      commands: createSeenCommands(),
    }
    for await (const event of store.readStream<E>(stream)) fresh = absorb(aggregate, fresh, event)
    if (fresh.revision !== undefined) cache.set(keyOf(aggregate, stream), fresh)
    return fresh
  }

  async function handle<S, C, E extends AnyEvent>(
    aggregate: Aggregate<S, C, E>,
    id: string,
    command: C,
    context: CommandContext,
    admit?: () => Promise<void>,
  ): Promise<Handled<S, E>> {
    const stream = streamName(aggregate, id)
    const execution = randomUUID()
    let before = await loaded(aggregate, stream)
    let admitted = false
    for (let attempt = 0; attempt <= limits.conflictRetriesMax; attempt++) {
      if (context.fingerprint !== undefined && before.commands.mayHave(context.commandId)) {
        const recorded = await recordedAnswer(store, aggregate, stream, context)
        if (recorded) return recorded
      }
      if (admit && !admitted) {
        const refusal = await refusalOf(admit)
        if (refusal !== undefined) {
          // Another process may have handled this very command meanwhile, and that be the reason of the refusal.
          const current = await catchUp(aggregate, stream, before)
          if (current.revision === before.revision) throw refusal
          before = current
          continue
        }
        admitted = true
      }
      const decided = attemptTo(() => aggregate.decide(command, before.state))
      if (decided.refusal !== undefined || decided.value.length === 0) {
        // Nothing will be appended, so no expected revision would catch a stale state: look whether it is one.
        const current = await catchUp(aggregate, stream, before)
        if (current.revision === before.revision) {
          if (decided.refusal !== undefined) throw decided.refusal
          return { state: before.state, events: [], position: before.position, replayed: false }
        }
        before = current
        continue
      }
      const events = decided.value
      try {
        const batch = prepare(events, context, execution)
        crashPoint('command.before-append', stream)
        const written = await store.append(stream, before.revision, before.lastHash, batch)
        crashPoint('command.after-append', stream)
        const after = absorbWritten(aggregate, before, events, written, context)
        cache.set(keyOf(aggregate, stream), after)
        return { state: after.state, events, position: written.position, replayed: false }
      } catch (error) {
        cache.delete(keyOf(aggregate, stream))
        if (!(error instanceof WrongExpectedRevision)) throw error
        before = await loaded(aggregate, stream)
      }
    }
    throw new Rejected('concurrent_change', 'The resource kept changing meanwhile; send the request again.')
  }

  /** The state with what has been appended to the stream since. */
  async function catchUp<S, C, E extends AnyEvent>(aggregate: Aggregate<S, C, E>, stream: string, known: Loaded<S>) {
    let current = known
    const from = known.revision === undefined ? 0n : known.revision + 1n
    for await (const event of store.readStream<E>(stream, { from })) current = absorb(aggregate, current, event)
    // A command may have gone on meanwhile: what it left behind is newer.
    const kept = cache.peek(keyOf(aggregate, stream))?.revision ?? -1n
    if (current.revision !== undefined && current.revision >= kept) cache.set(keyOf(aggregate, stream), current)
    return current
  }

  return {
    handle: (aggregate, id, command, context, admit) =>
      runInOrder(streamName(aggregate, id), () => handle(aggregate, id, command, context, admit)),
    load: async (aggregate, id) => (await loaded(aggregate, streamName(aggregate, id))).state,
    // Without a turn, since a command may ask while it has this stream's: taking in the same events twice ends the same.
    current: async (aggregate, id) => {
      const stream = streamName(aggregate, id)
      return (await catchUp(aggregate, stream, await loaded(aggregate, stream))).state
    },
  }
}

const keyReused = () =>
  new Rejected('idempotency_key_reused', 'The idempotency key was used for a request with other content.')

type Attempted<T> = { value: T; refusal?: undefined } | { refusal: Rejected }

/** Why it is not admitted; any other error is a fault and goes on up. */
async function refusalOf(admit: () => Promise<void>): Promise<Rejected | undefined> {
  try {
    await admit()
    return undefined
  } catch (error) {
    if (error instanceof Rejected) return error
    throw error
  }
}

/** The value, or the refusal; any other error is a fault and goes on up. */
function attemptTo<T>(work: () => T): Attempted<T> {
  try {
    return { value: work() }
  } catch (error) {
    if (error instanceof Rejected) return { refusal: error }
    throw error
  }
}

/**
 * The events of a command with the ids and the cause that they are recorded under. The ids follow from the command and
 * this execution of it: a resent append keeps them, while the same command running in another process gets a conflict,
 * and then the recorded answer, instead of a silent no-op whose bytes would not be the recorded ones.
 */
function prepare(events: readonly AnyEvent[], context: CommandContext, execution: string): NewEvent[] {
  const cause: Cause = {
    $correlationId: context.correlationId,
    $causationId: context.commandId,
    actor: context.actor,
    requestId: context.requestId,
    commandId: context.commandId,
    ...(context.traceparent === undefined ? {} : { traceparent: context.traceparent }),
  }
  return events.map((event, index) => ({
    id: eventId(context.commandId, execution, index),
    event,
    cause: index === 0 && context.fingerprint !== undefined ? { ...cause, fingerprint: context.fingerprint } : cause,
  }))
}

/** One more recorded event: state, revision, chain, and the command that it belongs to. */
function absorb<S, C, E extends AnyEvent>(
  aggregate: Aggregate<S, C, E>,
  before: Loaded<S>,
  event: Recorded<E>,
): Loaded<S> {
  const { commandId, fingerprint, hash } = event.metadata
  if (fingerprint !== undefined) before.commands.add(commandId)
  const state = aggregate.evolve(before.state, event as unknown as E)
  return { state, revision: event.revision, position: event.position, lastHash: hash, commands: before.commands }
}

function absorbWritten<S, C, E extends AnyEvent>(
  aggregate: Aggregate<S, C, E>,
  before: Loaded<S>,
  events: readonly E[],
  { revision, position, lastHash }: Appended,
  context: CommandContext,
): Loaded<S> {
  if (context.fingerprint !== undefined) before.commands.add(context.commandId)
  return { state: fold(aggregate, events, before.state), revision, position, lastHash, commands: before.commands }
}

/**
 * The recorded answer to a repeated command: its events, and the state as it was right after them; undefined where the
 * stream has never seen it. Throws Rejected where it was another request then.
 */
async function recordedAnswer<S, C, E extends AnyEvent>(
  store: EventStore,
  aggregate: Aggregate<S, C, E>,
  stream: string,
  { commandId, fingerprint }: CommandContext,
): Promise<Handled<S, E> | undefined> {
  const events: E[] = []
  let state = aggregate.initialState
  let position: bigint | undefined
  for await (const event of store.readStream<E>(stream)) {
    const { metadata } = event
    // The first event of a command has the fingerprint; what else it wrote stands right behind it.
    const begins = metadata.commandId === commandId && metadata.fingerprint !== undefined
    const goesOn = events.length > 0 && metadata.commandId === commandId
    if (events.length > 0 && !goesOn) break
    if (begins && metadata.fingerprint !== fingerprint) throw keyReused()
    if (begins || goesOn) events.push({ type: event.type, data: event.data } as unknown as E)
    state = aggregate.evolve(state, event as unknown as E)
    position = event.position
  }
  return events.length > 0 ? { state, events, position, replayed: true } : undefined
}
