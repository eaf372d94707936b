/** Texts that are the same for everybody, such as documents: turned to bytes and compressed once, at the first request. */
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import type { Context } from 'hono'
import type { AppEnv } from './environment.ts'

const compress = promisify(gzip)
/** A client that names gzip with a weight of nothing does not want it. */
const TAKES_GZIP = /(^|,)\s*gzip\s*(?!\s*;\s*q=0(\.0*)?\s*(,|$))(;|,|$)/i

/** A handler that answers with the text, compressed for clients that take it. A failed `load` is tried again. */
export function fixedText(load: () => string | Promise<string>, headers: Readonly<Record<string, string>>) {
  let made: Promise<{ plain: Uint8Array<ArrayBuffer>; zipped: Uint8Array<ArrayBuffer> }> | undefined
  const make = async () => {
    const plain = new TextEncoder().encode(await load())
    return { plain, zipped: new Uint8Array(await compress(plain)) }
  }
  return async (c: Context<AppEnv>): Promise<Response> => {
    made ??= make()
    const { plain, zipped } = await made.catch((error: unknown) => {
      made = undefined
      throw error
    })
    const shared = { ...headers, vary: 'accept-encoding' }
    if (!TAKES_GZIP.test(c.req.header('accept-encoding') ?? '')) return c.body(plain, 200, shared)
    return c.body(zipped, 200, { ...shared, 'content-encoding': 'gzip' })
  }
}
