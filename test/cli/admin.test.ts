/** `opslog admin` and the manners of the command line against a running instance, as programs of their own where that matters. */
import { userInfo } from 'node:os'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import type { Recorded } from '../../src/events/event.ts'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let environment: Record<string, string>
const empty = temporaryDirectory()

beforeAll(async () => {
  stack = await startStack()
  environment = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: empty.path }
})
afterAll(async () => {
  await stack.close()
  empty.remove()
})

const opslog = (...args: string[]) => runCli(args, environment)
const json = async (...args: string[]) => JSON.parse((await opslog(...args, '--json')).stdout)
const create = (slug: string, ...more: string[]) =>
  json('admin', 'operator', 'create', '--name', 'A', '--slug', slug, ...more)
const statusWith = async (key: string): Promise<number> => {
  const answer = await fetch(`${stack.url}/noctant/v1/me`, { headers: { authorization: `Bearer ${key}` } })
  await answer.body?.cancel()
  return answer.status
}
/** A list comes from the read models. */
const arrival = { timeout: 10_000, interval: 100 }
/** What was done is known to every process of the API within a second (design, section 8). */
const within1s = { timeout: 1_000, interval: 50 }

describe('an operator', () => {
  it('is created by an event that names the user of this machine', async () => {
    const facts = ['--name', 'A', '--slug', 'acme', '--tier', 'pro', '--origin', 'https://app.example.com']
    const ended = await spawnCli(['admin', 'operator', 'create', ...facts, '--json'], environment)
    const created = JSON.parse(ended.stdout)
    const events: Recorded[] = []
    for await (const event of stack.store.readStream(`noctant.operator-${created.operator_id}`)) events.push(event)
    expect(events).toMatchObject([
      {
        type: 'noctant.OperatorCreated.v1',
        data: { slug: 'acme', rateLimitTier: 'pro', allowedOrigins: ['https://app.example.com'] },
        metadata: { actor: { kind: 'admin', id: userInfo().username } },
      },
    ])
  })

  it('is listed, and not created twice', async () => {
    await create('twice')
    const again = await opslog('admin', 'operator', 'create', '--name', 'A', '--slug', 'twice')
    expect(again).toMatchObject({ exitCode: 1, stdout: '', stderr: 'error: The operator exists already.\n' })
    await vi.waitFor(async () => {
      const slugs = (await json('admin', 'operator', 'list')).map(({ slug }: { slug: string }) => slug)
      expect(slugs.filter((slug: string) => slug === 'twice')).toHaveLength(1)
    }, arrival)
  })

  it('may be named by slug or id; its keys stop while it is suspended', async () => {
    const { operator_id } = await create('paused')
    const { api_key } = await json('admin', 'key', 'issue', 'paused', '--all-scopes')
    await vi.waitFor(async () => expect(await statusWith(api_key)).toBe(200), within1s)
    const suspended = await json('admin', 'operator', 'suspend', 'paused', '--reason', 'unpaid')
    expect(suspended).toMatchObject({ status: 'suspended', changed: true })
    await vi.waitFor(async () => expect(await statusWith(api_key)).toBe(403), within1s)
    expect(await json('admin', 'operator', 'suspend', operator_id)).toMatchObject({ changed: false, events: [] })
    await json('admin', 'operator', 'resume', operator_id)
    await vi.waitFor(async () => expect(await statusWith(api_key)).toBe(200), within1s)
  })
})

