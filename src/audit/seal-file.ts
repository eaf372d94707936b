/** Seals outside the log: a file with one seal a line, in the order in which they were made, on the disk before it counts. */
import { closeSync, existsSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { type Seal, sealEvents } from '../events/seal.ts'

const SEALED = 'opslog.LogSealed.v1'
const LINE_FEED = 0x0a

/** Appends the seals and waits until the disk has them. Throws what the file system says. */
export function appendSeals(file: string, seals: readonly Seal[]): void {
  if (seals.length === 0) return
  const descriptor = openSync(file, 'a', 0o644)
  try {
    const written = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    // A crash in the midst of a line leaves it without its end.
    const whole = written.lastIndexOf(LINE_FEED) + 1
    if (whole < written.length) ftruncateSync(descriptor, whole)
    writeSync(descriptor, seals.map((seal) => `${JSON.stringify(seal)}\n`).join(''))
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** The seals of a file, its whole lines; none where the file is absent. Throws where a line is not a seal. */
export function readSealFile(file: string): Seal[] {
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.filter((line) => line.trim() !== '').map((line) => sealEvents[SEALED].parse(JSON.parse(line)))
}
