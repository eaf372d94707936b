/**
 * `opslog audit seal`: one signed figure for all that stands in the log, appended to it and handed out. Whoever keeps a
 * copy of it elsewhere can tell later whether anything before it was altered, or the tail cut off.
 */
import { createPrivateKey, generateKeyPairSync, randomUUID } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { createMerkleTree, leafOf } from '../audit/merkle.ts'
import type { RawLog } from '../audit/raw-log.ts'
import { isSealed, makeSeal, publicKeyText } from '../audit/seal.ts'
import { SEAL_STREAM, type Seal, sealEvents } from '../events/seal.ts'
import { createEventStore } from '../events/store.ts'
import { eventStoreUrl, withRawLog } from './audit-session.ts'
import { configuration } from './connection.ts'
import { registry } from './contexts.ts'
import { showProgress } from './progress-bar.ts'
import type { OutputOptions } from './table-output.ts'
import { CliError, EXIT, facts, show } from './terminal.ts'

export interface SealOptions extends OutputOptions {
  out?: string
}

const SEALED = 'opslog.LogSealed.v1'
const PROGRESS_EVENTS = 2_000

const keyFile = (): string => join(configuration().DATA_DIR, 'audit-seal-key.pem')

/** The private key in PEM; the first call makes it, readable by its owner alone. */
function sealingKey(): string {
  const file = keyFile()
  if (!existsSync(file)) {
    mkdirSync(dirname(file), { recursive: true })
    const { privateKey } = generateKeyPairSync('ed25519')
    // `wx`: of two that seal for the first time at once, one makes the key.
    const descriptor = openSync(file, 'wx', 0o600)
    writeFileSync(descriptor, privateKey.export({ type: 'pkcs8', format: 'pem' }))
    closeSync(descriptor)
  }
  return readFileSync(file, 'utf8')
}

/** The key that seals must have been made with: the one given, else this machine's own, else any. */
export function trustedKey(given: string | undefined): string | undefined {
  if (given !== undefined) return existsSync(given) ? readFileSync(given, 'utf8').trim() : given
  const file = keyFile()
  return existsSync(file) ? publicKeyText(createPrivateKey(readFileSync(file, 'utf8'))) : undefined
}

/** Seals from a file: one JSON object per line, as `seal --out` writes them. Throws CliError. */
export function sealsOfFile(file: string): Seal[] {
  try {
    const lines = readFileSync(file, 'utf8').split('\n')
    return lines.filter((line) => line.trim() !== '').map((line) => sealEvents[SEALED].parse(JSON.parse(line)))
  } catch (error) {
    throw new CliError(EXIT.usage, `${file} holds no seals: ${error instanceof Error ? error.message : error}`)
  }
}

export async function seal(options: SealOptions): Promise<void> {
  const made = await withRawLog(rootOf)
  const sealed = makeSeal(made, sealingKey(), new Date().toISOString())
  await append(sealed)
  if (options.out) writeFileSync(options.out, `${JSON.stringify(sealed)}\n`, { flag: 'a' })
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

async function append(sealed: Seal): Promise<void> {
  const { EVENTSTORE_DEADLINE_MS: deadlineMs, APPEND_ATTEMPTS_MAX: appendAttemptsMax } = configuration()
  const store = createEventStore({ url: eventStoreUrl(), registry, deadlineMs, appendAttemptsMax })
  const id = randomUUID()
  try {
    const last = await store.readLast(SEAL_STREAM)
    const actor = { kind: 'admin' as const, id: userInfo().username }
    const cause = { $correlationId: id, $causationId: id, actor, commandId: id }
    const event = { type: SEALED, data: { ...sealed } }
    await store.append(SEAL_STREAM, last?.revision, last?.metadata.hash ?? '', [{ id, event, cause }])
  } finally {
    await store.close()
  }
}
