/** Reading of a file by place and length, within its bounds; what every parser here stands on. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'

/** Bytes that are kept in memory at a time where a file is read from one end to the other. */
export const BLOCK_BYTES = 1_048_576

/** At most `length` bytes from `offset` on; fewer where the file ends before. */
export async function readAt(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  let filled = 0
  while (filled < length) {
    const { bytesRead } = await file.read(buffer, filled, length - filled, offset + filled)
    if (bytesRead === 0) break
    filled += bytesRead
  }
  return buffer.subarray(0, filled)
}

/** SHA-256 of a file, hexadecimal, and its length. */
export async function digestOf(path: string): Promise<{ sizeBytes: number; sha256: string }> {
  const hash = createHash('sha256')
  let sizeBytes = 0
  for await (const block of createReadStream(path, { highWaterMark: BLOCK_BYTES })) {
    hash.update(block)
    sizeBytes += block.length
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}
