import { type AddressInfo, createServer } from 'node:net'
import { Client } from 'pg'
import { afterAll, describe, expect, it } from 'vitest'
import { freePort } from '../../src/embedded/ports.ts'
import { createDatabase as createPool } from '../../src/postgres/database.ts'
import { checkPostgres } from '../../src/postgres/preflight.ts'
import { createDatabase } from '../support/services.ts'
import { startTransactionPooler } from '../support/transaction-pooler.ts'

const TIMEOUT_MS = 3_000
const database = await createDatabase()

afterAll(() => database.drop())

const check = (url: string) => checkPostgres(url, TIMEOUT_MS)
const unusable = (what: RegExp) => ({ kind: 'unusable', what: expect.stringMatching(what) })
const changed = (change: (url: URL) => void): string => {
  const url = new URL(database.url)
  change(url)
  return url.href
}

async function administer(...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: database.url })
  await client.connect()
  for (const statement of statements) await client.query(statement)
  await client.end()
}

describe('Postgres before the start', () => {
  it('serves', async () => {
    expect(await check(database.url)).toEqual({ kind: 'serves' })
  })

  it.each([
    ['mysql://root@localhost/x', /begins with mysql:; opslog needs postgres:\/\//],
    ['localhost/x', /has no scheme; opslog needs postgres:\/\//],
    ['postgres://user:pass word@local host:x/db', /a part of it is malformed/],
    [
      'postgres://a:b@localhost/x?sslmode=verify-full&sslrootcert=/not/there',
      /A file .* cannot be read: .*\/not\/there/,
    ],
  ])('at %s is refused in a sentence', async (url, what) => {
    expect(await check(url)).toEqual(unusable(what))
  })

  it('is refused with a wrong password, or none, which is not shown', async () => {
    const refused = await check(changed((url) => (url.password = 'wrong-one')))
    expect(refused).toEqual(unusable(/password authentication failed.*Correct the user or the password/))
    expect(JSON.stringify(refused)).not.toContain('wrong-one')
    expect(await check(changed((url) => (url.password = '')))).toEqual(unusable(/asks for a password/))
  })

  it('is refused without its database', async () => {
    const found = await check(changed((url) => (url.pathname = '/nowhere')))
    expect(found).toEqual(unusable(/database "nowhere" does not exist.*Create the database/))
  })

  it('is refused where the user may not create tables', async () => {
    const name = `guest_${Date.now()}`
    await administer(`CREATE ROLE ${name} LOGIN PASSWORD 'guest'`)
    const url = changed((each) => Object.assign(each, { username: name, password: 'guest' }))
    expect(await check(url)).toEqual(unusable(/guest_\d+ may not create schemas and tables.*database's owner/))
    await administer(`DROP ROLE ${name}`)
  })

  it('may still come where nothing listens, and where a server says nothing', async () => {
    const port = String(await freePort())
    const refused = await check(changed((url) => (url.port = port)))
    expect(refused).toEqual({ kind: 'absent', what: expect.stringContaining('ECONNREFUSED') })
    const mute = createServer(() => undefined)
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const { port: mutePort } = mute.address() as AddressInfo
    const silent = await checkPostgres(
      changed((url) => (url.port = String(mutePort))),
      200,
    )
    expect(silent).toEqual({ kind: 'absent', what: expect.stringContaining('timeout') })
    mute.close()
  })
})

describe('a pooler in front of Postgres', () => {
  it.each([1, 2, 5])('that shares %i connections by the transaction is refused', async (connectionsMax) => {
    const pooler = await startTransactionPooler(database.url, { connectionsMax })
    expect(await check(pooler.url)).toEqual(unusable(/each transaction another connection.*pool_mode = session/))
    await pooler.close()
  })

  it('that knows no statement_timeout at the startup can be worked with', async () => {
    const pooler = await startTransactionPooler(database.url, { connectionsMax: 1, refused: 'statement_timeout' })
    const db = createPool({ url: pooler.url, poolMax: 1, statementTimeoutMs: 1_234 })
    const { rows } = await db.executeQuery<{ statement_timeout: string }>({
      sql: 'SHOW statement_timeout',
      parameters: [],
    } as never)
    expect(rows).toEqual([{ statement_timeout: '1234ms' }])
    await db.destroy()
    await pooler.close()
  })
})
