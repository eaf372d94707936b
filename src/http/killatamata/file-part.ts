/** Files are served whole or in part. */
import { byteRangeOf } from '../../adapters/object-store/byte-range.ts'
import { Problem } from '../errors.ts'
import type { KillatamataCode } from './errors.ts'

/** With every file: nothing of it runs in this origin, whatever it holds. */
export const fileShield = {
  'content-security-policy': "sandbox; default-src 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'accept-ranges': 'bytes',
} as const

/** Of a file, both ends of it counted; where it is empty, `last` is -1. */
export interface FilePart {
  status: 200 | 206 | 304
  first: number
  last: number
}

/**
 * What a request for a file is to have: nothing new, the whole, or its range (RFC 9110, 13 and 14). Throws a Problem where the range
 * begins behind the end.
 */
export function filePartOf(
  header: (name: string) => string | undefined,
  { isHead, etag, sizeBytes }: { isHead: boolean; etag: string; sizeBytes: number },
): FilePart {
  const known = header('if-none-match')?.split(',') ?? []
  const whole = { first: 0, last: sizeBytes - 1 }
  if (known.some((each) => [etag, `W/${etag}`, '*'].includes(each.trim()))) return { status: 304, ...whole }
  const condition = header('if-range')
  const isWhole = isHead || (condition !== undefined && condition.trim() !== etag)
  const range = isWhole ? undefined : byteRangeOf(header('range'), sizeBytes)
  if (range === undefined) return { status: 200, ...whole }
  if (range !== 'unsatisfiable') return { status: 206, ...range }
  throw new Problem<KillatamataCode>('range_not_satisfiable', `The file has ${sizeBytes} bytes.`, {
    headers: { 'content-range': `bytes */${sizeBytes}` },
  })
}
