/**
 * The first thing that an instance does with its event store: the log is given an identity where it has none, and the
 * database writes down which log it belongs to. Installations of earlier releases take their log over where the event of
 * their furthest checkpoint is found in it.
 */
import { randomUUID } from 'node:crypto'
import { LOG_IDENTIFIED, LOG_IDENTITY_STREAM, LogMismatch } from '../events/log-identity.ts'
import { type EventStore, WrongExpectedRevision } from '../events/store.ts'
import type { ReadModels } from '../postgres/database.ts'
import { readKnownLog, recordKnownLog } from '../projections/known-log.ts'

/**
 * Resolves when log and database know each other. Rejects with LogMismatch where they are strangers, with
 * StoreUnavailable, and with what Postgres throws. `store` has a guard.
 */
export async function joinLog(store: EventStore, db: ReadModels, occurredAt: string): Promise<void> {
  // The read is confirmed: a log other than the one on record, or one without the furthest checkpoint's event, ends here.
  const logId = (await store.logId()) ?? (await identify(store, occurredAt))
  const { logId: known } = await readKnownLog(db)
  const recorded = known ?? (await recordKnownLog(db, logId))
  if (recorded !== logId) {
    throw new LogMismatch(`The event store has the log ${logId}; this installation belongs to the log ${recorded}.`)
  }
}

/** Gives the log an identity, unless another process has just done it. */
export async function identify(store: EventStore, occurredAt: string): Promise<string> {
  const logId = randomUUID()
  await writeToLog(store, LOG_IDENTIFIED, { logId, occurredAt }, undefined)
  return (await store.logId()) ?? logId
}

/** Appends an event about the log itself; where somebody else has just appended one, that one counts. */
export async function writeToLog(
  store: EventStore,
  type: string,
  data: Record<string, unknown>,
  after: { revision: bigint; hash: string } | undefined,
): Promise<void> {
  const id = randomUUID()
  const actor = { kind: 'system', id: 'log identity' } as const
  const cause = { $correlationId: id, $causationId: id, actor, commandId: id }
  try {
    await store.append(LOG_IDENTITY_STREAM, after?.revision, after?.hash ?? '', [{ id, event: { type, data }, cause }])
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error
  }
}
