/**
 * The vault: a key per person, in a schema of its own in Postgres, which no rebuild touches and which the log knows
 * nothing of. A key is kept sealed with the instance's key, so that neither the database nor the data directory alone
 * opens anything. Destroying a key leaves its row, empty, so that no other is ever made for that person. Keys come for a
 * whole batch of events at once, for commands that need them at the same time too, and recently used ones stay in memory.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import {
  encrypt,
  KEY_BYTES,
  type KeysOf,
  keyIdOf,
  type PersonKey,
  type PersonKeys,
  PersonKeysUnavailable,
} from '../events/sealing.ts'
import { isUuid } from '../events/uuid.ts'
import type { ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { InvalidConfiguration } from '../runtime/invalid-configuration.ts'
import { createLru } from '../runtime/lru.ts'
import { type KeyRing, ringOf } from './key-ring.ts'

export interface VaultOptions {
  db: ReadModels
  /** The instance's keys (key-ring.ts), or its only one. */
  sealingKey: Uint8Array | KeyRing
  /** Keys kept in memory. */
  cachedMax: number
  log: { error(fields: object, message: string): void }
}

export interface Vault extends PersonKeys {
  /** Persons whose sealed text was met without a key for it, since the start: that key is lost. */
  missing(): number
}

/** Any number that nobody else uses: processes that start at once make the schema one after the other. */
const PREPARE_LOCK = '7305808869230650190'
/** A transaction that met another one is made again; more often than this it is something else. */
const ATTEMPTS_MAX = 5
/** Who asks for more persons than these asks alone; the others ask together. */
const GATHERED_MAX = 64
/** Persons whose key is missing, remembered so that each is reported once. */
const MISSING_MAX = 10_000

const ddl = [
  'CREATE SCHEMA IF NOT EXISTS vault',
  // Both or neither: a key that is there, or the time since when it is not.
  'CREATE TABLE IF NOT EXISTS vault.personal_keys (person_id uuid PRIMARY KEY, wrapped_key bytea, ' +
    'created_at timestamptz(3) NOT NULL DEFAULT now(), destroyed_at timestamptz(3), ' +
    'CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL)))',
  // For things other than persons: object-keys.ts.
  'CREATE TABLE IF NOT EXISTS vault.keys (kind text, id text, wrapped_key bytea, wrapped_with text, ' +
    'created_at timestamptz(3) NOT NULL DEFAULT now(), destroyed_at timestamptz(3), PRIMARY KEY (kind, id), ' +
    'CHECK ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL)))',
  'CREATE TABLE IF NOT EXISTS vault.retired_keys (key_id text PRIMARY KEY, wrapped_key bytea NOT NULL, ' +
    'wrapped_with text NOT NULL, retired_at timestamptz(3) NOT NULL DEFAULT now())',
  // Which key of the instance each is sealed with; null: the one of before that was recorded. Looked for first, since
  // the statement itself would lock the table at every start.
  `DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM information_schema.columns WHERE table_schema = 'vault'
      AND table_name = 'personal_keys' AND column_name = 'wrapped_with')
    THEN ALTER TABLE vault.personal_keys ADD COLUMN wrapped_with text; END IF;
  END $$`,
  // Which key of an instance the vault is sealed with: another one opens nothing, and is to be noticed at the start.
  'CREATE TABLE IF NOT EXISTS vault.sealed_with (is_it boolean PRIMARY KEY DEFAULT true CHECK (is_it), ' +
    'key_id text NOT NULL)',
]

/**
 * Makes the vault's tables where they are missing, and learns which key seals. Throws InvalidConfiguration where that is
 * a key that this process does not have, before anything is read or written.
 */
export async function prepareVault(db: ReadModels, sealingKey: Uint8Array | KeyRing): Promise<void> {
  const ring = ringOf(sealingKey)
  const keyId = keyIdOf(ring.current)
  const found = await inTransaction(db, ATTEMPTS_MAX, async (trx) => {
    await sql`SET LOCAL synchronous_commit TO on`.execute(trx)
    await sql`SELECT pg_advisory_xact_lock(${PREPARE_LOCK}::bigint)`.execute(trx)
    for (const text of ddl) await sql.raw(text).execute(trx)
    await sql`INSERT INTO vault.sealed_with (key_id) VALUES (${keyId}) ON CONFLICT DO NOTHING`.execute(trx)
    const { rows } = await sql<{ key_id: string }>`SELECT key_id FROM vault.sealed_with`.execute(trx)
    return rows[0]?.key_id
  })
  if (found !== undefined && ring.find(found)) return ring.reload(db)
  throw new InvalidConfiguration(
    `The keys of persons are sealed with the key ${found}, and this process has the key ${keyId}: all processes need ` +
      'the same SECRETS_KEY, or the same secrets.key; while it is being rotated, the former one in SECRETS_KEY_PREVIOUS.',
  )
}

