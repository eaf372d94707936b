/** `opslog admin firsthand key`: what ends a key that has leaked. */
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { type Stack, startStack } from '../../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
beforeAll(async () => {
  stack = await startStack()
  const DATA_DIR = dirname(stack.logFile)
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR }
})
afterAll(() => stack.close())

const json = async (...args: string[]) =>
  JSON.parse((await runCli(['admin', 'firsthand', ...args, '--json'], environment)).stdout)
const ask = (method: string, path: string, key: string) =>
  fetch(`${stack.url}/firsthand/v1${path}`, { method, headers: { authorization: `Bearer ${key}` } })
const known = { timeout: 10_000, interval: 50 }
const statusIs = (key: string, expected: number) =>
  vi.waitFor(async () => expect((await ask('GET', '/jobs', key)).status).toBe(expected), known)

it('revokes what a finder has made of a key by rotation, unless that is to be spared', async () => {
  const { organization_id } = await json('organization', 'create', '--name', 'Acme')
  const issued = () => json('key', 'issue', organization_id, '--environment', 'live', '--all-scopes')
  const rotated = async ({ key_id, api_key }: { key_id: string; api_key: string }) => {
    await statusIs(api_key, 200)
    const answer = await ask('POST', `/api_keys/${key_id}/rotate`, api_key)
    const said = await answer.text()
    expect([answer.status, said]).toEqual([200, expect.anything()])
    return (JSON.parse(said) as { new_key: { id: string; secret: string } }).new_key
  }

  const leaked = await issued()
  const found = await rotated(leaked)
  const ended = await json('key', 'revoke', organization_id, leaked.key_id, '--reason', 'leaked')
  expect(ended).toMatchObject({ changed: true, revoked: [leaked.key_id, found.id] })
  for (const key of [leaked.api_key, found.secret]) await statusIs(key, 401)
  expect(await json('key', 'revoke', organization_id, leaked.key_id)).toMatchObject({ changed: false, revoked: [] })

  const old = await issued()
  const own = await rotated(old)
  const spared = await json('key', 'revoke', organization_id, old.key_id, '--spare-successors')
  expect(spared.revoked).toStrictEqual([old.key_id])
  await statusIs(old.api_key, 401)
  await statusIs(own.secret, 200)
})
