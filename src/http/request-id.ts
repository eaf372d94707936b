/** Every request has an id: the caller's, where the context takes it, or one made here. Each answer and log line carries it. */
import { randomUUID } from 'node:crypto'
import { isUuid } from '../events/uuid.ts'
import { invalid } from './errors.ts'

/** The request ids of a context. */
export interface RequestIds {
  /** Header in lower case, of requests and of answers. */
  header: string
  make: () => string
  /** The caller's id as it is kept; undefined where it cannot be taken. */
  accept: (given: string) => string | undefined
  /** For an id that is not taken: what the log notes of it beside ours; undefined: nothing. */
  note?: (given: string) => string | undefined
  /** What a caller's id is to be, for the refusal of a write that names another: `a UUID`; undefined: never refused. */
  form?: string
}

/** UUIDs under this header. A write with another id is refused, since the caller would look for it in vain. */
export const uuidRequestIds = (header: string): RequestIds => ({
  header,
  make: randomUUID,
  accept: (given) => (isUuid(given) ? given.toLowerCase() : undefined),
  form: 'a UUID',
})

export const requestIdOf = ({ make, accept }: RequestIds, given: string | undefined): string =>
  (given === undefined ? undefined : accept(given)) ?? make()

/** Methods that change nothing: a malformed id does no harm there and is replaced. */
const SAFE_METHODS = ['GET', 'HEAD', 'OPTIONS']

/** Throws a Problem where a request that changes something names an id that it does not get. */
export function refuseOtherIds(
  { header, accept, form }: RequestIds,
  method: string,
  given: string | undefined,
  requestId: string,
): void {
  if (form === undefined || given === undefined || SAFE_METHODS.includes(method)) return
  if (accept(given) !== requestId) throw invalid(`header/${header}`, 'invalid_format', `${header} must be ${form}.`)
}
