/** Reading of a file by place and length, within its bounds; what every parser here stands on. */
import { createHash, hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, readFile, stat } from 'node:fs/promises'

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

/** A file by its path, or all of its bytes where it is small. */
export type Source = string | Buffer

/** The bytes of a file that fits into a block; the path of a larger one. Small files are read once, and not at each step. */
export async function sourceOf(path: string): Promise<Source> {
  return (await stat(path)).size <= BLOCK_BYTES ? readFile(path) : path
}

/** SHA-256 of a file, hexadecimal, and its length. */
export async function digestOf(source: Source): Promise<{ sizeBytes: number; sha256: string }> {
  if (typeof source !== 'string') return { sizeBytes: source.length, sha256: hash('sha256', source) }
  const digest = createHash('sha256')
  let sizeBytes = 0
  for await (const block of createReadStream(source, { highWaterMark: BLOCK_BYTES })) {
    digest.update(block)
    sizeBytes += block.length
  }
  return { sizeBytes, sha256: digest.digest('hex') }
}
