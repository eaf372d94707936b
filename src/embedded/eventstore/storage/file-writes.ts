/** Writes to a file of the log. */
import fs from 'node:fs'
import type { Segment } from './segments.ts'

/** Opens a file of the log for writes that return once the bytes are on disk. */
export function openWriter(segment: Segment, isReadOnly = false): number {
  if (isReadOnly) return fs.openSync(segment.file.path, 'r')
  const dataSync = fs.constants.O_DSYNC ?? fs.constants.O_SYNC ?? 0
  return fs.openSync(segment.file.path, fs.constants.O_RDWR | dataSync)
}

/** Positional write of the whole buffer, whatever part each system call takes. */
export async function writeFully(descriptor: number, buffer: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < buffer.length) {
    written += await new Promise<number>((resolve, reject) => {
      fs.write(descriptor, buffer, written, buffer.length - written, position + written, (error, count) =>
        error ? reject(error) : resolve(count),
      )
    })
  }
}
