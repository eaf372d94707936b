/**
 * Times as JavaScript writes them, from milliseconds since 1970 and back. Events that are made together have the same time, so
 * the last one is remembered.
 */

const written = { ms: 0, text: new Date(0).toISOString() }
const read = { ms: Number.NaN, text: '' }

/** `2026-03-02T08:00:00.123Z`. Throws RangeError where it is no time. */
export function isoOf(ms: number): string {
  if (ms !== written.ms) {
    written.text = new Date(ms).toISOString()
    written.ms = ms
  }
  return written.text
}

/** NaN where the text is no time. */
export function msOf(text: string): number {
  if (text !== read.text) {
    read.ms = Date.parse(text)
    read.text = text
  }
  return read.ms
}
