/** Opens the log of a directory: finds its end, and refuses where acknowledged events are missing. */
import fs from 'node:fs'
import path from 'node:path'
import { type Acknowledged, acknowledgedBy, isLoss, LOG_END_FILE, LostEventsError, readLogEnd } from './log-end.ts'
import type { RecordView } from './record.ts'
import { beforePosition, cutSegment, findIntactEnd, recoverTail } from './recovery.ts'
import { closeSegments, createSegment, type OpenedSegments, openSegments } from './segment-files.ts'
import type { Segment } from './segments.ts'

export type LogOpening = {
  directory: string
  /** Nothing on the disk is changed. */
  isReadOnly: boolean
  /** The index has every event before this position. */
  indexedTo: number
  /** Receives each record behind `indexedTo`, in order. */
  visit: (record: RecordView) => void
  onNotice: (notice: string) => void
}

/**
 * Opens all files and cuts off a torn tail, which is reported.
 * @returns the segments, of which the last one can be written to, and the log's end.
 * @throws {DamagedLogError} where acknowledged records cannot be read, {LostEventsError} where the log's end is missing.
 */
export function openLog(opening: LogOpening): { segments: Segment[]; end: number } {
  const { directory, indexedTo, onNotice } = opening
  if (readLogEnd(directory) === 'unreadable') {
    onNotice(`${LOG_END_FILE} cannot be read and is written anew; that the log's end is there, only the index can tell`)
  }
  const acknowledged = acknowledgedBy(directory, indexedTo)
  const opened = openSegments(directory)
  try {
    if (!opening.isReadOnly) tidy(opened, directory, acknowledged, onNotice)
    const end = findEnd(opened.segments, opening, acknowledged)
    return { segments: opened.segments, end }
  } catch (error) {
    closeSegments(opened.segments)
    throw error
  }
}

/** Removes what a crash has left unfinished, and sees to it that the last file can be written to. */
function tidy(
  { segments, headless, leftovers, coveredTo }: OpenedSegments,
  directory: string,
  acknowledged: Acknowledged,
  onNotice: LogOpening['onNotice'],
): void {
  if (headless && isLoss(headless.start, acknowledged.position)) {
    throw new LostEventsError(directory, headless.start, acknowledged)
  }
  if (segments.length === 0 && isLoss(0, acknowledged.position)) throw new LostEventsError(directory, 0, acknowledged)
  if (headless) {
    onNotice(`removed ${path.basename(headless.path)}, which a crash left without its header; no event was in it`)
    fs.unlinkSync(headless.path)
  }
  for (const leftover of leftovers) {
    onNotice(`removed ${path.basename(leftover)}, which was left unfinished; its events are in another file`)
    fs.unlinkSync(leftover)
  }
  const isAppendable = segments.at(-1)?.fileOffset === 0
  if (!isAppendable && !isLoss(coveredTo, acknowledged.position)) segments.push(createSegment(directory, coveredTo))
}

function findEnd(segments: readonly Segment[], opening: LogOpening, acknowledged: Acknowledged): number {
  const { directory, indexedTo, visit, onNotice } = opening
  if (segments.length === 0) throw new LostEventsError(directory, 0, acknowledged)
  const last = segments.at(-1)!
  const from = beforePosition(segments, indexedTo) === 'whole' ? indexedTo : findIntactEnd(segments)
  if (from < indexedTo && isLoss(from, acknowledged.position)) throw new LostEventsError(directory, from, acknowledged)
  const end = recoverTail(segments, { directory, from, acknowledged, visit, onNotice })
  if (end !== last.end && !opening.isReadOnly) cutSegment(last, end)
  last.end = end
  return end
}
