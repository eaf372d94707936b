/** The key of a request, by which its repeat is known: a header of every write, unless the body has it. */
import { headerKey, idempotencyKey } from '../command.ts'
import type { Caller } from '../operation.ts'

export const REQUEST_KEY = 'x-idempotency-key'
/** Of letters and signs, in the header and in bodies alike. */
export const REQUEST_KEY_LENGTH_MAX = 200

export const requestKey = headerKey(REQUEST_KEY, { lengthMax: REQUEST_KEY_LENGTH_MAX })

/** For operations that read it themselves. Throws a Problem where it has another form, or was sent twice. */
export function sentRequestKey(caller: Caller): string | undefined {
  const sent = caller.header(REQUEST_KEY)
  return sent === undefined ? undefined : idempotencyKey(sent, `header/${REQUEST_KEY}`, REQUEST_KEY_LENGTH_MAX)
}
