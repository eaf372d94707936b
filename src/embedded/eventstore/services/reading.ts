/** Reads of a stream and of $all that end: a page of history, in either direction. */
import { streamDeleted } from '../protocol/errors.ts'
import { compileFilter } from '../protocol/filter.ts'
import {
  encodeReadEvent,
  encodeStreamNotFound,
  parseLink,
  type ReadRequest,
  type ResolvedRecord,
} from '../protocol/read-messages.ts'
import { type RecordView, recordData, recordPosition, recordTypeBytes } from '../storage/record.ts'
import type { EventStore } from '../storage/store.ts'
import { LINK_EVENT_TYPE } from '../storage/stream-metadata.ts'
import { createBackwardsReader, createLogReader } from './log-reader.ts'
import type { Outlet } from './outlet.ts'

const LINK_TYPE = Buffer.from(LINK_EVENT_TYPE)

/** Follows a link to the event that it names. Where that is gone, the link comes alone. */
export function resolveRecord(store: EventStore, record: RecordView, resolveLinks: boolean): ResolvedRecord {
  if (!resolveLinks || !recordTypeBytes(record).equals(LINK_TYPE)) return { event: record, link: undefined }
  const target = parseLink(recordData(record))
  return { event: target && store.readEvent(target.stream, target.revision), link: record }
}

/** A number that a revision or position of the client can be compared by; what is past all of ours stays past it. */
export function clamped(value: bigint): number {
  return value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(value)
}

/** @throws FAILED_PRECONDITION where the stream is tombstoned. */
export async function readStreamPage(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const name = request.stream!
  const status = store.status(name)
  if (status.kind === 'deleted') throw streamDeleted(name)
  if (status.kind === 'missing') {
    await outlet.send(encodeStreamNotFound(name))
    return
  }
  const end = request.backwards ? Number.MAX_SAFE_INTEGER : status.lastRevision + 1
  const from = request.from === 'start' ? 0 : request.from === 'end' ? end : clamped(request.from)
  for (const batch of store.readStream(name, from, clamped(request.count!), request.backwards)) {
    for (const record of batch) {
      const sent = outlet.send(encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm))
      if (sent !== true && !(await sent)) return
    }
  }
}

/** Forwards a position is the first to be returned; backwards it is the one behind the first. */
export async function readAllPage(store: EventStore, request: ReadRequest, outlet: Outlet): Promise<void> {
  const matches = request.filter ? compileFilter(request.filter) : () => true
  const end = store.log.end()
  const asked = request.from === 'start' ? 0 : request.from === 'end' ? end : clamped(request.from)
  const start = await store.alignForwards(asked)
  const next = request.backwards ? createBackwardsReader(store, start) : createLogReader(store, start).next
  let rest = clamped(request.count!)
  while (rest > 0) {
    const records = await next()
    if (!records || records.length === 0) return
    for (const record of records) {
      if (!request.backwards && recordPosition(record) >= end) return
      if (!matches(record)) continue
      const sent = outlet.send(encodeReadEvent(resolveRecord(store, record, request.resolveLinks), request.uuidForm))
      if (sent !== true && !(await sent)) return
      if (--rest === 0) return
    }
  }
}
