/** Every request has an id: the caller's, where it sends a UUID, or one made here. Each answer and log line carries it. */
import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './environment.ts'
import { invalid } from './problem.ts'

export const REQUEST_ID_HEADER = 'x-noctant-request-id'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Methods that change nothing: a malformed id does no harm there and is replaced. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

export const isUuid = (text: string): boolean => UUID.test(text)

export const requestId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header(REQUEST_ID_HEADER)
  const usable = given !== undefined && isUuid(given)
  const id = usable ? given.toLowerCase() : randomUUID()
  c.set('requestId', id)
  c.header(REQUEST_ID_HEADER, id)
  if (given !== undefined && !usable && !SAFE_METHODS.includes(c.req.method)) {
    throw invalid(`header/${REQUEST_ID_HEADER}`, 'invalid_format', `${REQUEST_ID_HEADER} is to be a UUID.`)
  }
  await next()
}
