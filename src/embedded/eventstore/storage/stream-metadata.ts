/**
 * A stream's metadata: the last event of its metastream (`$$` and the stream's name), of which the node itself
 * honours the maximum count, the maximum age and the revision to truncate before. The rest is kept for the client.
 */

export type StreamMetadata = {
  maxCount: number | undefined
  maxAgeMs: number | undefined
  truncateBefore: number
  /** Truncated before the end of time, which is how the protocol marks a soft delete. */
  softDeleted: boolean
  /** The whole document as it was written. */
  document: Record<string, unknown>
}

export const METADATA_EVENT_TYPE = '$metadata'
export const TOMBSTONE_EVENT_TYPE = '$streamDeleted'
export const LINK_EVENT_TYPE = '$>'

/** A soft delete truncates before the largest signed 64-bit integer; JSON keeps it as text of that number. */
const DELETED_TRUNCATE_BEFORE = '9223372036854775807'

export const NO_METADATA: StreamMetadata = {
  maxCount: undefined,
  maxAgeMs: undefined,
  truncateBefore: 0,
  softDeleted: false,
  document: {},
}

/** A metastream keeps one event only, whatever was written. */
export const METASTREAM_METADATA: StreamMetadata = { ...NO_METADATA, maxCount: 1 }

export const isMetastream = (name: string): boolean => name.startsWith('$$')
export const metastreamOf = (name: string): string => `$$${name}`

function positiveInteger(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : undefined
}

/** Reads a metadata event's data. What is not a JSON object says nothing, as on a real node. */
export function parseStreamMetadata(data: Uint8Array): StreamMetadata {
  const document = parseObject(data)
  if (!document) return NO_METADATA
  const truncateBefore = document.$tb
  const softDeleted = typeof truncateBefore === 'number' && truncateBefore >= Number(DELETED_TRUNCATE_BEFORE)
  const maxAge = positiveInteger(document.$maxAge)
  return {
    maxCount: positiveInteger(document.$maxCount),
    maxAgeMs: maxAge === undefined ? undefined : maxAge * 1000,
    truncateBefore: softDeleted ? 0 : (positiveInteger(truncateBefore) ?? 0),
    softDeleted,
    document,
  }
}

function parseObject(data: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(data).toString('utf8'))
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    return parsed as Record<string, unknown>
  } catch {
    return undefined
  }
}

/** The metadata of a stream that is soft deleted now: all that was said before, truncated before the end of time. */
export function softDeletedDocument(metadata: StreamMetadata): Buffer {
  const { $tb: _previous, ...rest } = metadata.document
  const text = JSON.stringify(rest)
  const inner = text.slice(1, -1)
  return Buffer.from(`{"$tb":${DELETED_TRUNCATE_BEFORE}${inner ? `,${inner}` : ''}}`)
}

/** The metadata of a stream that begins again at a revision after a soft delete. */
export function recreatedDocument(metadata: StreamMetadata, firstRevision: number): Buffer {
  return Buffer.from(JSON.stringify({ ...metadata.document, $tb: firstRevision }))
}
