/**
 * The vault on a real Postgres: keys that several processes agree on, that are gone once they are destroyed, that another
 * instance's key does not open, and that cost one question for however many persons.
 */
import { randomBytes, randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type PersonKey, PersonKeysUnavailable } from '../../src/events/sealing.ts'
import { createDatabase as connect, type ReadModels } from '../../src/postgres/database.ts'
import { InvalidConfiguration } from '../../src/runtime/invalid-configuration.ts'
import { type Sweep, sweepVault } from '../../src/vault/sweep.ts'
import { createVault, destroyKey, lockedVault, prepareVault, type Vault } from '../../src/vault/vault.ts'
import { createDatabase, type TestDatabase } from '../support/services.ts'

const sealingKey = randomBytes(32)
let database: TestDatabase
let db: ReadModels
const told: object[] = []

beforeAll(async () => {
  database = await createDatabase()
  db = connect({ url: database.url, poolMax: 4 })
  await Promise.all([prepareVault(db, sealingKey), prepareVault(db, sealingKey), prepareVault(db, sealingKey)])
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

const open = (over: Partial<Parameters<typeof createVault>[0]> = {}): Vault =>
  createVault({ db, sealingKey, cachedMax: 100, log: { error: (fields) => void told.push(fields) }, ...over })

const keyOf = async (vault: Vault, person: string): Promise<PersonKey | undefined> =>
  (await vault.find([person])).get(person)

/** The database, and how many statements it has run. */
function counted() {
  let statements = 0
  const plugin = {
    transformQuery: ({ node }: { node: never }) => {
      statements += 1
      return node
    },
    transformResult: async ({ result }: { result: never }) => result,
  }
  return { db: db.withPlugin(plugin as never), statements: () => statements }
}

describe('a person’s key', () => {
  it('is one and the same for all processes that make it at once', async () => {
    const persons = Array.from({ length: 20 }, () => randomUUID() as string)
    const vaults = Array.from({ length: 4 }, () => open())
    const made = await Promise.all(
      vaults.map((vault, index) => vault.ensure(index % 2 ? persons : persons.toReversed())),
    )
    const first = made[0]!
    for (const person of persons) {
      expect(first.get(person)).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{16}$/), bytes: expect.anything() })
      for (const keys of made) expect(keys.get(person)).toStrictEqual(first.get(person))
    }
    expect(new Set(persons.map((person) => (first.get(person) as { id: string }).id)).size).toBe(persons.length)
  })

  it('does not stand in the table as it is', async () => {
    const person = randomUUID()
    const key = (await open().ensure([person])).get(person) as { bytes: Uint8Array }
    const { rows } = await sql<{ wrapped_key: Buffer }>`SELECT wrapped_key FROM vault.personal_keys
      WHERE person_id = ${person}`.execute(db)
    expect(rows[0]!.wrapped_key.includes(Buffer.from(key.bytes))).toBe(false)
  })

  it('is asked for with all others of a batch in one question, and then not again', async () => {
    const persons = Array.from({ length: 500 }, () => randomUUID() as string)
    await open().ensure(persons)
    const counting = counted()
    const vault = open({ db: counting.db, cachedMax: 1_000 })
    await vault.find(persons)
    expect(counting.statements()).toBe(1)
    await vault.find(persons)
    await vault.ensure(persons.slice(0, 10))
    expect(counting.statements()).toBe(1)
  })

  it('is made in one statement, or found in it', async () => {
    const [known, fresh] = [randomUUID() as string, randomUUID() as string]
    const before = await open().ensure([known])
    const counting = counted()
    const keys = await open({ db: counting.db }).ensure([known, fresh])
    expect(counting.statements()).toBe(1)
    expect(keys.get(known)).toStrictEqual(before.get(known))
    expect(await keyOf(open(), fresh)).toStrictEqual(keys.get(fresh))
  })

  it('is made and asked for with those that others need at the same time', async () => {
    const persons = Array.from({ length: 20 }, () => randomUUID() as string)
    const making = counted()
    const vault = open({ db: making.db })
    const made = await Promise.all(persons.map((person) => vault.ensure([person])))
    expect(made.map((keys) => [...keys.keys()])).toStrictEqual(persons.map((person) => [person]))
    for (const [index, person] of persons.entries()) {
      expect(made[index]!.get(person)).toMatchObject({ bytes: expect.anything() })
    }
    expect(making.statements()).toBeLessThanOrEqual(2)

    const asking = counted()
    const other = open({ db: asking.db })
    const found = await Promise.all([...persons, randomUUID() as string].map((person) => keyOf(other, person)))
    expect(found).toStrictEqual([...persons.map((person, index) => made[index]!.get(person)), 'missing'])
    expect(asking.statements()).toBeLessThanOrEqual(2)
  })

  it('that cannot be asked for fails those who asked, and nobody after them', async () => {
    const failing = { fails: true }
    const plugin = {
      transformQuery: ({ node }: { node: never }) => {
        if (failing.fails) throw new Error('refused by the test')
        return node
      },
      transformResult: async ({ result }: { result: never }) => result,
    }
    const vault = open({ db: db.withPlugin(plugin as never) })
    const person = randomUUID()
    await open().ensure([person])
    const asked = await Promise.allSettled([vault.find([person]), vault.find([randomUUID()])])
    expect(asked.map(({ status }) => status)).toStrictEqual(['rejected', 'rejected'])
    failing.fails = false
    expect(await keyOf(vault, person)).toMatchObject({ bytes: expect.anything() })
  })

  it('that is damaged fails those who ask for it, and nobody who asks with them', async () => {
    const persons = Array.from({ length: 10 }, () => randomUUID() as string)
    const damaged = persons[4]!
    await open().ensure(persons)
    await sql`UPDATE vault.personal_keys SET wrapped_key = set_byte(wrapped_key, 20, get_byte(wrapped_key, 20) # 1)
      WHERE person_id = ${damaged}`.execute(db)
    for (const ask of ['find', 'ensure'] as const) {
      const counting = counted()
      const vault = open({ db: counting.db })
      const asked = await Promise.allSettled(persons.map((person) => vault[ask]([person])))
      expect(counting.statements()).toBeLessThanOrEqual(2)
      const refused = persons.filter((_, index) => asked[index]!.status === 'rejected')
      expect(refused).toStrictEqual([damaged])
      expect(String((asked[4] as PromiseRejectedResult).reason)).toContain(damaged)
    }
    await sql`DELETE FROM vault.personal_keys WHERE person_id = ${damaged}`.execute(db)
  })

  it('is durable before it is used, and destroyed for good, where Postgres may lose its last moments', async () => {
    const { rows: setting } = await sql<{ mode: string }>`SELECT current_setting('synchronous_commit') AS mode`.execute(
      db,
    )
    expect(setting).toStrictEqual([{ mode: 'off' }])
    const vault = open()
    for (let round = 0; round < 10; round++) {
      const person = randomUUID()
      for (const change of [() => vault.ensure([person]), () => destroyKey(db, person)]) {
        const { rows: before } = await sql<{ lsn: string }>`SELECT pg_current_wal_insert_lsn() AS lsn`.execute(db)
        await change()
        const { rows: after } = await sql<{ durable: boolean }>`SELECT
          pg_current_wal_flush_lsn() > ${before[0]!.lsn}::pg_lsn AS durable`.execute(db)
        expect(after).toStrictEqual([{ durable: true }])
      }
    }
  })

  it('is forgotten by memory when there are too many, and asked for again', async () => {
    const persons = Array.from({ length: 10 }, () => randomUUID() as string)
    await open().ensure(persons)
    const counting = counted()
    const vault = open({ db: counting.db, cachedMax: 3 })
    for (let round = 0; round < 2; round++) for (const person of persons) await vault.find([person])
    expect(counting.statements()).toBe(20)
  })

  it('is missing where it was never made', async () => {
    expect(await keyOf(open(), randomUUID())).toBe('missing')
  })

  it('is missing where what is named is no person’s id, and those of others are found', async () => {
    const person = randomUUID()
    await open().ensure([person])
    const keys = await open().find(['everybody', person])
    expect(keys.get('everybody')).toBe('missing')
    expect(keys.get(person)).toMatchObject({ bytes: expect.anything() })
  })

  it('is known to be there in whichever case the id is written', async () => {
    const person = randomUUID()
    await open().ensure([person])
    expect(await destroyKey(db, person.toUpperCase())).toBe(true)
    expect(await keyOf(open(), person)).toBe('destroyed')
  })
})