describe('an API key', () => {
  it('goes to standard output alone, does what its scopes say, and is kept as a hash only', async () => {
    await create('keys')
    const issue = ['admin', 'key', 'issue', 'keys', '--scope', 'users:read', '--label', 'back office']
    const issued = await spawnCli(issue, environment)
    const key = issued.stdout.trim()
    expect(issued).toMatchObject({ exitCode: 0, stdout: `${key}\n` })
    expect(issued.stderr).not.toContain(key)
    await vi.waitFor(async () => expect(await statusWith(key)).toBe(200), within1s)
    const accounts = await fetch(`${stack.url}/noctant/v1/accounts`, { headers: { authorization: `Bearer ${key}` } })
    expect(accounts.status).toBe(403)
    const listed = await opslog('admin', 'key', 'list', 'keys', '--json')
    expect(JSON.parse(listed.stdout)).toMatchObject([
      { label: 'back office', scopes: ['users:read'], revoked_at: null },
    ])
    expect(listed.stdout).not.toContain(key)
    expect(listed.stdout).not.toMatch(/[0-9a-f]{64}/)
  })

  it('is revoked for good', async () => {
    await create('revoking')
    const { api_key, key_id } = await json('admin', 'key', 'issue', 'revoking', '--all-scopes')
    await vi.waitFor(async () => expect(await statusWith(api_key)).toBe(200), within1s)
    expect(await json('admin', 'key', 'revoke', 'revoking', key_id, '--reason', 'leaked')).toMatchObject({
      changed: true,
    })
    await vi.waitFor(async () => expect(await statusWith(api_key)).toBe(401), within1s)
    expect(await json('admin', 'key', 'revoke', 'revoking', key_id)).toMatchObject({ changed: false })
  })
})

describe('the command line', () => {
  it.each([
    ['an operator that nobody knows', 1, 'There is no operator nobody.', ['admin', 'operator', 'suspend', 'nobody']],
    ['a key that nobody knows', 1, 'There is no operator nobody.', ['admin', 'key', 'revoke', 'nobody', 'k']],
    ['a slug in the wrong form', 2, 'small letters', ['admin', 'operator', 'create', '--name', 'A', '--slug', 'A B']],
    ['a scope that does not exist', 2, 'no such scope', ['admin', 'key', 'issue', 'acme', '--scope', 'all']],
    ['a key that may do nothing', 2, 'allowed nothing', ['admin', 'key', 'issue', 'acme']],
    ['a command that does not exist', 2, 'unknown command', ['administrate']],
  ])('refuses %s with a sentence and exit code %i', async (_what, exitCode, message, args) => {
    const ended = await opslog(...args)
    expect(ended).toMatchObject({ exitCode, stdout: '' })
    expect(ended.stderr).toContain(message)
    expect(ended.stderr).not.toMatch(/\n\s+at /)
  })

  it('says how to start an instance where none runs', async () => {
    const ended = await runCli(['admin', 'operator', 'list'], { DATA_DIR: empty.path })
    expect(ended).toMatchObject({ exitCode: 3, stdout: '' })
    expect(ended.stderr).toContain('npm start')
  })

  it.each([
    ['event store', { EVENTSTORE_URL: 'esdb://127.0.0.1:1?tls=false' }, ['admin', 'operator', 'resume', 'acme']],
    ['Postgres', { DATABASE_URL: 'postgres://127.0.0.1:1/none' }, ['admin', 'operator', 'list']],
  ])('says so where it cannot reach the %s', async (_what, unreachable, args) => {
    const ended = await spawnCli([...args, '--json'], {
      ...environment,
      EVENTSTORE_DEADLINE_MS: '1000',
      ...unreachable,
    })
    expect(ended).toMatchObject({ exitCode: 3, stdout: '' })
    expect(JSON.parse(ended.stderr)).toMatchObject({ error: { code: 'unreachable' } })
  })

  it('names every setting, and no password', async () => {
    const secret = 'postgres://me:hunter2@127.0.0.1:1/none'
    const { stdout } = await runCli(['config', '--json'], { DATABASE_URL: secret })
    const settings: { name: string }[] = JSON.parse(stdout)
    const { GIVEN: _, ...known } = loadConfig({})
    expect(settings.map(({ name }) => name)).toStrictEqual(expect.arrayContaining(Object.keys(known)))
    expect(stdout).toContain('me:***@127.0.0.1')
    expect(stdout).not.toContain('hunter2')
  })

  it('prints no colours into a pipe', async () => {
    const { stdout, stderr } = await spawnCli(['admin', 'operator', 'list'], { ...environment, CI: 'true' })
    expect(stdout).toContain('acme')
    expect(`${stdout}${stderr}`).not.toContain('\u001b[')
  })
})
