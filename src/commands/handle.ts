/**
 * Handles commands: loads the state, decides, and appends at the revision of that state; on a conflict it reloads and decides
 * again. Recent states stay in a bounded cache. The expected revision catches a stale one, so the cache only buys speed. A
 * command id that the stream has seen gets the answer that was recorded then. Commands that wait for the same stream are
 * appended together, where each one's decision stands by itself (group.ts).
 */
import { randomUUID } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Actor, AnyEvent } from '../events/event.ts'
import { type EventStore, WrongExpectedRevision } from '../events/store.ts'
import { type Count, countNothing } from '../runtime/counted.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { createKeyedQueue } from '../runtime/keyed-queue.ts'
import { type Aggregate, fold, streamName } from './decider.ts'
import { type Asked, decideTogether, isOfOne, type Waiting } from './group.ts'
import { absorb, absorbWritten, bytesOf, type Loaded, unread } from './loaded.ts'
import { prepare } from './prepare.ts'
import { recordedAnswer } from './recorded-answer.ts'
import { Rejected } from './rejection.ts'
import { traceCommands } from './tracing.ts'

/** Who sends a command, and the names that its events record. */
export interface CommandContext {
  commandId: string
  /** Set for idempotent commands: the same command id gets the first answer again, another fingerprint is refused. */
  fingerprint: string | undefined
  actor: Actor
  requestId: string
  correlationId: string
  /** The event or the command that this one follows from; absent: it is nobody's consequence. */
  causationId?: string
  traceparent: string | undefined
  /** Now, RFC 3339 in UTC with milliseconds: decisions see no other clock. */
  at: string
  /** The stream is new, as far as the caller knows: it is appended to unread, and read where it is there after all. */
  startsStream?: boolean
  /** Does work without an await, and counts its time for whoever asked; absent: nobody is counted for. */
  count?: Count
  /** Is told of each conflict after which the command decides again. */
  onRetry?: () => void
}

export interface Handled<State, Event extends AnyEvent> {
  /** The state right after these events. */
  state: State
  /** The events that this command wrote, now or at its first execution. Empty where nothing had to change. */
  events: Event[]
  /**
   * Commit position of the last event behind the answer: of these events, or of the last that was appended together with
   * them; without any, of the stream's last. Undefined on a stream without events.
   */
  position: bigint | undefined
  /** The command was handled before; nothing was written now. */
  replayed: boolean
}

export interface CommandBus {
  /**
   * Handles one command. `precondition` checks rules that need another stream, before the first decision on a command that
   * was not seen before. It may handle commands itself while this stream's queue waits. Such nesting has one direction: a
   * request's stream before the streams that it claims, never back. Throws Rejected, or StoreUnavailable where the outcome
   * is unknown.
   */
  handle<State, Command, Event extends AnyEvent>(
    aggregate: Aggregate<State, Command, Event>,
    id: string,
    command: Command,
    context: CommandContext,
    precondition?: () => Promise<void>,
  ): Promise<Handled<State, Event>>
  /** The state of a stream, from the cache if possible: as old as its last use in this process, at most. */
  load<State, Command, Event extends AnyEvent>(aggregate: Aggregate<State, Command, Event>, id: string): Promise<State>
  /** The state of a stream now, including what other processes wrote: for decisions about another stream. */
  current<State, Command, Event extends AnyEvent>(
    aggregate: Aggregate<State, Command, Event>,
    id: string,
  ): Promise<State>
}

export interface CommandBusLimits {
  /** Aggregates in the cache, at most. */
  cachedAggregatesMax: number
  /** Seen commands of all cached aggregates together, at most; each takes about sixteen bytes. */
  seenCommandsMax: number
  /** Bytes of all cached states together, at most, as far as they can be told; default 64 MiB. */
  statesMaxBytes?: number
  /** Further decisions after a conflict, before the command is refused. */
  conflictRetriesMax: number
}

/** Where its caller names no other one; the setting is AGGREGATE_CACHE_MAX_BYTES. */
const STATES_MAX_BYTES = 67_108_864

type AnyWaiting = Waiting<unknown, unknown, AnyEvent>

