/**
 * `opslog audit seal`: one signed hash of everything in the log, appended to it and handed out. With a copy of it kept
 * elsewhere, an auditor can see later whether anything before it was altered, or the tail cut off.
 */
import { userInfo } from 'node:os'
import { createMerkleTree, leafOf } from '../audit/merkle.ts'
import type { RawLog } from '../audit/raw-log.ts'
import { isSealed, makeSeal, readSeals } from '../audit/seal.ts'
import { appendSeals, readSealFile } from '../audit/seal-file.ts'
import { ensureSealKey, pinnedSealKeys, sealKeyFile } from '../audit/seal-key.ts'
import { recordSeal } from '../audit/sealing.ts'
import type { Seal } from '../events/seal.ts'
import type { EventStore } from '../events/store.ts'
import { createDatabase } from '../postgres/database.ts'
import { withRawLog } from './audit-session.ts'
import { backingUrls, configuration } from './connection.ts'
import { openLogStore } from './log-session.ts'
import { showProgress } from './progress-bar.ts'
import { list, type OutputOptions } from './table-output.ts'
import { CliError, EXIT, facts, show } from './terminal.ts'

export interface SealOptions extends OutputOptions {
  out?: string
}

const PROGRESS_EVENTS = 2_000

/** The keys that seals must have been made with: the ones given, else the configured ones. */
export const pinnedKeys = (given: string | undefined): string[] =>
  pinnedSealKeys(given ?? configuration().SEAL_PUBLIC_KEYS)

/** Seals from a file: one JSON object per line, as `seal --out` and SEAL_FILE have them. Throws CliError. */
export function sealsOfFile(file: string): Seal[] {
  try {
    const seals = readSealFile(file)
    if (seals.length > 0) return seals
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} holds no seals: ${error instanceof Error ? error.message : error}`)
  }
  throw new CliError(EXIT.usage, `${file} holds no seals`)
}

/** The seals that the log holds, for a copy elsewhere. */
export async function seals(options: OutputOptions): Promise<void> {
  const found = await withRawLog(readSeals)
  const rows = found.map((each) => [each.occurredAt, each.position, each.events, each.root, each.publicKey])
  list(found, options, ['sealed', 'position', 'events', 'root', 'public key'], rows, 'the log was never sealed')
}

export async function seal(options: SealOptions): Promise<void> {
  const sealed = await withOwnLog(async (store) => {
    const made = await withRawLog(rootOf)
    const sealed = makeSeal(made, ensureSealKey(sealKeyFile(configuration())), new Date().toISOString())
    await recordSeal(store, sealed, { kind: 'admin', id: userInfo().username })
    return sealed
  })
  if (options.out) appendSeals(options.out, [sealed])
  show(sealed, options, () =>
    facts([
      ['position', sealed.position],
      ['events', sealed.events],
      ['root', sealed.root],
      ['public key', sealed.publicKey],
      ['signature', sealed.signature],
      ...(options.out ? [['written to', options.out] as const] : []),
    ]),
  )
}

async function rootOf(log: RawLog): Promise<{ position: bigint; events: bigint; root: string }> {
  const tree = createMerkleTree()
  const target = (await log.head()) ?? 0n
  const progress = showProgress('seal')
  let position: bigint | undefined
  try {
    for await (const event of log.readAll()) {
      if (!isSealed(event)) continue
      if (event.position > target) break
      tree.add(leafOf(event))
      position = event.position
      const events = Number(tree.count())
      if (events % PROGRESS_EVENTS === 0) progress.update({ position, target, events })
    }
  } finally {
    progress.stop()
  }
  if (position === undefined) throw new CliError(EXIT.refused, 'the log is empty: there is nothing to seal')
  return { position, events: tree.count(), root: tree.root() }
}

/** Rejects with LogMismatch before anything is read of another log than this installation's. */
async function withOwnLog<T>(work: (store: EventStore) => Promise<T>): Promise<T> {
  const config = configuration()
  const { eventStoreUrl, databaseUrl: url } = backingUrls(config)
  const connectTimeoutMs = config.DATABASE_CONNECT_TIMEOUT_MS
  const db = createDatabase({ url, applicationName: 'opslog seal', poolMax: 1, connectTimeoutMs })
  const store = openLogStore(config, eventStoreUrl, db)
  try {
    await store.logId()
    return await work(store)
  } finally {
    await Promise.allSettled([store.close(), db.destroy()])
  }
}
