/** Reads of a stream and of $all that end: a page of history, in either direction. */
import { invalidArgument, streamDeleted, unexpectedResult } from '../protocol/errors.ts'
import { compileFilter, isHidden } from '../protocol/filter.ts'
import {
  encodeFirstStreamPosition,
  encodeLastStreamPosition,
  encodeReadEvent,
  encodeStreamNotFound,
  parseLink,
  type ResolvedRecord,
} from '../protocol/read-messages.ts'
import type { ReadRequest } from '../protocol/read-requests.ts'
import { type RecordView, recordData, recordPosition, recordTypeBytes } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { INT64_MAX, LINK_EVENT_TYPE } from '../storage/stream-metadata.ts'
import { createBackwardsReader, createLogReader } from './log-reader.ts'
import type { Outlet } from './outlet.ts'

const LINK_TYPE = Buffer.from(LINK_EVENT_TYPE)

/**
 * Follows a link to the event that it names. Where that is gone, the link comes alone; where the data names none, the
 * event is no link.
 */
export function resolveRecord(store: EventStore, record: RecordView, resolveLinks: boolean): ResolvedRecord {
  if (!resolveLinks || !recordTypeBytes(record).equals(LINK_TYPE)) return { event: record, link: undefined }
  const target = parseLink(recordData(record))
  if (!target) return { event: record, link: undefined }
  // A negative number names the last event.
  const revision = target.revision < 0 ? store.streams.endOf(target.stream) - 1 : target.revision
  return { event: store.streams.readEvent(target.stream, revision), link: record }
}

/** A number that a revision or position of the client can be compared by; what is past all of ours stays past it. */
export function clamped(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
}

/** Lets others run, for readers that go through much without sending anything. */
export const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** @throws FAILED_PRECONDITION where the stream is tombstoned, UNKNOWN where nothing can be read from there on. */
export async function readStreamPage(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const { backwards, resolveLinks, uuidForm } = request
  const name = request.stream!
  const count = clamped(request.count!)
  if (count === 0 || (request.from === 'end' && !backwards)) throw unexpectedResult('ReadStreamResult')
  const status = store.streams.status(name)
  if (status.kind === 'deleted') throw streamDeleted(name)
  if (status.kind === 'missing') {
    await outlet.send(encodeStreamNotFound(name))
    return
  }
  const from = typeof request.from === 'bigint' ? clamped(request.from) : backwards ? Number.MAX_SAFE_INTEGER : 0
  let found = 0
  for (const batch of store.streams.read(name, request.from === 'start' ? 0 : from, count, backwards)) {
    if (batch.length === 0) await nextTurn()
    if (!outlet.isOpen()) return
    const messages = batch.map((record) => encodeReadEvent(resolveRecord(store, record, resolveLinks), uuidForm))
    if (!(await outlet.send(...messages))) return
    found += batch.length
  }
  if (!request.wantsStreamPositions) return
  if (found === 0 && !backwards) await outlet.send(encodeFirstStreamPosition(status.lastRevision + 1))
  await outlet.send(encodeLastStreamPosition(status.lastRevision))
}

/**
 * Forwards a position is the first to be returned; backwards it is the one behind the first.
 * @throws UNKNOWN for a position that no event has, INVALID_ARGUMENT where no event is asked for.
 */
export async function readAllPage(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const matches = request.filter ? compileFilter(request.filter) : () => true
  const end = store.log.end()
  let rest = clamped(request.count!)
  if (rest === 0) throw invalidArgument('a read must ask for one event at least')
  const start = await startOf(store, request, end)
  const next = request.backwards ? createBackwardsReader(store, start) : createLogReader(store, start).next
  const isBehindPage = (record: RecordView): boolean => !request.backwards && recordPosition(record) >= end
  while (rest > 0) {
    const records = await next()
    if (!records?.[0] || isBehindPage(records[0])) return
    const messages: Buffer[] = []
    for (const record of records) {
      if (messages.length === rest || isBehindPage(record)) break
      if (isHidden(record) || !matches(record)) continue
      messages.push(encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm))
    }
    if (!(await outlet.send(...messages))) return
    rest -= messages.length
  }
}

async function startOf(store: EventStore, { from, backwards }: ReadRequest, end: number): Promise<number> {
  if (from === 'end') return end
  const position = from === 'start' ? 0 : clamped(from)
  if (position >= end) {
    const isBeyond = position > end && (backwards || (typeof from === 'bigint' && from > INT64_MAX))
    if (isBeyond) throw unexpectedResult('ReadAllResult')
    return end
  }
  const found = await store.findForwards(position)
  if (found.isInside) throw unexpectedResult('ReadAllResult')
  return found.position
}
