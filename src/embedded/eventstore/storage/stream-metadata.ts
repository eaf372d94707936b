/**
 * A stream's metadata: the last event of its metastream (`$$` and the stream's name), whatever its type, of which the
 * node itself honours the maximum count, the maximum age and the revision to truncate before. A value of the wrong kind
 * in a key that the protocol knows makes the whole document say nothing, as on a real server.
 */
import { FLAG_JSON, type RecordView, recordData, recordFlags } from './record.ts'

export type StreamMetadata = {
  maxCount: number | undefined
  maxAgeMs: number | undefined
  truncateBefore: number
  /** Truncated before the end of time, which is how the protocol marks a soft delete. */
  softDeleted: boolean
}

export const METADATA_EVENT_TYPE = '$metadata'
export const TOMBSTONE_EVENT_TYPE = '$streamDeleted'
export const LINK_EVENT_TYPE = '$>'

/** The largest number that the protocol's server can give to an event. */
export const INT64_MAX = 9_223_372_036_854_775_807n
const INT64_MIN = -9_223_372_036_854_775_808n
/** A soft delete truncates before the largest signed 64-bit integer. */
const DELETED_TRUNCATE_BEFORE = INT64_MAX
/** The longest time span that the protocol's server can hold, in seconds. */
const LONGEST_AGE_SECONDS = INT64_MAX / 10_000_000n

export const NO_METADATA: StreamMetadata = {
  maxCount: undefined,
  maxAgeMs: undefined,
  truncateBefore: 0,
  softDeleted: false,
}

/** A metastream keeps one event only, whatever was written. */
export const METASTREAM_METADATA: StreamMetadata = { ...NO_METADATA, maxCount: 1 }

export const isMetastream = (name: string): boolean => name.startsWith('$$')
export const metastreamOf = (name: string): string => `$$${name}`

type Document = Record<string, unknown>
type JsonWithSources = {
  parse: (text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown
  rawJSON: (text: string) => unknown
}
/** Numbers keep their text with it; the language has it, its type definitions do not yet. */
const JSON_WITH_SOURCES = JSON as unknown as JsonWithSources

/** A JSON object with its integers as bigint, so that none loses digits and `2.0` is told from `2`. */
function parseObject(data: Uint8Array): Document | undefined {
  try {
    const parsed = JSON_WITH_SOURCES.parse(Buffer.from(data).toString('utf8'), (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value,
    )
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return undefined
    return parsed as Document
  } catch {
    return undefined
  }
}

const isInteger = (value: unknown): boolean => typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX
const isAge = (value: unknown): boolean =>
  isInteger(value) && (value as bigint) <= LONGEST_AGE_SECONDS && (value as bigint) >= -LONGEST_AGE_SECONDS
const isText = (value: unknown): boolean => typeof value === 'string'
const isRoles = (value: unknown): boolean => isText(value) || (Array.isArray(value) && value.every(isText))
const ACL_KEYS = ['$r', '$w', '$d', '$mr', '$mw']
const isAccessList = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  Object.entries(value).every(([key, roles]) => ACL_KEYS.includes(key) && isRoles(roles))

/** What each key that the protocol knows must be. Other keys may be anything. */
const KINDS = new Map<string, (value: unknown) => boolean>([
  ['$maxCount', isInteger],
  ['$maxAge', isAge],
  ['$tb', isInteger],
  ['$cacheControl', isAge],
  ['$tmp', (value) => typeof value === 'boolean'],
  ['$acl', isAccessList],
])

const positive = (value: unknown): number | undefined =>
  typeof value === 'bigint' && value > 0n ? Number(value) : undefined

/** Reads a metadata event's data. What is not a JSON object of the right kinds says nothing, as on a real server. */
export function parseStreamMetadata(data: Uint8Array): StreamMetadata {
  const document = parseObject(data)
  if (!document) return NO_METADATA
  const holds = Object.entries(document).every(([key, value]) => KINDS.get(key)?.(value) ?? true)
  if (!holds) return NO_METADATA
  const softDeleted = document.$tb === DELETED_TRUNCATE_BEFORE
  const maxAgeSeconds = positive(document.$maxAge)
  return {
    maxCount: positive(document.$maxCount),
    maxAgeMs: maxAgeSeconds === undefined ? undefined : maxAgeSeconds * 1000,
    truncateBefore: softDeleted ? 0 : (positive(document.$tb) ?? 0),
    softDeleted,
  }
}

/** What an event of a metastream says of the stream. Only JSON counts. */
export function metadataOfRecord(record: RecordView): StreamMetadata {
  return recordFlags(record) & FLAG_JSON ? parseStreamMetadata(recordData(record)) : NO_METADATA
}

/** The metadata of a stream that is soft deleted now: nothing of what was said before stays. */
export const SOFT_DELETED_DOCUMENT: Buffer = Buffer.from(`{"$tb":${DELETED_TRUNCATE_BEFORE}}`)

/** The same metadata for a stream that begins again at a revision; undefined where it is no JSON object. */
export function recreatedDocument(data: Uint8Array, firstRevision: number): Buffer | undefined {
  const document = parseObject(data)
  if (!document) return undefined
  const raw = (_key: string, value: unknown) =>
    typeof value === 'bigint' ? JSON_WITH_SOURCES.rawJSON(String(value)) : value
  return Buffer.from(JSON.stringify({ ...document, $tb: firstRevision }, raw))
}
