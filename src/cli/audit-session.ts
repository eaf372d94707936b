/** What an auditor's command works with: the log's stored bytes, all of them, and as much time as it takes. */
import type { Ground } from '../audit/history.ts'
import { openRawLog, type RawLog } from '../audit/raw-log.ts'
import { unlimited } from '../audit/scan.ts'
import { everything } from '../audit/scope.ts'
import type { PersonKeys } from '../events/sealing.ts'
import { createDatabase } from '../postgres/database.ts'
import { readSealingKey } from '../vault/secrets-key.ts'
import { configuration, findServices, runningServices } from './connection.ts'
import { auditRules, registry } from './contexts.ts'
import { personKeysOf } from './person-keys.ts'
import { showProgress } from './progress-bar.ts'

/** Runs `work` with the log and closes it afterwards. Throws CliError where no event store is to be found. */
export async function withRawLog<T>(work: (log: RawLog) => Promise<T>): Promise<T> {
  const log = openRawLog(eventStoreUrl(), registry)
  try {
    return await work(log)
  } finally {
    await log.close()
  }
}

/** Asks over the whole log without a word on the screen; personal data stays sealed. */
export const withGround = <T>(ask: (ground: Ground) => Promise<T>): Promise<T> =>
  withRawLog((log) => ask({ log, scope: everything, budget: unlimited(), rules: auditRules }))

/** What a question works with. `endProgress` takes the progress off the screen, before something is printed. */
export type ShownGround = Ground & { endProgress(): void }

/** Runs a question over the whole log, with progress. */
export async function askLog<T>(title: string, ask: (ground: ShownGround, head: bigint) => Promise<T>): Promise<T> {
  return withRawLog(async (log) => {
    const target = (await log.head()) ?? 0n
    const budget = unlimited()
    const keys = openPersonKeys()
    const progress = showProgress(title)
    const onProgress = (position: bigint) => progress.update({ position, target, events: budget.spent() })
    try {
      return await ask(
        {
          ...{ log, scope: everything, budget, rules: auditRules, personKeys: keys?.personKeys, onProgress },
          endProgress: progress.stop,
        },
        target,
      )
    } finally {
      progress.stop()
      await keys?.close()
    }
  })
}

/** The keys of persons, where both the vault and the key to it are at hand; the log can be read without. */
function openPersonKeys(): { personKeys: PersonKeys; close(): Promise<void> } | undefined {
  const config = configuration()
  const url = config.DATABASE_URL ?? findServices(config.DATA_DIR)?.postgres.url
  if (url === undefined || readSealingKey(config) === undefined) return undefined
  const connectTimeoutMs = config.DATABASE_CONNECT_TIMEOUT_MS
  const db = createDatabase({ url, applicationName: 'opslog audit', poolMax: 1, connectTimeoutMs })
  return { personKeys: personKeysOf(config, db), close: () => db.destroy() }
}

export function eventStoreUrl(): string {
  const { EVENTSTORE_URL, DATA_DIR } = configuration()
  return EVENTSTORE_URL ?? runningServices(DATA_DIR).eventStore.url
}