type KeyRow = { person_id: string; wrapped_key: Buffer | null }

/** What a person's key is bound to where it is kept sealed. */
export const personBound = (person: string): Buffer => Buffer.from(`opslog person key ${person}`)

export function createVault({ db, sealingKey, cachedMax, log }: VaultOptions): Vault {
  const ring = ringOf(sealingKey)
  const cache = createLru<string, PersonKey>(cachedMax)
  const listeners: ((person: string) => void)[] = []
  const missing = new Set<string>()
  /** Counts `forget`: an answer that was asked for before one is not kept. */
  let forgets = 0

  function opened({ person_id: person, wrapped_key: wrapped }: KeyRow): FoundKey {
    if (wrapped === null) return 'destroyed'
    try {
      const bytes = ring.open(wrapped, personBound(person))
      return { id: keyIdOf(bytes), bytes }
    } catch (cause) {
      return new PersonKeysUnavailable(`the key of the person ${person} does not open with this SECRETS_KEY`, { cause })
    }
  }

  /** Those that the vault has a row of. What an event of another hand names may be no person's id. */
  const read = gathered(async (persons) => {
    const before = forgets
    const { rows } = await sql<KeyRow>`SELECT person_id, wrapped_key FROM vault.personal_keys
      WHERE person_id = ANY(${persons.filter(isUuid)}::uuid[])`.execute(db)
    return kept(rows, before)
  })

  function kept(rows: readonly KeyRow[], before: number): Map<string, FoundKey> {
    const keys = new Map(rows.map((row) => [row.person_id, opened(row)]))
    if (before !== forgets) return keys
    for (const [person, key] of keys) if (!(key instanceof Error)) cache.set(person, key)
    return keys
  }

  /**
   * Makes the keys that are not there yet, and answers these and those that are: what several processes make at once is
   * decided by the row that is there first, which only the next statement sees. Postgres may be set to lose its last
   * moments in a crash, for what can be projected again; a key must be durable before it is used, and the transaction of
   * the statement says so. Nothing is made with a key that does not seal any more.
   */
  const make = gathered(async (persons) => {
    const before = forgets
    const sealedWith = keyIdOf(ring.active())
    const wrapped = persons.map((person) => encrypt(randomBytes(KEY_BYTES), ring.active(), personBound(person)))
    const { rows } = await sql<KeyRow>`WITH
        known AS (SELECT person_id, wrapped_key FROM vault.personal_keys WHERE person_id = ANY(${persons}::uuid[])),
        made AS (INSERT INTO vault.personal_keys (person_id, wrapped_key, wrapped_with)
          SELECT person_id, wrapped_key, ${sealedWith}
          FROM unnest(${persons}::uuid[], ${wrapped}::bytea[]) AS wanted (person_id, wrapped_key)
          WHERE person_id NOT IN (SELECT person_id FROM known)
            AND ${sealedWith} = (SELECT key_id FROM vault.sealed_with) ORDER BY 1
          ON CONFLICT DO NOTHING RETURNING person_id, wrapped_key)
      SELECT person_id, wrapped_key, NULL AS mode FROM known
      UNION ALL SELECT person_id, wrapped_key, set_config('synchronous_commit', 'on', true) FROM made`.execute(db)
    return kept(rows, before)
  })

  const fromMemory = (persons: readonly string[]) =>
    new Map<string, PersonKey>(persons.map((person) => [person, cache.get(person) ?? 'missing']))

  /** From memory, and from the database in one question for the rest; a person without a row is missing. */
  async function find(persons: readonly string[]): Promise<Map<string, PersonKey>> {
    const keys = fromMemory(persons)
    await complete(keys, read)
    return keys
  }

  /** Asks for those that are missing. Throws where one of them does not open. */
  async function complete(keys: Map<string, PersonKey>, ask: KeysFor): Promise<void> {
    const absent = [...keys].flatMap(([person, key]) => (key === 'missing' ? person : []))
    if (absent.length === 0) return
    const found = await ask(absent)
    for (const person of absent) {
      const key = found.get(person) ?? 'missing'
      if (key instanceof Error) throw key
      keys.set(person, key)
    }
  }

  async function ensure(persons: readonly string[]): Promise<KeysOf> {
    const keys = fromMemory(persons)
    await complete(keys, make)
    // Those that somebody else made in that moment.
    await complete(keys, read)
    if (![...keys.values()].includes('missing')) return keys
    // Another key seals since.
    await ring.reload(db)
    await complete(keys, make)
    await complete(keys, read)
    return keys
  }

  return {
    find: (persons) => find(persons).catch(unavailable),
    ensure: (persons) => ensure(persons).catch(unavailable),
    forget(person) {
      forgets += 1
      // Kept, not dropped: the event follows the destruction, so there is nothing to ask any more.
      cache.set(person, 'destroyed')
      for (const listener of listeners) listener(person)
    },
    onForgotten: (listener) => void listeners.push(listener),
    reportMissing(person) {
      if (missing.has(person) || missing.size >= MISSING_MAX) return
      const isFirst = missing.size === 0
      missing.add(person)
      const message =
        'the key of a person is missing: what is personal in their events reads as nothing. Was the vault restored ' +
        'with the log? (docs/runbook.md). Reported once; the metric opslog_person_keys_missing counts them.'
      if (isFirst) log.error({ person }, message)
    },
    missing: () => missing.size,
  }
}

