/**
 * Decides on streams that have many writers a second, in groups. While an append is under way, whatever else is asked is
 * decided on the state that will follow, and appended together as the next group at the expected revision. Where another process
 * wrote first, the group is decided anew on what it wrote. Nothing is answered before the log has it, but for what cannot be
 * refused.
 *
 * A process that finds another one at the same desk leaves it room after each append (docs/decisions/0013-turns-at-a-desk.md).
 */
import { randomUUID } from 'node:crypto'
import type { AnyEvent, Cause } from '../events/event.ts'
import { type NewEvent, WrongExpectedRevision } from '../events/store.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { createLru } from '../runtime/lru.ts'
import {
  type Decided,
  type Desk,
  DeskBusy,
  type DeskDecider,
  type DeskLimits,
  type DeskSurroundings,
} from './desk-interface.ts'
import { createDeskLog, type DeskHead } from './desk-log.ts'
import type { CommandContext } from './handle.ts'
import { Rejected } from './rejection.ts'

const busyDesk = () => new DeskBusy('Too much waits at this desk; send the request again.')

interface Waiting<Command, Result> {
  command: Command
  context: CommandContext
  /** Cannot be refused. */
  isDurable: boolean
  sinceMs: number
  events: NewEvent[]
  bytes: number
  outcome: { result: Result } | { refusal: Rejected } | undefined
  done: PromiseWithResolvers<Decided<Result>>
}

interface Seat<State, Command, Result> {
  id: string
  /** Undefined until it is loaded. */
  head: DeskHead<State> | undefined
  /** The state after everything that waits. */
  ahead: State | undefined
  queue: Waiting<Command, Result>[]
  isPumping: boolean
  /** Ends a wait for company. */
  wake: (() => void) | undefined
  conflicts: number
  sharedUntilMs: number
  askedUntilMs: number
  writtenMs: number
  /** What an append took of late. */
  appendMs: number
}

const APPENDS_REMEMBERED = 8
/** Appends for which a shared desk is left to the other process, which reads, decides and appends in that time. */
const ROOM_APPENDS = 4

