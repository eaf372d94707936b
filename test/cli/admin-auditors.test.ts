/** `opslog admin …-auditor-key`, the first as a program of its own, and what the keys open on a whole instance. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { eventsOf } from '../support/event-store.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
const directory = temporaryDirectory()

beforeAll(async () => {
  stack = await startStack({ stream: 'in-process' })
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: directory.path }
}, 120_000)
afterAll(async () => {
  await stack.close()
  directory.remove()
})

const admin = (...args: string[]) => runCli(['admin', ...args], environment)
const created = async (run: typeof runCli, ...args: string[]) => {
  const { exitCode, stdout } = await run(['admin', 'create-auditor-key', ...args, '--json'], environment)
  expect(exitCode).toBe(0)
  return JSON.parse(stdout)
}
const statusWith = async (key: string): Promise<number> => {
  const answer = await fetch(`${stack.url}/audit/v1/seals`, { headers: { authorization: `Bearer ${key}` } })
  await answer.body?.cancel()
  return answer.status
}

test('a key is made for one operator or for all, shown once, listed without its hash, and ended for good', async () => {
  const acme = await stack.addOperator()
  const one = await created(spawnCli, '--operator', acme.operatorId, '--name', 'Grace of the auditors')
  expect(one).toMatchObject({ operator_id: acme.operatorId, scopes: ['audit:read'], changed: true })
  const all = await created(runCli, '--operator', 'all', '--name', 'The supervisor')
  expect(all).toMatchObject({ operator_id: 'all', events: ['audit.AuditorKeyIssued.v1'] })
  for (const { auditor_key } of [one, all]) {
    await vi.waitFor(async () => expect(await statusWith(auditor_key)).toBe(200), { interval: 100, timeout: 5_000 })
  }
  const stored = await eventsOf(stack.store, `audit.auditor-${one.key_id}`)
  expect(JSON.stringify(stored, (_, value) => (typeof value === 'bigint' ? `${value}` : value))).not.toContain(
    one.auditor_key,
  )
  expect(stored[0]!.data).toMatchObject({
    name: 'Grace of the auditors',
    keyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
  })

  const revoked = await admin('revoke-auditor-key', one.key_id, '--reason', 'the audit is over')
  expect(revoked).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`Revoked ${one.key_id}`) })
  await vi.waitFor(async () => expect(await statusWith(one.auditor_key)).toBe(401), { interval: 20, timeout: 1_000 })
  expect(await statusWith(all.auditor_key)).toBe(200)
  expect((await admin('revoke-auditor-key', one.key_id)).stdout).toContain('nothing was written')

  await vi.waitFor(async () => {
    const { stdout } = await admin('list-auditor-keys', '--json')
    const keys: Record<string, unknown>[] = JSON.parse(stdout)
    expect(keys.map(({ key_id }) => key_id)).toEqual([one.key_id, all.key_id])
    expect(keys[0]).toMatchObject({ name: 'Grace of the auditors', revoked_at: expect.any(String) })
    expect(stdout).not.toContain('hash')
  }, 15_000)
  const told = await runCli(['audit', 'history', one.key_id, '--json'], environment)
  const sentences = JSON.parse(told.stdout).map(({ sentence }: { sentence: string }) => sentence)
  expect(sentences).toEqual(
    expect.arrayContaining([
      `The auditor key ${one.key_id} was made for Grace of the auditors.`,
      'Grace of the auditors read the seals.',
      `The auditor key ${one.key_id} was revoked: the audit is over.`,
    ]),
  )
}, 120_000)

test('a key for an account of rungate opens that account’s events alone', async () => {
  const register = async (name: string) => {
    const answer = await fetch(`${stack.url}/rungate/v1/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    })
    expect(answer.status).toBe(201)
    return ((await answer.json()) as { data: { account: { id: string; slug: string }; agent: { id: string } } }).data
  }
  const [own, other] = [await register('Audited'), await register('Others')]
  const made = await created(runCli, '--account', own.account.slug, '--name', 'Grace of the auditors')
  expect(made).toMatchObject({ operator_id: own.account.id, changed: true })
  const history = async (id: string) => {
    const headers = { authorization: `Bearer ${made.auditor_key}` }
    const answer = await fetch(`${stack.url}/audit/v1/history/${id}`, { headers })
    return { status: answer.status, text: await answer.text() }
  }
  await vi.waitFor(async () => expect(await statusWith(made.auditor_key)).toBe(200), { interval: 100, timeout: 5_000 })
  expect((await history(own.agent.id)).text).toContain('rungate.AgentCreated.v1')
  const foreign = await history(other.agent.id)
  expect(foreign.text).not.toContain('rungate.')
}, 120_000)

test('what cannot be is refused with the exit code for it', async () => {
  expect(await admin('create-auditor-key', '--name', 'x')).toMatchObject({ exitCode: 2 })
  expect(await admin('create-auditor-key', '--account', 'nobody', '--name', 'x')).toMatchObject({ exitCode: 1 })

  expect(await admin('create-auditor-key', '--operator', 'nobody', '--name', 'x')).toMatchObject({ exitCode: 1 })
  expect(await admin('create-auditor-key', '--operator', stack.adminContext().commandId, '--name', 'x')).toMatchObject({
    exitCode: 1,
    stdout: '',
  })
  expect(await admin('create-auditor-key', '--operator', 'all')).toMatchObject({ exitCode: 2 })
  expect(await admin('revoke-auditor-key', 'nothing')).toMatchObject({ exitCode: 1 })
}, 60_000)
