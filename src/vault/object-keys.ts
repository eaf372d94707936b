/**
 * Keys for things other than persons: a provider's key, a webhook endpoint, an agent's wallet. What is secret of such a
 * thing stands in the log under its key, which is kept here, sealed with the instance's: to destroy the key is to destroy
 * the secret in every copy of the log. A destroyed key leaves its row, so that no other is made for that thing.
 */
import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { encrypt, KEY_BYTES, keyIdOf } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'
import { inTransaction } from '../postgres/transaction.ts'
import { createLru } from '../runtime/lru.ts'
import type { KeyRing } from './key-ring.ts'

export type ObjectKey = Uint8Array | 'destroyed' | 'missing'

export interface ObjectKeys {
  /** The thing's key. Throws where it does not open with any key of the instance. */
  find(kind: string, id: string): Promise<ObjectKey>
  /** As `find`, made where there never was one; durable when it resolves. Throws ObjectKeyDestroyed. */
  ensure(kind: string, id: string): Promise<Uint8Array>
  /** Destroys the key for ever; harmless where it is destroyed already. Durable; answers whether there was one. */
  destroy(kind: string, id: string): Promise<boolean>
}

export class ObjectKeyDestroyed extends Error {
  override name = 'ObjectKeyDestroyed'
}

/** A transaction that met another one is made again; more often than this it is something else. */
const ATTEMPTS_MAX = 5

/** What a thing's key is bound to where it is kept sealed. */
export const objectBound = (kind: string, id: string): Buffer => Buffer.from(JSON.stringify(['opslog key', kind, id]))

type KeyRow = { wrapped_key: Buffer | null }

/** `cachedMax`: keys kept in memory. Another process's `destroy` is noticed when the key is asked for anew: `ttlMs`. */
export function createObjectKeys(
  db: ReadModels,
  ring: KeyRing,
  { cachedMax, ttlMs }: { cachedMax: number; ttlMs: number },
): ObjectKeys {
  const cache = createLru<string, Uint8Array>(cachedMax, { ttlMs })
  const nameOf = (kind: string, id: string) => JSON.stringify([kind, id])

  async function find(kind: string, id: string): Promise<ObjectKey> {
    const kept = cache.get(nameOf(kind, id))
    if (kept) return kept
    const { rows } = await sql<KeyRow>`SELECT wrapped_key FROM vault.keys
      WHERE kind = ${kind} AND id = ${id}`.execute(db)
    const [row] = rows
    if (!row) return 'missing'
    if (row.wrapped_key === null) return 'destroyed'
    const key = ring.open(row.wrapped_key, objectBound(kind, id))
    cache.set(nameOf(kind, id), key)
    return key
  }

  return {
    find,
    async ensure(kind, id) {
      const found = await find(kind, id)
      if (found instanceof Uint8Array) return found
      if (found === 'missing') {
        await ring.reload(db)
        const wrapped = encrypt(randomBytes(KEY_BYTES), ring.active(), objectBound(kind, id))
        await inTransaction(db, ATTEMPTS_MAX, async (trx) => {
          await sql`SET LOCAL synchronous_commit TO on`.execute(trx)
          await sql`INSERT INTO vault.keys (kind, id, wrapped_key, wrapped_with)
            VALUES (${kind}, ${id}, ${wrapped}, ${keyIdOf(ring.active())}) ON CONFLICT DO NOTHING`.execute(trx)
        })
      }
      // What several processes make at once is decided by the row that is there first.
      const made = await find(kind, id)
      if (made instanceof Uint8Array) return made
      throw new ObjectKeyDestroyed(`the key of ${kind} ${id} was destroyed`)
    },
    async destroy(kind, id) {
      cache.delete(nameOf(kind, id))
      return inTransaction(db, ATTEMPTS_MAX, async (trx) => {
        await sql`SET LOCAL synchronous_commit TO on`.execute(trx)
        const { rows } = await sql<KeyRow>`SELECT wrapped_key FROM vault.keys
          WHERE kind = ${kind} AND id = ${id} FOR UPDATE`.execute(trx)
        await sql`INSERT INTO vault.keys (kind, id, wrapped_key, destroyed_at) VALUES (${kind}, ${id}, NULL, now())
          ON CONFLICT (kind, id) DO UPDATE SET wrapped_key = NULL, wrapped_with = NULL,
            destroyed_at = COALESCE(vault.keys.destroyed_at, now())`.execute(trx)
        return rows[0] !== undefined && rows[0].wrapped_key !== null
      })
    },
  }
}
