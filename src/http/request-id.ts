/** Every request has an id: the caller's, where it sends a UUID, or one made here. Each answer and log line carries it. */
import { randomUUID } from 'node:crypto'
import type { Context } from 'hono'
import { isUuid } from '../events/uuid.ts'
import type { AppEnv } from './environment.ts'
import { invalid } from './problem.ts'

export const REQUEST_ID_HEADER = 'x-noctant-request-id'

/** Methods that change nothing: a malformed id does no harm there and is replaced. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Gives the request its id, and names it in the answer. */
export function identify(c: Context<AppEnv>): void {
  const given = c.req.header(REQUEST_ID_HEADER)
  const id = given !== undefined && isUuid(given) ? given.toLowerCase() : randomUUID()
  c.set('requestId', id)
  c.header(REQUEST_ID_HEADER, id)
}

/** Throws a Problem where a request that changes something names an id that it does not get. */
export function refuseOtherIds(c: Context<AppEnv>): void {
  if (SAFE_METHODS.includes(c.req.method)) return
  const given = c.req.header(REQUEST_ID_HEADER)
  if (given === undefined || given.toLowerCase() === c.get('requestId')) return
  throw invalid(`header/${REQUEST_ID_HEADER}`, 'invalid_format', `${REQUEST_ID_HEADER} is to be a UUID.`)
}