/** A key as the vault has it: one that does not open is the trouble of those alone who need it. */
type FoundKey = PersonKey | PersonKeysUnavailable

type KeysFor = (persons: readonly string[]) => Promise<ReadonlyMap<string, FoundKey>>

/**
 * One statement at a time: what is asked for while one is under way goes together with the next, so that commands on many
 * persons at once cost neither a question nor a wait for the disk each. Its answer may hold keys of others.
 */
function gathered(statement: KeysFor): KeysFor {
  let underWay: Promise<unknown> | undefined
  let next: { persons: Set<string>; keys: ReturnType<KeysFor> } | undefined

  function send(persons: readonly string[]): ReturnType<KeysFor> {
    const keys = statement(persons)
    const ended = () => {
      if (underWay === settled) underWay = undefined
    }
    const settled: Promise<unknown> = keys.then(ended, ended)
    underWay = settled
    return keys
  }

  return (persons) => {
    if (persons.length > GATHERED_MAX) return statement(persons)
    if (!underWay) return send(persons)
    if (!next) {
      const gathering = new Set<string>()
      const leave = () => {
        next = undefined
        return send([...gathering])
      }
      next = { persons: gathering, keys: underWay.then(leave) }
    }
    for (const person of persons) next.persons.add(person)
    return next.keys
  }
}

function unavailable(error: unknown): never {
  if (error instanceof PersonKeysUnavailable) throw error
  const reason = error instanceof Error ? error.message : String(error)
  throw new PersonKeysUnavailable(`the keys of persons cannot be read: ${reason}`, { cause: error })
}

/** What stands in for the vault where the key to it is not at hand: whatever needs a person's key says so. */
export function lockedVault(reason: string): PersonKeys {
  const refuse = () => Promise.reject(new PersonKeysUnavailable(reason))
  return {
    find: refuse,
    ensure: refuse,
    forget: () => undefined,
    onForgotten: () => undefined,
    reportMissing: () => undefined,
  }
}

/**
 * Destroys the person's key for ever; harmless where it is destroyed already. A person who never had one gets none later
 * either. Durable when it resolves; answers whether there was a key.
 */
export async function destroyKey(db: ReadModels, person: string): Promise<boolean> {
  return inTransaction(db, ATTEMPTS_MAX, async (trx) => {
    await sql`SET LOCAL synchronous_commit TO on`.execute(trx)
    const { rows } = await sql<{ had: boolean }>`SELECT wrapped_key IS NOT NULL AS had FROM vault.personal_keys
      WHERE person_id = ${person}::uuid FOR UPDATE`.execute(trx)
    await sql`INSERT INTO vault.personal_keys (person_id, wrapped_key, destroyed_at) VALUES (${person}::uuid, NULL, now())
      ON CONFLICT (person_id) DO UPDATE SET wrapped_key = NULL, wrapped_with = NULL,
        destroyed_at = COALESCE(vault.personal_keys.destroyed_at, now())`.execute(trx)
    return rows[0]?.had ?? false
  })
}
