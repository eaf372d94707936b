/** Applies one event to one projection: the rows that its handler changes, or why it cannot be taken in. */
import { sql } from 'kysely'
import type { Recorded } from '../events/event.ts'
import type { ReadModels } from '../postgres/database.ts'
import { failureOf } from '../postgres/failure.ts'
import { holdable } from '../runtime/holdable.ts'
import { flush } from './changes.ts'
import type { Change, Projection } from './projection.ts'

/** Applies one event to one projection, its texts as Postgres can hold them. Where that fails, undoes it and answers why. */
export async function applyOrUndo(
  trx: ReadModels,
  projection: Projection,
  event: Recorded,
): Promise<string | undefined> {
  await sql`SAVEPOINT one_event`.execute(trx)
  try {
    await flush(trx, changesOf(projection, { ...event, data: holdable(event.data) }))
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
