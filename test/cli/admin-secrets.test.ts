/** `opslog admin secrets rotate` against a running instance: what it says, and how it ends. */
import { sql } from 'kysely'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createDatabase } from '../../src/postgres/database.ts'
import { runCli } from '../support/cli.ts'
import { SECRETS_KEY } from '../support/persons.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
const empty = temporaryDirectory()
beforeAll(async () => {
  stack = await startStack({ environment: { SECRETS_KEY } })
}, 60_000)
afterAll(async () => {
  await stack.close()
  empty.remove()
})

const rotate = (...more: string[]) =>
  runCli(['admin', 'secrets', 'rotate', ...more], {
    ...{ EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: empty.path, SECRETS_KEY },
  })

it('ends with 0 where every key opens, and with 1 where one does not, which it names', async () => {
  expect(await rotate('--json')).toMatchObject({ exitCode: 0, stderr: '' })
  const db = createDatabase({ url: stack.databaseUrl, poolMax: 1 })
  await sql`INSERT INTO vault.keys (kind, id, wrapped_key, wrapped_with) VALUES ('provider', 'a', '\\x00', 'other')`.execute(
    db,
  )
  await db.destroy()
  const ended = await rotate('--json')
  expect(ended.exitCode).toBe(1)
  expect(ended.stderr).toContain('the key of ["provider", "a"] in vault.keys does not open')
  expect(JSON.parse(ended.stdout)).toMatchObject({ rewrapped: 0, unreadable: 1 })
})
