/**
 * The instance's keys: the one that new secrets are sealed with, and those before it, which open what was sealed with
 * them. Which one seals is written in the vault (`vault.sealed_with`), so that all processes seal with a key that all of
 * them have, until `opslog admin secrets rotate` says otherwise. Keys that are retired stay in the vault, sealed with the
 * current one: webhook secrets in the log stay as they were sealed, and still open.
 */
import { sql } from 'kysely'
import { decrypt, keyIdOf } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'

export interface SealingKeys {
  /** The one that is to seal. */
  current: Uint8Array
  /** Those that may have sealed before, the last first. */
  previous: readonly Uint8Array[]
}

export interface KeyRing extends SealingKeys {
  /** The key that seals now. */
  active(): Uint8Array
  /** Every key there is, the one that seals now first. */
  all(): readonly Uint8Array[]
  /** The key of this id. */
  find(keyId: string): Uint8Array | undefined
  /** What a sealed box holds, opened by whichever key opens it. Throws where none does. */
  open(box: Uint8Array, bound: Uint8Array): Buffer
  /** Reads from the vault which key seals now, and the retired keys. */
  reload(db: ReadModels): Promise<void>
}

/** What a retired key is bound to where it is kept sealed. */
export const retiredBound = (keyId: string): Buffer => Buffer.from(`opslog retired key ${keyId}`)

export function createKeyRing({ current, previous }: SealingKeys): KeyRing {
  const keys = new Map([current, ...previous].map((key) => [keyIdOf(key), key]))
  let activeId = keyIdOf(current)

  const active = (): Uint8Array => keys.get(activeId) ?? current
  const activeFirst = () => [active(), ...[...keys.values()].filter((key) => key !== active())]
  // Every answer asks for them.
  let ordered = activeFirst()
  const all = (): readonly Uint8Array[] => ordered

  function open(box: Uint8Array, bound: Uint8Array): Buffer {
    let failure: unknown
    for (const key of all()) {
      try {
        return decrypt(box, key, bound)
      } catch (error) {
        failure ??= error
      }
    }
    throw failure
  }

  return {
    current,
    previous,
    active,
    all,
    find: (keyId) => keys.get(keyId),
    open,
    async reload(db) {
      const { rows: sealedWith } = await sql<{ key_id: string }>`SELECT key_id FROM vault.sealed_with`.execute(db)
      const { rows: retired } = await sql<{
        key_id: string
        wrapped_key: Buffer
      }>`SELECT key_id, wrapped_key FROM vault.retired_keys ORDER BY retired_at DESC`.execute(db)
      activeId = sealedWith[0]?.key_id ?? activeId
      ordered = activeFirst()
      for (const { key_id, wrapped_key } of retired) {
        if (keys.has(key_id)) continue
        keys.set(key_id, open(wrapped_key, retiredBound(key_id)))
        ordered = activeFirst()
      }
    },
  }
}

/** A ring of one key, or the ring as it is. */
export const ringOf = (keys: Uint8Array | KeyRing): KeyRing =>
  keys instanceof Uint8Array ? createKeyRing({ current: keys, previous: [] }) : keys
