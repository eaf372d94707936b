/**
 * Changes the files of a stopped event store node as somebody would who knows their format: the record's checksum is
 * made anew, so that the store itself finds nothing and only the hash chain can.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { isIntact, RECORD_HEADER_BYTES } from '../../src/embedded/eventstore/storage/record.ts'

export interface StoredRecord {
  /** The whole record; changes are kept. */
  bytes: Buffer
  /** First and last byte (exclusive) of the event's message. */
  body: [start: number, end: number]
  /** Where the text stands in the body; throws where it does not. */
  find(text: string): number
}

/** The stream of the event that the store itself writes at the beginning of a log. */
const OWN_STREAM = '$$$scavenges'

/** Lets `change` edit every record of every log file but the store's own, and writes them back whole. */
export function tamper(directory: string, change: (record: StoredRecord) => void): void {
  for (const name of readdirSync(directory).filter((file) => file.endsWith('.seg'))) {
    const file = join(directory, name)
    const content = readFileSync(file)
    const first = Number(/(\d+)\.seg$/.exec(name)![1])
    for (let offset = 0; offset < content.length; ) {
      const position = recordAt(content, offset, first)
      if (position === undefined) {
        offset += 1
        continue
      }
      const length = content.readUInt32LE(offset)
      const bytes = content.subarray(offset, offset + length)
      const body: [number, number] = [RECORD_HEADER_BYTES, length - 4]
      if (bytes.includes(OWN_STREAM)) {
        offset += length
        continue
      }
      change({
        bytes,
        body,
        find(text) {
          const at = bytes.indexOf(text, body[0])
          if (at < 0 || at + Buffer.byteLength(text) > body[1]) throw new Error(`the record does not hold ${text}`)
          return at
        },
      })
      bytes.writeUInt32LE(crc32(bytes.subarray(8, length - 4)), 4)
      offset += length
    }
    writeFileSync(file, content)
  }
}

/** A record names its own position, which is where it stands in the log; the file's name is its first position. */
function recordAt(content: Buffer, offset: number, first: number): number | undefined {
  if (offset + 80 > content.length) return undefined
  const position = Number(content.readBigUInt64LE(offset + 44))
  if (position < first || position > first + content.length) return undefined
  return isIntact(content, offset, position) ? position : undefined
}
