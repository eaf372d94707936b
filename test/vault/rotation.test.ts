/**
 * Another key of the instance in the place of the one that seals the vault: while processes go on, over kills, and with
 * what the log holds sealed with the old key.
 */
import { spawn } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createDatabase as connect, type ReadModels } from '../../src/postgres/database.ts'
import { InvalidConfiguration } from '../../src/runtime/invalid-configuration.ts'
import { createKeyRing, type KeyRing } from '../../src/vault/key-ring.ts'
import { createObjectKeys, ObjectKeyDestroyed } from '../../src/vault/object-keys.ts'
import { rotateSecretsKey } from '../../src/vault/rotation.ts'
import { createVault, destroyKey, prepareVault } from '../../src/vault/vault.ts'
import { generateWebhookSecret, openSecret, sealSecret } from '../../src/webhooks/secret.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'

const old = randomBytes(32)
const next = randomBytes(32)
const log = { error: () => undefined }
let database: TestDatabase
let db: ReadModels

beforeEach(async () => {
  database = await createDatabase()
  db = connect({ url: database.url, poolMax: 4 })
  await prepareVault(db, old)
})
afterEach(async () => {
  await db.destroy()
  await database.drop()
})

/** As a process that starts with these keys. */
async function started(current: Uint8Array, previous: readonly Uint8Array[] = []): Promise<KeyRing> {
  const ring = createKeyRing({ current, previous })
  await prepareVault(db, ring)
  return ring
}
const vaultOf = (sealingKey: KeyRing) => createVault({ db, sealingKey, cachedMax: 100, log })
const objectsOf = (ring: KeyRing) => createObjectKeys(db, ring, { cachedMax: 100, ttlMs: 60_000 })
const persons = (count: number) => Array.from({ length: count }, () => randomUUID())

async function sealedWithOld(): Promise<number> {
  const { rows } = await sql<{ count: number }>`SELECT count(*)::int AS count FROM vault.personal_keys
    WHERE wrapped_key IS NOT NULL AND wrapped_with IS DISTINCT FROM (SELECT key_id FROM vault.sealed_with)`.execute(db)
  return rows[0]?.count ?? 0
}

