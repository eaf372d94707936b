/** What a desk needs, and what it offers (desk.ts). */
import type { AnyEvent } from '../events/event.ts'
import { type EventStore, StoreUnavailable } from '../events/store.ts'
import type { DeskKind } from './desk-log.ts'
import type { CommandContext } from './handle.ts'

/** Takes an event in at once, so that what is decided next sees it. */
export type Emit<Event> = (event: Event) => void

export interface DeskDecider<State, Command, Event extends AnyEvent, Result> extends DeskKind<State> {
  clone(state: State): State
  /**
   * Decides, emits what follows, and answers. It is asked again where another writer was first, on a state without what it had
   * emitted. Throws Rejected before it emits anything.
   */
  decide(command: Command, state: State, emit: Emit<Event>): Result
}

export interface DeskLimits {
  /** Events of a group, and bytes of their data as JSON. One command's events stay together, whatever they take. */
  groupEventsMax: number
  groupBytesMax: number
  /** Commands that wait at one desk. */
  queueMax: number
  /** How long a command may wait before it is refused. */
  waitMaxMs: number
  /** How long what cannot be refused waits for company. */
  gatherMs: number
  /** Before what cannot be refused is tried again after a failure of the store. */
  retryMs: number
  /** Desks in memory. */
  cachedMax: number
  /** How long a desk counts as shared after another process was met there. */
  sharedMs: number
  /** Between two looks whether it has written, and how long that is waited for at most. */
  turnMs: number
  turnMaxMs: number
}

export interface DeskSurroundings<Command> {
  store: Pick<EventStore, 'readStream' | 'readLast' | 'append' | 'onForgotten'>
  /** Milliseconds that only ever grow. */
  elapsedMs(): number
  pause(ms: number): Promise<void>
  /** Called where a desk's other writer leaves `waiting` no room; at most once in `sharedMs` for a desk. */
  askTurn(id: string, waiting: Command): void
  /** Told of each failure of a desk: what may be refused was, and the rest is tried again. */
  onFailure(error: unknown): void
}

/** Too much waits at this desk, or for too long: nothing was decided. */
export class DeskBusy extends StoreUnavailable {
  override name = 'DeskBusy'
  readonly retryAfterS = 1
}

export interface Decided<Result> {
  result: Result
  /** Commit position of the group's last event, or of the last one before it where nothing was written. */
  position: bigint | undefined
}

export interface Desk<Command, Result> {
  /** Resolves when the log has it. Throws Rejected, DeskBusy, and StoreUnavailable where the outcome is unknown. */
  decide(id: string, command: Command, context: CommandContext): Promise<Decided<Result>>
  /**
   * For what cannot be refused: decided at once where the desk is in memory, and recorded sooner or later, whatever the store
   * does meanwhile. `result` is undefined where the desk has to be loaded first.
   */
  record(id: string, command: Command, context: CommandContext): { result: Result | undefined; recorded: Promise<void> }
  /** Another process was met at this desk, or asks for room there. */
  share(id: string): void
  /**
   * Resolves when all that is under way now has ended, however it ended: at this desk, or at all. Answers the commit position
   * up to which this desk is known here.
   */
  quiet(id?: string): Promise<bigint | undefined>
}
