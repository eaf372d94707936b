/**
 * Accepting that the end of a log is lost. What is left stays as it is. The log goes on behind the last position that was
 * acknowledged, so that no position is ever given out twice, and the first record there is an event that tells the loss.
 */
import { randomBytes } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { INDEX_FILE, readIndexedTo } from './index-reading.ts'
import { lockDirectory } from './lock.ts'
import { acknowledgedBy, isLoss, writeLogEnd } from './log-end.ts'
import { encodedName, encodeRecord, type Placement, recordLength } from './record.ts'
import { cutSegment, findIntactEnd } from './recovery.ts'
import { closeSegments, createSegment, openSegments, requireDirectory } from './segment-files.ts'
import { SEGMENT_HEADER_BYTES } from './segments.ts'

export const LOSS_EVENT_TYPE = '$log-loss-accepted'

/** Events at positions from `from` on, up to before `to`, are lost; `stream` has the event that says so. */
export type AcceptedLoss = { from: number; to: number; source: string; stream: string }

/** The event that tells the loss, as the record behind the header of the file that begins at `loss.to`. */
function lossRecord(loss: AcceptedLoss): Buffer {
  const data = Buffer.from(
    JSON.stringify({ lostFrom: String(loss.from), lostTo: String(loss.to), source: loss.source }),
  )
  const id = randomBytes(16)
  const event = { id, type: LOSS_EVENT_TYPE, json: true, data, customMetadata: Buffer.alloc(0) }
  const position = loss.to + SEGMENT_HEADER_BYTES
  const placement: Placement = {
    position,
    revision: 0,
    createdMs: Date.now(),
    flags: 0,
    following: 0,
    committedTo: loss.from,
  }
  const name = encodedName(loss.stream)
  const record = Buffer.alloc(recordLength(event, name, placement))
  encodeRecord(record, 0, event, name, placement)
  return record
}

/**
 * Accepts the loss of the log's end in a directory that no node uses. The index is removed, so that the next start builds
 * it from what is left. A crash on the way leaves a directory that still refuses to start, and this can be called again.
 * @throws {Error} where there is no log, a node uses the directory, nothing is lost, or the log is damaged before its end.
 */
export function acceptLoss(directory: string, onNotice: (notice: string) => void): AcceptedLoss {
  requireDirectory(directory)
  const lock = lockDirectory(directory)
  try {
    const acknowledged = acknowledgedBy(directory, readIndexedTo(directory, onNotice))
    const { segments, headless, coveredTo } = openSegments(directory)
    try {
      const last = segments.at(-1)
      const from = last?.fileOffset === 0 ? findIntactEnd(segments) : coveredTo
      if (!isLoss(from, acknowledged.position)) {
        throw new Error(`nothing is lost in ${directory}: the log ends at position ${from}, as it should`)
      }
      const to = acknowledged.position
      const loss = { from, to, source: acknowledged.source, stream: `$log-loss-${to}` }
      writeLogEnd(directory, to)
      for (const suffix of ['', '-wal', '-shm']) fs.rmSync(path.join(directory, INDEX_FILE + suffix), { force: true })
      if (headless) fs.unlinkSync(headless.path)
      if (last?.fileOffset === 0) cutSegment(last, from)
      const created = createSegment(directory, to, from, lossRecord(loss))
      closeSegments([created])
      return loss
    } finally {
      closeSegments(segments)
    }
  } finally {
    lock.release()
  }
}