describe('a destroyed key', () => {
  it('is gone for ever: its row stays, empty, and no other is made', async () => {
    const person = randomUUID()
    await open().ensure([person])
    expect(await destroyKey(db, person)).toBe(true)
    const { rows: before } = await sql`SELECT * FROM vault.personal_keys WHERE person_id = ${person}`.execute(db)
    expect(before).toStrictEqual([
      {
        person_id: person,
        wrapped_key: null,
        wrapped_with: null,
        created_at: expect.any(String),
        destroyed_at: expect.any(String),
      },
    ])
    expect(await destroyKey(db, person)).toBe(false)
    expect((await open().ensure([person])).get(person)).toBe('destroyed')
    const { rows: after } = await sql`SELECT * FROM vault.personal_keys WHERE person_id = ${person}`.execute(db)
    expect(after).toStrictEqual(before)
    expect(await sweepVault(db, 10_000)).toStrictEqual({ swept: true })
  })

  it('is one that was never there, for a person who had none', async () => {
    const person = randomUUID()
    expect(await destroyKey(db, person)).toBe(false)
    expect((await open().ensure([person])).get(person)).toBe('destroyed')
  })

  it('goes from a process’s memory when the event says so, even if an older answer arrives after it', async () => {
    const person = randomUUID()
    const vault = open()
    const forgotten: string[] = []
    vault.onForgotten((one) => void forgotten.push(one))
    await vault.ensure([person])
    await destroyKey(db, person)
    expect(await keyOf(vault, person)).toMatchObject({ bytes: expect.anything() })
    vault.forget(person)
    expect(await keyOf(vault, person)).toBe('destroyed')
    expect(forgotten).toStrictEqual([person])

    const other = randomUUID()
    await open().ensure([other])
    const late = vault.find([other])
    vault.forget(other)
    await late
    expect(await keyOf(vault, other)).toBe('destroyed')
  })

  describe('and its bytes', () => {
    /** A new person's key, sealed as the table has it. */
    const newKey = async () => {
      const person = randomUUID()
      await open().ensure([person])
      const { rows } = await sql<{ wrapped_key: Buffer }>`SELECT wrapped_key FROM vault.personal_keys
        WHERE person_id = ${person}`.execute(db)
      return { person, key: rows[0]!.wrapped_key }
    }
    const isInFile = async (key: Buffer) => {
      await sql`CHECKPOINT`.execute(db)
      const { rows } = await sql<{ bytes: Buffer }>`SELECT
        pg_read_binary_file(pg_relation_filepath('vault.personal_keys')) AS bytes`.execute(db)
      return rows[0]!.bytes.includes(key)
    }
    /** Begins a transaction, and ends it when the function that it answers with is called. */
    const begin = async (statement: string, isolationLevel: 'read committed' | 'repeatable read') => {
      const begun = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      const done = db
        .transaction()
        .setIsolationLevel(isolationLevel)
        .execute(async (trx) => {
          await sql.raw(statement).execute(trx)
          begun.resolve()
          await ended.promise
        })
      await Promise.race([begun.promise, done])
      const end = () => {
        ended.resolve()
        return done
      }
      onTestFinished(end)
      return end
    }

    /** Other tests write in databases of their own meanwhile, and may be named for it. */
    const heldIn = ({ url }: TestDatabase, sweep: Sweep) =>
      sweep.swept ? [] : sweep.held_by.filter(({ database: name }) => name === new URL(url).pathname.slice(1))

    it('are swept out of the table’s file, wherever in it they are', async () => {
      const keys: Awaited<ReturnType<typeof newKey>>[] = []
      for (let n = 0; n < 5; n++) keys.push(await newKey())
      // The last of the page first: those that a plain VACUUM leaves.
      for (const { person, key } of keys.toReversed()) {
        await destroyKey(db, person)
        expect(await isInFile(key)).toBe(true)
        expect(await sweepVault(db, 10_000)).toStrictEqual({ swept: true })
        expect(await isInFile(key)).toBe(false)
      }
    })

    it.each([
      { held: 'sees what was before', statement: 'SELECT 1', isolationLevel: 'repeatable read' as const },
      {
        held: 'has written something',
        statement: 'SELECT pg_current_xact_id()',
        isolationLevel: 'read committed' as const,
      },
      {
        held: 'holds the table, as a backup does',
        statement: 'LOCK TABLE vault.personal_keys IN ACCESS SHARE MODE',
        isolationLevel: 'repeatable read' as const,
      },
    ])('stay while an older transaction $held, which the sweep names', async ({ statement, isolationLevel }) => {
      const { person, key } = await newKey()
      const end = await begin(statement, isolationLevel)
      await destroyKey(db, person)
      const sweep = await sweepVault(db, 100)
      expect(sweep.swept).toBe(false)
      expect(heldIn(database, sweep)).toStrictEqual([
        expect.objectContaining({ pid: expect.any(Number), application: 'opslog' }),
      ])
      expect(await isInFile(key)).toBe(true)
      // Nobody who needs a key is kept waiting by it.
      expect(await keyOf(open(), person)).toBe('destroyed')
      await end()
      expect(await sweepVault(db, 10_000)).toStrictEqual({ swept: true })
      expect(await isInFile(key)).toBe(false)
    })

    it('stay while a transaction of another database has written something, which the sweep names, and not while it reads', async () => {
      const elsewhere = await createDatabase()
      const other = new Client({ connectionString: elsewhere.url, application_name: 'elsewhere' })
      onTestFinished(async () => {
        await other.end()
        await elsewhere.drop()
      })
      await other.connect()
      await other.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1')
      const [first, second] = [await newKey(), await newKey()]
      const end = await begin('SELECT 1', 'repeatable read')
      await destroyKey(db, first.person)
      const byOurs = await sweepVault(db, 100)
      await end()
      expect(heldIn(database, byOurs)).toHaveLength(1)
      expect(heldIn(elsewhere, byOurs)).toStrictEqual([])
      expect(await sweepVault(db, 10_000)).toStrictEqual({ swept: true })
      await other.query('SELECT pg_current_xact_id()')
      await destroyKey(db, second.person)
      const byTheirs = await sweepVault(db, 100)
      expect(heldIn(database, byTheirs)).toStrictEqual([])
      expect(heldIn(elsewhere, byTheirs)).toMatchObject([{ application: 'elsewhere' }])
      await other.query('COMMIT')
      expect(await sweepVault(db, 10_000)).toStrictEqual({ swept: true })
    })

    it('go as soon as the older transaction has ended', async () => {
      const { person, key } = await newKey()
      const end = await begin('SELECT 1', 'repeatable read')
      await destroyKey(db, person)
      const sweeping = sweepVault(db, 10_000)
      expect(await Promise.race([sweeping, isInFile(key)])).toBe(true)
      await end()
      expect(await sweeping).toStrictEqual({ swept: true })
      expect(await isInFile(key)).toBe(false)
    })
  })
})

