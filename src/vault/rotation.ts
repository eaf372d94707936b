/**
 * Puts another key of the instance in the place of the one that seals the vault. First the old one is kept, sealed with
 * the new, and the new one seals from then on, in one transaction; then every key is sealed anew, a bounded batch at a
 * time. Readers try every key that they have, so traffic goes on, and a process that dies in between leaves nothing that does
 * not open: running it again goes on where it ended.
 */
import { type RawBuilder, sql } from 'kysely'
import { encrypt, keyIdOf } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { type KeyRing, retiredBound } from './key-ring.ts'
import { objectBound } from './object-keys.ts'
import { personBound } from './vault.ts'

export interface RotationOptions {
  batchMax: number
  /** After each batch: how many keys have been sealed anew. */
  onProgress?: (rewrapped: number) => void
  /** Of each row whose key does not open, once; of the first 100 such rows. */
  onUnreadable?: (row: { table: string; id: string }) => void
}

export interface Rotation {
  /** Id of the key that seals from now on. */
  keyId: string
  rewrapped: number
  /** Keys that no key of the instance opens: damaged, or sealed with one that is not at hand. They were left alone. */
  unreadable: number
}

/** A transaction that met another one is made again; more often than this it is something else. */
const ATTEMPTS_MAX = 5
/** Rows whose keys do not open that are named; all are counted. */
const NAMED_MAX = 100
/** A process that has not heard yet may seal with the old key for a moment: what it left is found by the next pass. */
const PASSES_MAX = 5

interface SealedTable {
  name: string
  /** The row's id in one text. */
  id: RawBuilder<unknown>
  /** In the order of its primary key. */
  order: RawBuilder<unknown>
  isAfter(id: string): RawBuilder<unknown>
  /** Whether a row is the one of the id in `given.row_id`. */
  isGiven: RawBuilder<unknown>
  boundOf(id: string): Buffer
}

const pairOf = (id: string): [kind: string, id: string] => JSON.parse(id)

const tables: readonly SealedTable[] = [
  {
    name: 'vault.personal_keys',
    id: sql`person_id::text`,
    order: sql`person_id`,
    isAfter: (id) => sql`person_id > ${id}::uuid`,
    isGiven: sql`person_id = given.row_id::uuid`,
    boundOf: personBound,
  },
  {
    name: 'vault.keys',
    id: sql`json_build_array(kind, id)::text`,
    order: sql`kind, id`,
    isAfter: (id) => sql`(kind, id) > (${sql.join(pairOf(id))})`,
    isGiven: sql`kind = given.row_id::json->>0 AND id = given.row_id::json->>1`,
    boundOf: (id) => objectBound(...pairOf(id)),
  },
  {
    name: 'vault.retired_keys',
    id: sql`key_id`,
    order: sql`key_id`,
    isAfter: (id) => sql`key_id > ${id}`,
    isGiven: sql`key_id = given.row_id`,
    boundOf: retiredBound,
  },
]

/** Seals the vault with `ring.current`. Throws where the key that seals now is not in the ring. */
export async function rotateSecretsKey(db: ReadModels, ring: KeyRing, options: RotationOptions): Promise<Rotation> {
  const keyId = keyIdOf(ring.current)
  await ring.reload(db)
  await retire(db, ring)
  await ring.reload(db)
  const rotation: Rotation = { keyId, rewrapped: 0, unreadable: 0 }
  const named = new Set<string>()
  const onUnreadable = (table: string, id: string) => {
    if (named.size >= NAMED_MAX || named.has(`${table} ${id}`)) return
    named.add(`${table} ${id}`)
    options.onUnreadable?.({ table, id })
  }
  for (let pass = 1; pass <= PASSES_MAX; pass++) {
    const before = rotation.rewrapped
    rotation.unreadable = 0
    for (const table of tables) await rewrap(db, ring, table, { ...options, onUnreadable }, rotation)
    if (rotation.rewrapped === before) break
  }
  return rotation
}

/** The new key seals from now on; the old one stays in the vault, for what the log holds sealed with it. */
async function retire(db: ReadModels, ring: KeyRing): Promise<void> {
  const keyId = keyIdOf(ring.current)
  await inTransaction(db, ATTEMPTS_MAX, async (trx) => {
    await sql`SET LOCAL synchronous_commit TO on`.execute(trx)
    const { rows } = await sql<{ key_id: string }>`SELECT key_id FROM vault.sealed_with FOR UPDATE`.execute(trx)
    const sealedWith = rows[0]?.key_id
    if (sealedWith === undefined || sealedWith === keyId) return
    const old = ring.find(sealedWith)
    if (!old) throw new Error(`the vault is sealed with the key ${sealedWith}, which is not at hand`)
    const wrapped = encrypt(old, ring.current, retiredBound(sealedWith))
    await sql`INSERT INTO vault.retired_keys (key_id, wrapped_key, wrapped_with)
      VALUES (${sealedWith}, ${wrapped}, ${keyId}) ON CONFLICT DO NOTHING`.execute(trx)
    await sql`UPDATE vault.sealed_with SET key_id = ${keyId}`.execute(trx)
  })
}

interface Rewrapping extends Pick<RotationOptions, 'batchMax' | 'onProgress'> {
  onUnreadable: (table: string, id: string) => void
}

type SealedRow = { id: string; wrapped_key: Buffer }

/** Each row by compare-and-set: a key that is destroyed meanwhile stays destroyed. */
async function rewrap(
  db: ReadModels,
  ring: KeyRing,
  { name, id, order, isAfter, isGiven, boundOf }: SealedTable,
  { batchMax, onProgress, onUnreadable }: Rewrapping,
  rotation: Rotation,
): Promise<void> {
  const { keyId } = rotation
  const table = sql.table(name)
  for (let last: string | undefined; ; ) {
    const { rows } = await sql<SealedRow>`SELECT ${id} AS id, wrapped_key FROM ${table}
      WHERE wrapped_key IS NOT NULL AND wrapped_with IS DISTINCT FROM ${keyId}
        AND ${last === undefined ? sql`true` : isAfter(last)}
      ORDER BY ${order} LIMIT ${batchMax}`.execute(db)
    const anew = rows.flatMap((row) => {
      const sealed = resealed(ring, row, boundOf(row.id))
      if (!sealed) onUnreadable(name, row.id)
      return sealed ?? []
    })
    rotation.unreadable += rows.length - anew.length
    const [ids, olds, news] = [
      anew.map((each) => each.id),
      anew.map((each) => each.old),
      anew.map((each) => each.sealed),
    ]
    const { rows: written } = await sql<{ id: string }>`UPDATE ${table}
      SET wrapped_key = given.sealed, wrapped_with = ${keyId}
      FROM unnest(${ids}::text[], ${olds}::bytea[], ${news}::bytea[]) AS given (row_id, old, sealed)
      WHERE ${isGiven} AND wrapped_key = given.old RETURNING given.row_id AS id`.execute(db)
    rotation.rewrapped += written.length
    onProgress?.(rotation.rewrapped)
    if (rows.length < batchMax) return
    last = rows.at(-1)?.id ?? last
  }
}

/** The row sealed with the current key; undefined where it does not open. */
function resealed(ring: KeyRing, { id, wrapped_key: old }: SealedRow, bound: Buffer) {
  try {
    return { id, old, sealed: encrypt(ring.open(old, bound), ring.current, bound) }
  } catch {
    // Counted and named: the key of one row is damaged, the others are not.
    return undefined
  }
}
