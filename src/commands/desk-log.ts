/**
 * The log of one desk: a chain of streams, called books. A book that is full ends with an event that says so, and the next one
 * begins with all that the desk knows, so that loading a desk is bounded for ever. Which book is open stands in a stream of
 * its own; a writer that dies between two of these steps leaves what the next reader finishes.
 */
import type { AnyEvent, Cause } from '../events/event.ts'
import { type EventStore, type NewEvent, WrongExpectedRevision } from '../events/store.ts'
import { crashPoint } from '../runtime/crash-points.ts'
import { streamName } from './decider.ts'
import { deterministicId, eventId } from './identity.ts'

/** How a desk's books are written; every event follows from the state alone, so that two writers write the same. */
export interface Books<State> {
  /** Events after which a book is closed. */
  eventsMax: number
  /** Bytes that the first event of a book may have, as JSON; a desk that takes more goes on in its book until it takes less. */
  openedMaxBytes: number
  /** Category of the streams that say which book is open. */
  index: string
  closed(state: State, book: number, events: number): AnyEvent
  isClosed(event: AnyEvent): boolean
  opened(state: State, book: number): AnyEvent
  turned(state: State, book: number): AnyEvent
  bookIn(event: AnyEvent): number
}

export interface DeskKind<State> {
  category: string
  newState(): State
  /** Takes an event in, in place. */
  apply(state: State, event: AnyEvent): void
  books: Books<State>
}

/** A desk as far as the log is known here. */
export interface DeskHead<State> {
  readonly id: string
  state: State
  /** From 1. */
  book: number
  /** Of the open book; undefined: it has no event yet. */
  revision: bigint | undefined
  lastHash: string
  /** Commit position of the last event. */
  position: bigint | undefined
  isClosed: boolean
  /** The book is not turned before it has so many events. */
  turnsAt: bigint
}

/** Events after which a desk that was too large for a new book is looked at again. */
const TURN_RETRY_EVENTS = 1_000n

export interface DeskLog<State> {
  load(id: string): Promise<DeskHead<State>>
  /** Takes in what others wrote; true where there was anything. Opens the next book after a closed one. */
  catchUp(head: DeskHead<State>): Promise<boolean>
  /**
   * Appends, and takes the events in. Throws WrongExpectedRevision where another writer was first: then nothing was
   * written, and `head` is as before.
   */
  append(head: DeskHead<State>, events: readonly NewEvent[]): Promise<void>
  /** Closes the book where it is full, and opens the next one. Throws WrongExpectedRevision as `append` does. */
  turnIfFull(head: DeskHead<State>): Promise<void>
}

type Store = Pick<EventStore, 'readStream' | 'readLast' | 'append'>

export function createDeskLog<State>(store: Store, kind: DeskKind<State>): DeskLog<State> {
  const { books } = kind
  const streamOf = (id: string, book: number): string => streamName(kind, book === 1 ? id : `${id}.${book}`)
  const indexOf = (id: string): string => `${books.index}-${id}`

  async function load(id: string): Promise<DeskHead<State>> {
    const index = await store.readLast(indexOf(id))
    const head: DeskHead<State> = {
      ...{ id, state: kind.newState(), book: index ? books.bookIn(index) : 1, revision: undefined },
      ...{ lastHash: '', position: undefined, isClosed: false, turnsAt: BigInt(books.eventsMax) },
    }
    await catchUp(head)
    return head
  }

  async function catchUp(head: DeskHead<State>): Promise<boolean> {
    let isNew = false
    for (;;) {
      const from = (head.revision ?? -1n) + 1n
      for await (const event of store.readStream(streamOf(head.id, head.book), { from })) {
        kind.apply(head.state, event)
        head.revision = event.revision
        head.lastHash = event.metadata.hash
        head.position = event.position
        head.isClosed = books.isClosed(event)
        isNew = true
      }
      if (!head.isClosed) return isNew
      await open(head)
    }
  }

  async function append(head: DeskHead<State>, events: readonly NewEvent[]): Promise<void> {
    const written = await store.append(streamOf(head.id, head.book), head.revision, head.lastHash, events)
    for (const { event } of events) kind.apply(head.state, event)
    head.revision = written.revision
    head.lastHash = written.lastHash
    head.position = written.position
  }

  async function turnIfFull(head: DeskHead<State>): Promise<void> {
    if (head.revision === undefined || head.revision + 1n < head.turnsAt) return
    if (Buffer.byteLength(JSON.stringify(books.opened(head.state, head.book + 1).data)) > books.openedMaxBytes) {
      head.turnsAt = head.revision + TURN_RETRY_EVENTS
      return
    }
    const stream = streamOf(head.id, head.book)
    const events = Number(BigInt.asUintN(32, head.revision)) + 1
    await append(head, [ofDesk(books.closed(head.state, head.book, events), stream)])
    head.isClosed = true
    crashPoint('desk.between-books', stream)
    await open(head)
  }

  /** Goes on in the next book, which is there already or begins now. */
  async function open(head: DeskHead<State>): Promise<void> {
    const book = head.book + 1
    const stream = streamOf(head.id, book)
    const first = [ofDesk(books.opened(head.state, book), stream)]
    const fresh = { book, isClosed: false, turnsAt: BigInt(books.eventsMax) }
    try {
      const written = await store.append(stream, undefined, '', first)
      Object.assign(head, { ...fresh, ...written })
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
      Object.assign(head, { ...fresh, revision: undefined, lastHash: '' })
    }
    await note(head)
  }

  /** Who comes later begins here. Another writer may have noted it, or a later book, already. */
  async function note({ id, state, book }: DeskHead<State>): Promise<void> {
    const last = await store.readLast(indexOf(id))
    if (last && books.bookIn(last) >= book) return
    try {
      const event = ofDesk(books.turned(state, book), `${indexOf(id)} ${book}`)
      await store.append(indexOf(id), last?.revision, last?.metadata.hash ?? '', [event])
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error
    }
  }

  return { load, catchUp, append, turnIfFull }
}

/** An event that no request brings; two writers give it the same id. `place`: its stream, and the book where that has several. */
function ofDesk(event: AnyEvent, place: string): NewEvent {
  const commandId = deterministicId('desk', place, event.type)
  const cause: Cause = {
    ...{ $correlationId: commandId, $causationId: commandId, commandId },
    actor: { kind: 'system', id: 'desk' },
  }
  return { id: eventId(commandId, 'desk', 0), event, cause }
}
