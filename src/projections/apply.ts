/** One event into one projection: what its handler says, or why it cannot be taken in. */
import { sql } from 'kysely'
import type { Recorded } from '../events/event.ts'
import { isRefusedData, type OpenTransaction } from '../postgres/database.ts'
import { flush } from './changes.ts'
import type { Change, Projection } from './projection.ts'

/** Takes one event into one projection; where that cannot be, undoes what it did and answers why. */
export async function applyOrUndo(
  trx: OpenTransaction,
  projection: Projection,
  event: Recorded,
): Promise<string | undefined> {
  await sql`SAVEPOINT one_event`.execute(trx)
  try {
    await flush(trx, changesOf(projection, event))
    await sql`RELEASE SAVEPOINT one_event`.execute(trx)
    return undefined
  } catch (error) {
    if (!(error instanceof HandlerFailed) && !isRefusedData(error)) throw error
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
