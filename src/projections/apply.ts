/** Applies one event to one projection: the rows that its handler changes, or why it cannot be taken in. */
import { isDeepStrictEqual } from 'node:util'
import { sql } from 'kysely'
import type { Recorded } from '../events/event.ts'
import type { ReadModels } from '../postgres/database.ts'
import { failureOf } from '../postgres/failure.ts'
import { flush } from './changes.ts'
import type { Change, Projection } from './projection.ts'

/**
 * Applies one event to one projection. Where that fails, undoes what it did and answers why. An event whose texts hold what
 * PostgreSQL's cannot, NUL or half a surrogate pair, is taken in with U+FFFD in their place.
 */
export async function applyOrUndo(
  trx: ReadModels,
  projection: Projection,
  event: Recorded,
): Promise<string | undefined> {
  const fault = await applyOnce(trx, projection, event)
  if (fault === undefined) return undefined
  const data = holdable(event.data)
  return isDeepStrictEqual(data, event.data) ? fault : applyOnce(trx, projection, { ...event, data })
}

/** The same value, with its texts as PostgreSQL can hold them. */
function holdable<T>(value: T): T
function holdable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\uFFFD').toWellFormed()
  if (Array.isArray(value)) return value.map((each) => holdable(each))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [holdable(key), holdable(each)]))
}

async function applyOnce(trx: ReadModels, projection: Projection, event: Recorded): Promise<string | undefined> {
  await sql`SAVEPOINT one_event`.execute(trx)
  try {
    await flush(trx, changesOf(projection, event))
    await sql`RELEASE SAVEPOINT one_event`.execute(trx)
    return undefined
  } catch (error) {
    if (!(error instanceof HandlerFailed) && failureOf(error) !== 'refusedData') throw error
    await sql`ROLLBACK TO SAVEPOINT one_event`.execute(trx)
    return error instanceof Error ? error.message : String(error)
  }
}

/** A handler has thrown, for the reason that the message gives. */
export class HandlerFailed extends Error {
  override name = 'HandlerFailed'
}

/** The rows that an event changes. Throws HandlerFailed. */
export function changesOf({ handlers }: Projection, event: Recorded): Change[] {
  try {
    return handlers[event.type]?.(event) ?? []
  } catch (error) {
    throw new HandlerFailed(error instanceof Error ? error.message : String(error), { cause: error })
  }
}
