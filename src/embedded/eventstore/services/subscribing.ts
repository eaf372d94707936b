/**
 * Catch-up subscriptions. A subscriber is a cursor into the log or into a stream: it reads what is there, and when
 * nothing is left waits for the next commit. History and live events come through the same cursor, so that there is no
 * hand-over at which an event could be lost or sent twice. Who has caught up with a stream gets every event that is
 * appended to it from then on, even those that its metadata hides by the time they are sent.
 */
import { randomBytes } from 'node:crypto'
import { invalidArgument, streamDeleted } from '../protocol/errors.ts'
import { compileFilter, isHidden } from '../protocol/filter.ts'
import {
  CAUGHT_UP,
  encodeCheckpoint,
  encodeConfirmation,
  encodeReadEvent,
  FELL_BEHIND,
} from '../protocol/read-messages.ts'
import type { ReadRequest } from '../protocol/read-requests.ts'
import { type RecordView, recordPosition, recordRevision } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { INT64_MAX } from '../storage/stream-metadata.ts'
import { createLogReader } from './log-reader.ts'
import { createSignal, type Outlet } from './outlet.ts'
import { clamped, nextTurn, resolveRecord } from './reading.ts'

/** The server's own search window where the client names none. */
const DEFAULT_SEARCH_WINDOW = 32

/** Raised at each commit to a stream, or to any, and at the end of the call. */
function listen(store: EventStore, stream: string | undefined, outlet: Outlet) {
  const signal = createSignal()
  const stop = store.listeners.add(stream, signal.raise)
  outlet.onClose(() => {
    stop()
    signal.raise()
  })
  return signal
}

/** @throws FAILED_PRECONDITION where the stream is tombstoned, at once or later. */
export async function subscribeToStream(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const name = request.stream!
  if (request.from === INT64_MAX) throw invalidArgument('no event can have the revision to begin behind')
  const signal = listen(store, name, outlet)
  const send = async (batch: readonly RecordView[]): Promise<boolean> => {
    if (batch.length === 0) await nextTurn()
    return outlet.send(
      ...batch.map((record) => encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm)),
    )
  }
  if (request.from !== 'end' && store.streams.status(name).kind === 'deleted') throw streamDeleted(name)
  const end = store.streams.endOf(name)
  await outlet.send(encodeConfirmation(randomBytes(16)))
  const next = request.from === 'end' ? end : await catchUp(store, request, outlet, signal, send)
  if (next !== undefined) await outlet.send(CAUGHT_UP)
  if (next !== undefined) await followStream(store, name, next, outlet, signal, send)
}

type Send = (batch: readonly RecordView[]) => Promise<boolean>
type Signal = ReturnType<typeof createSignal>

/** Sends what can be read of a stream, waiting until it is there, and returns the revision from which on all is live. */
async function catchUp(
  store: EventStore,
  request: ReadRequest,
  outlet: Outlet,
  signal: Signal,
  send: Send,
): Promise<number | undefined> {
  const name = request.stream!
  let next = typeof request.from === 'bigint' ? clamped(request.from) + 1 : 0
  while (outlet.isOpen()) {
    for (const batch of store.streams.read(name, next, Number.MAX_SAFE_INTEGER, false)) {
      if (!(await send(batch))) return undefined
      const last = batch.at(-1)
      if (last) next = recordRevision(last) + 1
    }
    const status = store.streams.status(name)
    if (status.kind === 'deleted') throw streamDeleted(name)
    if (status.kind === 'present') return Math.max(next, status.lastRevision + 1)
    await signal.wait()
  }
  return undefined
}

async function followStream(
  store: EventStore,
  name: string,
  from: number,
  outlet: Outlet,
  signal: Signal,
  send: Send,
): Promise<void> {
  let next = from
  // Who began at the end of a tombstoned stream waits for what never comes.
  const wasDeleted = store.streams.status(name).kind === 'deleted'
  while (outlet.isOpen()) {
    for (const batch of store.streams.readAppended(name, next)) {
      if (!(await send(batch))) return
      next = recordRevision(batch.at(-1)!) + 1
    }
    if (!wasDeleted && store.streams.status(name).kind === 'deleted') throw streamDeleted(name)
    await signal.wait()
  }
}

/** The position behind which a subscription to $all begins, and where its reading of the log does. */
async function startOf(store: EventStore, from: ReadRequest['from']): Promise<{ after: number; start: number }> {
  const end = store.log.end()
  if (from === 'start') return { after: -1, start: 0 }
  const asked = from === 'end' ? end : clamped(from)
  // Who is ahead of the log gets all that is appended later, also what comes before the place asked for.
  if (asked >= end) return { after: end - 1, start: end }
  const found = await store.findForwards(asked)
  if (found.isInside) throw invalidArgument(`no event has the position ${asked}`)
  return { after: asked, start: found.position }
}

/** Sends what lies behind the asked position, with checkpoints where a filter hides how far the reading got. */
export async function subscribeToAll(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const matches = request.filter ? compileFilter(request.filter) : undefined
  const interval =
    (request.filter?.maxSearchWindow ?? DEFAULT_SEARCH_WINDOW) * (request.filter?.checkpointMultiplier || 1)
  const signal = listen(store, undefined, outlet)
  const { after, start } = await startOf(store, request.from)
  const reader = createLogReader(store, start)
  let live = false
  let considered = 0
  await outlet.send(encodeConfirmation(randomBytes(16)))
  while (outlet.isOpen()) {
    const behind = store.log.end() - reader.position()
    const records = behind > 0 ? await reader.next() : undefined
    if (!records) {
      if (!live) await outlet.send(CAUGHT_UP)
      live = true
      await signal.wait()
      continue
    }
    if (live && behind > store.options.liveLagBytes) {
      live = false
      await outlet.send(FELL_BEHIND)
    }
    const messages: Buffer[] = []
    for (const record of records) {
      const position = recordPosition(record)
      if (position <= after || isHidden(record)) continue
      considered++
      if (!matches || matches(record)) {
        messages.push(encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm))
      }
      if (matches && considered >= interval) {
        messages.push(encodeCheckpoint(position))
        considered = 0
      }
    }
    if (messages.length > 0 && !(await outlet.send(...messages))) return
  }
}