describe('the instance’s key', () => {
  it('has to be the one that the vault was made with', async () => {
    const refused = prepareVault(db, randomBytes(32))
    await expect(refused).rejects.toThrow(InvalidConfiguration)
    await expect(refused).rejects.toThrow(/SECRETS_KEY/)
    await prepareVault(db, sealingKey)
  })

  it('opens nothing where it is another one, and says so', async () => {
    const person = randomUUID()
    await open().ensure([person])
    await expect(open({ sealingKey: randomBytes(32) }).find([person])).rejects.toThrow(PersonKeysUnavailable)
  })

  it('opens no key that was put in another person’s row', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    await open().ensure([one, two])
    await sql`UPDATE vault.personal_keys SET wrapped_key = (SELECT wrapped_key FROM vault.personal_keys
      WHERE person_id = ${one}) WHERE person_id = ${two}`.execute(db)
    await expect(open().find([two])).rejects.toThrow(PersonKeysUnavailable)
    await sql`DELETE FROM vault.personal_keys WHERE person_id = ${two}`.execute(db)
  })

  it('is asked for by whoever has none', async () => {
    await expect(lockedVault('set SECRETS_KEY').find([randomUUID()])).rejects.toThrow('set SECRETS_KEY')
  })
})

describe('a vault that cannot help', () => {
  it('says so where Postgres is away', async () => {
    const away = connect({ url: 'postgres://nobody@127.0.0.1:1/none', connectTimeoutMs: 500 })
    await expect(open({ db: away }).ensure([randomUUID()])).rejects.toThrow(PersonKeysUnavailable)
    await away.destroy()
  })

  it('counts whose key is missing, and tells the log once', () => {
    told.length = 0
    const vault = open()
    const persons = [randomUUID(), randomUUID()]
    for (const person of [...persons, ...persons]) vault.reportMissing(person)
    expect(vault.missing()).toBe(2)
    expect(told).toStrictEqual([{ person: persons[0] }])
  })
})