export function createCommandBus(store: EventStore, limits: CommandBusLimits): CommandBus {
  // One sum bounds both: a state weighs as many commands as would take as large a part of their bound.
  const commandsPerByte = limits.seenCommandsMax / (limits.statesMaxBytes ?? STATES_MAX_BYTES)
  const cache = new LRUCache<string, Loaded<unknown>>({
    max: limits.cachedAggregatesMax,
    maxSize: limits.seenCommandsMax,
    sizeCalculation: (known) => known.commands.size + 1 + Math.floor(bytesOf(known) * commandsPerByte),
  })
  const folds = new Map<unknown, number>()
  // Commands on one stream run in order within this process; the expected revision catches other processes.
  const { runInOrder, underWay } = createKeyedQueue()
  // States hold personal data. Commands under way put theirs into the cache when they end, so it is cleared twice.
  store.onForgotten(() => void Promise.allSettled([cache.clear(), ...underWay()]).then(() => cache.clear()))

  /** Two aggregates may fold one stream into different states; aggregates with the same `evolve` share a state. */
  function keyOf<S, C, E extends AnyEvent>({ evolve }: Aggregate<S, C, E>, stream: string): string {
    const fold = folds.get(evolve) ?? folds.size
    folds.set(evolve, fold)
    return `${fold}:${stream}`
  }

  const cachedState = <S, C, E extends AnyEvent>(aggregate: Aggregate<S, C, E>, stream: string) =>
    cache.get(keyOf(aggregate, stream)) as Loaded<S> | undefined

  async function handle<S, C, E extends AnyEvent>(
    aggregate: Aggregate<S, C, E>,
    stream: string,
    { command, context, precondition }: Asked<C>,
  ): Promise<Handled<S, E>> {
    const execution = randomUUID()
    const { count = countNothing } = context
    const cached = cachedState(aggregate, stream)
    let before = cached ?? unread(aggregate)
    // Just now, so that a decision to write nothing needs no second look.
    let isRead = !cached && !context.startsStream
    if (isRead) before = await catchUp(aggregate, stream, before, count)
    let isChecked = false
    for (let attempt = 0; attempt <= limits.conflictRetriesMax; attempt++) {
      const seenAt = context.fingerprint === undefined ? undefined : before.commands.find(context.commandId)
      if (seenAt !== undefined) {
        const recorded =
          (await recordedAnswer(store, aggregate, stream, context, { milestones: before.milestones, seenAt })) ??
          (await recordedAnswer(store, aggregate, stream, context))
        if (recorded) return recorded
      }
      if (precondition && !isChecked) {
        const refusal = await Promise.try(precondition).then(() => undefined, refusalIn)
        if (refusal !== undefined) {
          // The reason may be that another process has handled this very command meanwhile.
          const current = await catchUp(aggregate, stream, before, count)
          if (current.revision === before.revision) throw refusal
          before = current
          continue
        }
        isChecked = true
        isRead = false
      }
      let events: E[] = []
      let refusal: Rejected | undefined
      try {
        events = count(() => aggregate.decide(command, before.state))
      } catch (error) {
        refusal = refusalIn(error)
      }
      if (events.length === 0) {
        // Nothing will be appended, so no expected revision would catch a stale state.
        const current = isRead ? before : await catchUp(aggregate, stream, before, count)
        if (current.revision === before.revision) {
          if (refusal) throw refusal
          return { state: before.state, events, position: before.position, replayed: false }
        }
        before = current
        isRead = true
        continue
      }
      try {
        const batch = prepare(events, context, execution)
        crashPoint('command.before-append', stream)
        const written = await store.append(stream, before.revision, before.lastHash, batch)
        crashPoint('command.after-append', stream)
        const state = count(() => fold(aggregate, events, before.state))
        const after = absorbWritten(before, state, written, context)
        cache.set(keyOf(aggregate, stream), after)
        return { state: after.state, events, position: written.position, replayed: false }
      } catch (error) {
        cache.delete(keyOf(aggregate, stream))
        if (!(error instanceof WrongExpectedRevision)) throw error
        context.onRetry?.()
        before = await catchUp(aggregate, stream, unread(aggregate), count)
        isRead = true
      }
    }
    throw new Rejected('concurrent_change', 'The resource kept changing meanwhile; send the request again.')
  }

  /** The state with the events that were appended since. */
  async function catchUp<S, C, E extends AnyEvent>(
    aggregate: Aggregate<S, C, E>,
    stream: string,
    known: Loaded<S>,
    count: Count = countNothing,
  ) {
    let current = known
    const from = known.revision === undefined ? 0n : known.revision + 1n
    const read = store.readStream<E>(stream, { from })
    for await (const event of read) current = count(() => absorb(aggregate, current, event))
    // A command that ended meanwhile may have cached a newer state.
    const kept = cache.peek(keyOf(aggregate, stream))?.revision ?? -1n
    if (current.revision !== undefined && current.revision >= kept) cache.set(keyOf(aggregate, stream), current)
    return current
  }

  /** Appends what several waiting commands decide; answers how many of them it has answered, the first ones. */
  async function handleGroup<S, C, E extends AnyEvent>(
    aggregate: Aggregate<S, C, E>,
    stream: string,
    line: readonly Waiting<S, C, E>[],
  ): Promise<number> {
    const before = cachedState(aggregate, stream)
    const group = before && line.length > 1 ? decideTogether(before, line) : []
    if (!before || group.length < 2) return 0
    try {
      const batch = group.flatMap(({ events, waiting }) => prepare(events, waiting.asked.context, randomUUID()))
      crashPoint('command.before-append', stream)
      const written = await store.append(stream, before.revision, before.lastHash, batch)
      crashPoint('command.after-append', stream)
      let after = before
      for (const { events, state, waiting } of group) {
        const revision = (after.revision ?? -1n) + BigInt(events.length)
        after = absorbWritten(after, state, { ...written, revision }, waiting.asked.context)
        waiting.done.resolve({ state, events, position: written.position, replayed: false })
      }
      cache.set(keyOf(aggregate, stream), after)
      return group.length
    } catch (error) {
      cache.delete(keyOf(aggregate, stream))
      // Nothing was written, and it is about one of them, or about all: each finds out for itself.
      if (isOfOne(error)) {
        for (const { waiting } of group) waiting.isAlone = true
        return 0
      }
      for (const { waiting } of group) waiting.done.reject(error)
      return group.length
    }
  }

  // No Map: see runtime/in-flight.ts for names that come and go all the time.
  const lines: Record<string, AnyWaiting[]> = Object.create(null)

  /** The turn of a stream's line: its first command, or its first ones together. */
  async function nextTurn(stream: string): Promise<void> {
    const line = lines[stream]
    const [first] = line ?? []
    if (!line || !first) return
    const { aggregate, asked, done } = first
    const answered = await handleGroup(aggregate, stream, line)
    line.splice(0, Math.max(1, answered))
    if (line.length === 0) delete lines[stream]
    if (answered > 0) return
    await handle(aggregate, stream, asked).then(done.resolve, done.reject)
  }

  return traceCommands({
    handle(aggregate, id, command, context, precondition) {
      const stream = streamName(aggregate, id)
      const done = Promise.withResolvers<Handled<never, never>>()
      const waiting = { aggregate, asked: { command, context, precondition }, done, isAlone: false }
      const line = lines[stream] ?? []
      line.push(waiting as unknown as AnyWaiting)
      lines[stream] = line
      void runInOrder(stream, () => nextTurn(stream))
      return done.promise
    },
    load: async (aggregate, id) => {
      const stream = streamName(aggregate, id)
      return (cachedState(aggregate, stream) ?? (await catchUp(aggregate, stream, unread(aggregate)))).state
    },
    // Outside the queue, since a command that holds it may ask. Taking in the same events twice does no harm.
    current: async (aggregate, id) => {
      const stream = streamName(aggregate, id)
      return (await catchUp(aggregate, stream, cachedState(aggregate, stream) ?? unread(aggregate))).state
    },
  })
}

/** The refusal that was thrown; other errors are faults and go up. */
function refusalIn(error: unknown): Rejected {
  if (error instanceof Rejected) return error
  throw error
}