describe('rotating the instance’s key', () => {
  it('seals everything anew; the old key is not needed any more, and every key is what it was', async () => {
    const ids = persons(25)
    const before = await vaultOf(await started(old)).ensure(ids)
    const kept = await objectsOf(await started(old)).ensure('webhookEndpoint', 'endpoint-1')
    await destroyKey(db, ids[0]!)
    const rotation = await rotateSecretsKey(db, await started(next, [old]), { batchMax: 10 })
    expect(rotation).toMatchObject({ rewrapped: 25, unreadable: 0 })
    const after = await vaultOf(await started(next)).find(ids)
    expect(after.get(ids[0]!)).toBe('destroyed')
    for (const id of ids.slice(1)) expect(after.get(id)).toStrictEqual(before.get(id))
    expect(await objectsOf(await started(next)).find('webhookEndpoint', 'endpoint-1')).toStrictEqual(kept)
    await expect(started(old)).rejects.toThrow(InvalidConfiguration)
  })

  it('goes on where a killed one ended, and nothing is lost in between', async () => {
    const ids = persons(60)
    const before = await vaultOf(await started(old)).ensure(ids)
    const [url, keys] = [database.url, [next, old].map((key) => key.toString('hex'))]
    const child = spawn(process.execPath, [join(import.meta.dirname, 'rotating-process.ts'), url, ...keys], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const exited = once(child, 'exit')
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await exited
    expect(await sealedWithOld()).toBeGreaterThan(0)
    // Whoever starts now, with both keys, reads every key there is.
    expect(await vaultOf(await started(next, [old])).find(ids)).toStrictEqual(before)
    // And so does one that was only given the new one: the old one is in the vault.
    expect(await vaultOf(await started(next)).find(ids)).toStrictEqual(before)
    expect(await rotateSecretsKey(db, await started(next), { batchMax: 7 })).toMatchObject({ unreadable: 0 })
    expect(await sealedWithOld()).toBe(0)
    expect(await vaultOf(await started(next)).find(ids)).toStrictEqual(before)
  })

  // Seen to fail without the look at the key that seals: the last ones were sealed with the old key.
  it('goes on under traffic of processes that have not heard of it', async () => {
    const [running, rotating] = await Promise.all([started(next, [old]), started(next, [old])])
    const vault = vaultOf(running)
    const first = await vault.ensure(persons(20))
    const made = new Map(first)
    let isOver = false
    const traffic = (async () => {
      while (!isOver) for (const [id, key] of await vault.ensure(persons(3))) made.set(id, key)
    })()
    await rotateSecretsKey(db, rotating, { batchMax: 2 })
    isOver = true
    await traffic
    for (const [id, key] of await vault.ensure(persons(3))) made.set(id, key)
    expect(await sealedWithOld()).toBe(0)
    expect(await vaultOf(await started(next)).find([...made.keys()])).toStrictEqual(made)
  })

  it('twice keeps what the log holds sealed with the first key readable', async () => {
    const name = { endpointId: randomUUID(), secretId: randomUUID() }
    const secret = generateWebhookSecret()
    const sealed = sealSecret(secret, name, old)
    const third = randomBytes(32)
    await rotateSecretsKey(db, await started(next, [old]), { batchMax: 10 })
    await rotateSecretsKey(db, await started(third, [next]), { batchMax: 10 })
    expect(openSecret(sealed, name, (await started(third)).all())).toBe(secret)
  })

  it('names each key that does not open once, counts it, and seals the others anew', async () => {
    const ids = persons(3)
    await vaultOf(await started(old)).ensure(ids)
    await sql`UPDATE vault.personal_keys SET wrapped_key = '\\x00' WHERE person_id = ${ids[1]}`.execute(db)
    const named: object[] = []
    const options = { batchMax: 1, onUnreadable: (row: object) => void named.push(row) }
    const rotation = await rotateSecretsKey(db, await started(next, [old]), options)
    expect(rotation).toMatchObject({ rewrapped: 2, unreadable: 1 })
    expect(named).toStrictEqual([{ table: 'vault.personal_keys', id: ids[1] }])
  })

  it('is refused without the key that seals now', async () => {
    await expect(started(next)).rejects.toThrow(InvalidConfiguration)
    const without = createKeyRing({ current: next, previous: [] })
    await expect(rotateSecretsKey(db, without, { batchMax: 10 })).rejects.toThrow(/not at hand/)
  })
})

describe('the key of a thing that is no person', () => {
  it('is made once, whoever asks first, and is bound to its kind and id', async () => {
    const ring = await started(old)
    const made = await Promise.all([1, 2, 3].map(() => objectsOf(ring).ensure('provider', 'a')))
    expect(new Set(made.map((key) => Buffer.from(key).toString('hex'))).size).toBe(1)
    expect(await objectsOf(ring).find('provider', 'b')).toBe('missing')
    await sql`UPDATE vault.keys SET id = 'b'`.execute(db)
    await expect(objectsOf(ring).find('provider', 'b')).rejects.toThrow()
  })

  it('that was destroyed is gone for ever', async () => {
    const keys = objectsOf(await started(old))
    await keys.ensure('wallet', 'w')
    expect([await keys.destroy('wallet', 'w'), await keys.destroy('wallet', 'w')]).toStrictEqual([true, false])
    expect(await keys.find('wallet', 'w')).toBe('destroyed')
    await expect(keys.ensure('wallet', 'w')).rejects.toThrow(ObjectKeyDestroyed)
    expect(await keys.destroy('wallet', 'never')).toBe(false)
    await expect(keys.ensure('wallet', 'never')).rejects.toThrow(ObjectKeyDestroyed)
  })
})