export function createDesk<State, Command, Event extends AnyEvent, Result>(
  decider: DeskDecider<State, Command, Event, Result>,
  surroundings: DeskSurroundings<Command>,
  limits: DeskLimits,
): Desk<Command, Result> {
  type Item = Waiting<Command, Result>
  type Place = Seat<State, Command, Result>
  const { store, elapsedMs, pause } = surroundings
  const log = createDeskLog(store, decider)
  /** Those with work, which no bound may forget, and the others. */
  const busy = new Map<string, Place>()
  const idle = createLru<string, Place>(limits.cachedMax)
  // Whatever was known may be of another log.
  store.onForgotten(() => {
    idle.clear()
    for (const seat of busy.values()) seat.head = undefined
  })

  function seatOf(id: string): Place {
    const known = busy.get(id) ?? idle.get(id)
    if (known) return known
    const fresh = { head: undefined, ahead: undefined, isPumping: false, wake: undefined }
    return { id, queue: [], conflicts: 0, sharedUntilMs: 0, askedUntilMs: 0, writtenMs: 0, appendMs: 0, ...fresh }
  }

  function enqueue(id: string, command: Command, context: CommandContext, isDurable: boolean): Item {
    const seat = seatOf(id)
    const sinceMs = elapsedMs()
    const waitsMs = sinceMs - (seat.queue[0]?.sinceMs ?? sinceMs)
    if (!isDurable && (seat.queue.length >= limits.queueMax || waitsMs > limits.waitMaxMs)) throw busyDesk()
    const done = Promise.withResolvers<Decided<Result>>()
    const item: Item = { command, context, isDurable, sinceMs, events: [], bytes: 0, outcome: undefined, done }
    if (seat.ahead === undefined || decideAhead(seat.ahead, item)) seat.queue.push(item)
    else decideAnew(seat)
    if (!isDurable) seat.wake?.()
    if (!seat.isPumping) {
      idle.delete(id)
      busy.set(id, seat)
      void pump(seat)
    }
    return item
  }

  /** False where it failed: then it is rejected, and `ahead` may hold a part of it. */
  function decideAhead(ahead: State, item: Item): boolean {
    const emitted: Event[] = []
    const emit = (event: Event) => {
      decider.apply(ahead, event)
      emitted.push(event)
    }
    try {
      item.outcome = { result: decider.decide(item.command, ahead, emit) }
    } catch (error) {
      if (!(error instanceof Rejected)) {
        item.done.reject(error)
        return false
      }
      item.outcome = { refusal: error }
    }
    const cause = causeOf(item.context)
    // Ids of this decision alone: decided anew, the events have other bytes.
    item.events = emitted.map((event) => ({ id: randomUUID(), event, cause, json: JSON.stringify(event.data) }))
    item.bytes = item.events.reduce((sum, { json = '' }) => sum + Buffer.byteLength(json), 0)
    return true
  }

  /** Decides everything anew, on what the log has; what fails leaves the queue. */
  function decideAnew(seat: Place): void {
    for (let isWhole = false; seat.head && !isWhole; ) {
      const ahead = decider.clone(seat.head.state)
      const faulty = seat.queue.findIndex((item) => !decideAhead(ahead, item))
      isWhole = faulty < 0
      if (isWhole) seat.ahead = ahead
      else seat.queue.splice(faulty, 1)
    }
  }

  /** Runs while anything waits. It ends in the same turn in which nothing does, so that nothing is left to wait for nobody. */
  async function pump(seat: Place): Promise<void> {
    seat.isPumping = true
    while (seat.queue.length > 0) {
      try {
        if (!seat.head) {
          seat.head = await log.load(seat.id)
          decideAnew(seat)
        }
        await gather(seat)
        await leaveRoom(seat)
        dropLate(seat)
        await write(seat, seat.head)
      } catch (error) {
        if (error instanceof WrongExpectedRevision) await giveWay(seat)
        else await fail(seat, error)
      }
    }
    seat.isPumping = false
    busy.delete(seat.id)
    if (seat.head) idle.set(seat.id, seat)
  }

  /** Appends the next group and answers it. */
  async function write(seat: Place, head: DeskHead<State>): Promise<void> {
    const group = nextGroup(seat.queue)
    const events = group.flatMap((item) => item.events)
    if (events.length > 0) {
      const beganMs = elapsedMs()
      crashPoint('desk.before-append', events)
      await log.append(head, events)
      crashPoint('desk.after-append', events)
      seat.appendMs += (elapsedMs() - beganMs - seat.appendMs) / APPENDS_REMEMBERED
    } else if (group.length > 0 && (await log.catchUp(head))) {
      // Nothing is appended, so no expected revision would catch a stale state.
      decideAnew(seat)
      return
    }
    seat.conflicts = 0
    const written = new Set(group)
    seat.queue = seat.queue.filter((item) => !written.has(item))
    for (const item of group) answer(item, head.position)
    await log.turnIfFull(head)
    // A book that turned took several appends; none of that is room which the other process had.
    if (events.length > 0) seat.writtenMs = elapsedMs()
  }

  function nextGroup(queue: readonly Item[]): Item[] {
    let [events, bytes, count] = [0, 0, 0]
    for (const item of queue) {
      events += item.events.length
      bytes += item.bytes
      if (count > 0 && (events > limits.groupEventsMax || bytes > limits.groupBytesMax)) break
      count += 1
    }
    return queue.slice(0, count)
  }

  /** What can wait alone does so for a moment. */
  async function gather(seat: Place): Promise<void> {
    const [first] = seat.queue
    if (!first || seat.queue.some(({ isDurable }) => !isDurable)) return
    const restMs = first.sinceMs + limits.gatherMs - elapsedMs()
    if (restMs <= 0) return
    const woken = Promise.withResolvers<void>()
    seat.wake = woken.resolve
    await Promise.race([pause(restMs), woken.promise])
    seat.wake = undefined
  }

  /** To the other process at this desk: until it has written, or for as long as it may need to read and to write. */
  async function leaveRoom(seat: Place): Promise<void> {
    if (!seat.head || seat.conflicts > 0) return
    const untilMs = seat.writtenMs + Math.min(limits.turnMaxMs, limits.turnMs + ROOM_APPENDS * seat.appendMs)
    while (elapsedMs() < Math.min(untilMs, seat.sharedUntilMs)) {
      await pause(limits.turnMs)
      if (!(await log.catchUp(seat.head))) continue
      seat.sharedUntilMs = elapsedMs() + limits.sharedMs
      decideAnew(seat)
      return
    }
  }

  /** Another process wrote first. */
  async function giveWay(seat: Place): Promise<void> {
    seat.conflicts += 1
    seat.sharedUntilMs = elapsedMs() + limits.sharedMs
    const [first] = seat.queue
    if (first && seat.conflicts > 1 && elapsedMs() >= seat.askedUntilMs) {
      seat.askedUntilMs = elapsedMs() + limits.sharedMs
      surroundings.askTurn(seat.id, first.command)
    }
    try {
      if (seat.head) await log.catchUp(seat.head)
      decideAnew(seat)
    } catch (error) {
      await fail(seat, error)
    }
  }

  /** Refuses those that have waited too long. */
  function dropLate(seat: Place): void {
    const late = seat.queue.filter((item) => !item.isDurable && elapsedMs() - item.sinceMs > limits.waitMaxMs)
    if (late.length === 0) return
    seat.queue = seat.queue.filter((item) => !late.includes(item))
    decideAnew(seat)
    for (const { done } of late) done.reject(busyDesk())
  }

  /** The store failed, or a fault showed: what may be refused is; the rest is tried again. */
  async function fail(seat: Place, error: unknown): Promise<void> {
    seat.head = seat.ahead = undefined
    const refused = seat.queue.filter(({ isDurable }) => !isDurable)
    seat.queue = seat.queue.filter(({ isDurable }) => isDurable)
    for (const { done } of refused) done.reject(error)
    surroundings.onFailure(error)
    if (seat.queue.length > 0) await pause(limits.retryMs)
  }

  return {
    decide: async (id, command, context) => enqueue(id, command, context, false).done.promise,
    record(id, command, context) {
      const { outcome, done } = enqueue(id, command, context, true)
      const recorded = done.promise.then(
        () => undefined,
        (error: unknown) => {
          if (!(error instanceof Rejected)) throw error
        },
      )
      return { result: outcome && 'result' in outcome ? outcome.result : undefined, recorded }
    },
    share(id) {
      const seat = busy.get(id) ?? idle.peek(id)
      if (seat) seat.sharedUntilMs = elapsedMs() + limits.sharedMs
    },
    async quiet(id) {
      const seats = id === undefined ? [...busy.values()] : [busy.get(id)]
      await Promise.allSettled(seats.flatMap((seat) => seat?.queue ?? []).map(({ done }) => done.promise))
      return id === undefined ? undefined : (busy.get(id) ?? idle.peek(id))?.head?.position
    },
  }
}

function answer<Command, Result>({ outcome, done }: Waiting<Command, Result>, position: bigint | undefined): void {
  if (outcome && 'result' in outcome) done.resolve({ result: outcome.result, position })
  else done.reject(outcome?.refusal ?? new Error('a command was answered before it was decided'))
}

const causeOf = ({ correlationId, causationId, commandId, actor, requestId, traceparent }: CommandContext): Cause => ({
  $correlationId: correlationId,
  $causationId: causationId ?? commandId,
  actor,
  requestId,
  commandId,
  ...(traceparent === undefined ? {} : { traceparent }),
})
