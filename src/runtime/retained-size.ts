/** About how much memory plain data holds, for caches that are bounded in bytes. */

/** What V8 keeps of an object, an array or an entry beside what it points to. */
const PART_BYTES = 32
const SLOT_BYTES = 8
/** Parts that are looked at; beyond, what has been seen is taken for the rest of what was known of by then. */
const PARTS_MAX = 50_000

/**
 * Bytes of a value of strings, numbers, bigints, arrays, plain objects, Maps, Sets, Dates and typed arrays. What it holds twice
 * is counted twice; what only a function can see is not counted.
 */
export function approximateBytes(value: unknown): number {
  const waiting: unknown[] = [value]
  let bytes = 0
  let parts = 0
  while (waiting.length > 0 && parts < PARTS_MAX) {
    const part = waiting.pop()
    parts += 1
    if (typeof part === 'string') bytes += PART_BYTES + part.length
    else if (typeof part === 'bigint') bytes += PART_BYTES
    else if (typeof part !== 'object' || part === null) bytes += SLOT_BYTES
    else if (ArrayBuffer.isView(part)) bytes += PART_BYTES + part.byteLength
    else {
      bytes += PART_BYTES
      if (part instanceof Map) for (const entry of part) waiting.push(entry[0], entry[1])
      else if (Array.isArray(part) || part instanceof Set) for (const each of part) waiting.push(each)
      else for (const name in part) waiting.push((part as Readonly<Record<string, unknown>>)[name])
    }
  }
  return waiting.length === 0 ? bytes : Math.round((bytes / parts) * (parts + waiting.length))
}
