/**
 * The whole records of a piece of the log. What is whole before a damaged place is given out; reading on from there meets
 * the damage first and says where it is.
 */
import { isIntact, type RecordView } from './record.ts'
import { DamagedLogError } from './segments.ts'

/** The records of a chunk that begins with one at the position `at`, until about `bytes` of them, at least one. */
export function joinedForwards(chunk: Buffer, from: number, at: number, bytes: number): RecordView[] {
  const records: RecordView[] = []
  let offset = from
  while (offset < chunk.length && offset - from < bytes) {
    const position = at + offset - from
    if (!isIntact(chunk, offset, position)) {
      if (records.length > 0) break
      throw new DamagedLogError(position, 'the checksum does not hold')
    }
    const length = chunk.readUInt32LE(offset)
    records.push({ buffer: chunk, offset, length })
    offset += length
  }
  return records
}

/** The records of a chunk that ends with one, latest first; `start` is the chunk's own position. */
export function joinedBackwards(chunk: Buffer, start: number): RecordView[] {
  const records: RecordView[] = []
  let behind = chunk.length
  while (behind >= 4) {
    const length = chunk.readUInt32LE(behind - 4)
    const offset = behind - length
    if (offset < 0 || !isIntact(chunk, offset, start + offset)) {
      if (records.length > 0) break
      throw new DamagedLogError(start + behind, 'the record that ends there is not intact')
    }
    records.push({ buffer: chunk, offset, length })
    behind = offset
  }
  return records
}
