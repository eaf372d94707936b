/**
 * Catch-up subscriptions. A subscriber is a cursor into the log or into a stream: it reads what is there, and when
 * nothing is left waits for the next commit. History and live events come through the same cursor, so that there is no
 * hand-over at which an event could be lost or sent twice.
 */
import { randomBytes } from 'node:crypto'
import { streamDeleted } from '../protocol/errors.ts'
import { compileFilter } from '../protocol/filter.ts'
import {
  CAUGHT_UP,
  encodeCheckpoint,
  encodeConfirmation,
  encodeReadEvent,
  FELL_BEHIND,
  type ReadRequest,
} from '../protocol/read-messages.ts'
import { recordPosition, recordRevision } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { createLogReader } from './log-reader.ts'
import { createSignal, type Outlet } from './outlet.ts'
import { clamped, resolveRecord } from './reading.ts'

/** The server's own search window where the client names none. */
const DEFAULT_SEARCH_WINDOW = 32

/** @throws FAILED_PRECONDITION where the stream is tombstoned, at once or later. */
export async function subscribeToStream(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const name = request.stream!
  const signal = createSignal()
  const stop = store.listeners.add(name, signal.raise)
  outlet.onClose(() => {
    stop()
    signal.raise()
  })
  const status = store.status(name)
  if (status.kind === 'deleted') throw streamDeleted(name)
  const lastRevision = status.kind === 'present' ? status.lastRevision : -1
  let next = request.from === 'start' ? 0 : request.from === 'end' ? lastRevision + 1 : clamped(request.from) + 1
  let live = false
  await outlet.send(encodeConfirmation(randomBytes(16)))
  while (outlet.isOpen()) {
    for (const batch of store.readStream(name, next, Number.MAX_SAFE_INTEGER, false)) {
      for (const record of batch) {
        const sent = outlet.send(encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm))
        if (sent !== true && !(await sent)) return
        next = recordRevision(record) + 1
      }
    }
    if (store.status(name).kind === 'deleted') throw streamDeleted(name)
    if (!live) await outlet.send(CAUGHT_UP)
    live = true
    await signal.wait()
  }
}

/** Sends what lies behind the asked position, with checkpoints where a filter hides how far the reading got. */
export async function subscribeToAll(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const matches = request.filter ? compileFilter(request.filter) : undefined
  const interval =
    (request.filter?.maxSearchWindow ?? DEFAULT_SEARCH_WINDOW) * (request.filter?.checkpointMultiplier || 1)
  const signal = createSignal()
  const stop = store.listeners.add(undefined, signal.raise)
  outlet.onClose(() => {
    stop()
    signal.raise()
  })
  const after = request.from === 'start' ? -1 : request.from === 'end' ? store.log.end() - 1 : clamped(request.from)
  const start = after < 0 ? 0 : request.from === 'end' ? store.log.end() : await store.alignForwards(after)
  const reader = createLogReader(store, start)
  let live = false
  let considered = 0
  let lastConsidered = -1
  await outlet.send(encodeConfirmation(randomBytes(16)))
  while (outlet.isOpen()) {
    const behind = store.log.end() - reader.position()
    const records = await reader.next()
    if (!records) {
      if (matches && considered > 0 && !live) {
        await outlet.send(encodeCheckpoint(lastConsidered))
        considered = 0
      }
      if (!live) await outlet.send(CAUGHT_UP)
      live = true
      await signal.wait()
      continue
    }
    if (live && behind > store.options.liveLagBytes) {
      live = false
      await outlet.send(FELL_BEHIND)
    }
    for (const record of records) {
      const position = recordPosition(record)
      if (position <= after) continue
      considered++
      lastConsidered = position
      if (!matches || matches(record)) {
        const resolved = resolveRecord(store, record, request.resolveLinks)
        const sent = outlet.send(encodeReadEvent(resolved, request.uuidForm))
        if (sent !== true && !(await sent)) return
      }
      if (matches && considered >= interval) {
        if (!(await outlet.send(encodeCheckpoint(position)))) return
        considered = 0
      }
    }
  }
}
