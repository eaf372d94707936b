/** Texts that are the same for everybody, such as documents and pages: made and compressed once, at the first request. */
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type Answer, type FixedBody, respondFixed, withHeaders } from './answers.ts'

const compress = promisify(gzip)
/** A client that names gzip with a weight of nothing does not want it. */
const TAKES_GZIP = /(^|,)\s*gzip\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/i

/** An operation's answer whose body is such a text, with the headers that it has. */
export const fixed = <A extends Answer>(answer: A) => ({
  ...withHeaders(answer, 'cache-control'),
  says: {
    'content-encoding': '`gzip`, for those who take that.',
    etag: 'Names this form of the answer. Sent back as `If-None-Match`, it is answered with 304 and nothing else.',
    vary: '`accept-encoding`: whoever takes gzip has another form.',
  },
})

interface Form {
  bytes: Uint8Array<ArrayBuffer>
  headers: Readonly<Record<string, string>>
}

/**
 * A handler that answers with the text, compressed for clients that take it, or with 304 (RFC 9110) to those that have it. A
 * failed `load` is tried again. `headers` may name what else it varies by.
 */
export function fixedText(load: () => string | Promise<string>, headers: Readonly<Record<string, string>>): FixedBody {
  const shared = {
    'cache-control': 'no-cache',
    ...headers,
    vary: [headers.vary, 'accept-encoding'].filter(Boolean).join(', '),
  }
  let made: Promise<{ plain: Form; zipped: Form }> | undefined
  const make = async () => {
    const bytes = new TextEncoder().encode(await load())
    const digest = createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
    const zipped = new Uint8Array(await compress(bytes))
    return {
      plain: { bytes, headers: { ...shared, etag: `"${digest}"` } },
      zipped: { bytes: zipped, headers: { ...shared, etag: `"${digest}-gzip"`, 'content-encoding': 'gzip' } },
    }
  }
  return async (c) => {
    made ??= make()
    const { plain, zipped } = await made.catch((error: unknown) => {
      made = undefined
      throw error
    })
    const form = TAKES_GZIP.test(c.req.header('accept-encoding') ?? '') ? zipped : plain
    const { 'content-encoding': _, 'content-type': __, ...unchanged } = form.headers
    const exchange = c.get('exchange')
    if (names(c.req.header('if-none-match'), form.headers.etag ?? ''))
      return respondFixed(exchange, 304, null, unchanged)
    return respondFixed(exchange, 200, form.bytes, form.headers)
  }
}

/** Whether the client has what the tag stands for; a weak one counts too. */
const names = (condition = '', tag: string): boolean =>
  condition.split(',').some((each) => each.trim() === '*' || each.trim().replace(/^W\//, '') === tag)
