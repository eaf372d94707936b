/**
 * The event store as commands have it: it confirms that the log is the one that the database belongs to before anything
 * is read from a connection, or written to it. Commands that write events open it here and nowhere else.
 */
import type { Config } from '../config.ts'
import { createLogGuard, type KnownLog } from '../events/log-identity.ts'
import type { PersonKeys } from '../events/sealing.ts'
import { createEventStore, type EventStore } from '../events/store.ts'
import type { ReadModels } from '../postgres/database.ts'
import { readKnownLog } from '../projections/known-log.ts'
import { registry } from './contexts.ts'
import { CliError, EXIT } from './terminal.ts'

/** Reads and appends reject with LogMismatch where `url` leads to another log than the one that `db` has on record. */
export function openLogStore(config: Config, url: string, db: ReadModels, personKeys?: PersonKeys): EventStore {
  return createEventStore({
    url,
    registry,
    guard: createLogGuard({ known: () => knownLog(db), patienceMs: config.LOG_MISMATCH_PATIENCE_MS }),
    deadlineMs: config.EVENTSTORE_DEADLINE_MS,
    appendAttemptsMax: config.APPEND_ATTEMPTS_MAX,
    personKeys,
  })
}

/** As Postgres names a table that is not there. */
const UNDEFINED_TABLE = '42P01'

/** Throws CliError where no instance, or none of this release, has started on the database yet. */
async function knownLog(db: ReadModels): Promise<KnownLog> {
  try {
    return await readKnownLog(db)
  } catch (error) {
    if ((error as { code?: unknown }).code !== UNDEFINED_TABLE) throw error
    throw new CliError(EXIT.unreachable, 'no instance has started on this database yet', 'Start one once: `npm start`.')
  }
}
