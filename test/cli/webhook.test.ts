/** `opslog admin webhook`, the first as a program of its own, against a running instance. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack, type TestOperator } from '../support/stack.ts'
import { verify, webhookEnvironment } from '../support/webhook-operator.ts'
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts'

const empty = temporaryDirectory()
let stack: Stack
let receiver: Receiver
let acme: TestOperator
let environment: Record<string, string>

beforeAll(async () => {
  stack = await startStack({ environment: { ...webhookEnvironment, CONTEXTS: 'noctant' } })
  receiver = await startReceiver()
  acme = await stack.addOperator()
  const services = { EVENTSTORE_URL: stack.eventStoreUrl, DATABASE_URL: stack.databaseUrl, DATA_DIR: empty.path }
  environment = { ...services, ...webhookEnvironment }
})
afterAll(async () => {
  await stack.close()
  await receiver.close()
  empty.remove()
})

const webhook = (command: string, ...args: string[]) =>
  runCli(['admin', 'webhook', command, acme.operatorId, ...args], environment)
const json = async (command: string, ...args: string[]) =>
  JSON.parse((await webhook(command, ...args, '--json')).stdout)
const provision = (external_id: string) =>
  fetch(`${stack.url}/noctant/v1/users`, {
    method: 'POST',
    headers: { authorization: `Bearer ${acme.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ external_id }),
  })

describe('a webhook endpoint on the command line', () => {
  it('is set with a secret that is shown once, and signs', async () => {
    expect(await webhook('show')).toMatchObject({ exitCode: 1 })
    const set = ['admin', 'webhook', 'set', acme.operatorId, '--url', receiver.url, '--event-type', 'user.provisioned']
    const first = await spawnCli(set, environment)
    expect(first.exitCode).toBe(0)
    const secret = first.stdout.trim()
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const again = await json('set', '--url', receiver.url, '--event-type', 'user.provisioned')
    expect(again).toMatchObject({ changed: false, enabled: true, event_types: ['user.provisioned'] })
    expect(again.secret).toBeUndefined()
    await provision('trader-1')
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(1)
    expect(verify(secret, receiver.received[0]!)).toMatchObject({ type: 'user.provisioned' })

    const rotated = await json('rotate-secret')
    expect(rotated.secret).toMatch(/^whsec_/)
    expect(await json('show')).toMatchObject({ configured: true, url: receiver.url, signing_secrets: 2 })
    await expect
      .poll(async () => {
        const seen = receiver.received.length
        await provision(`trader-${seen + 1}`)
        await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(seen)
        return receiver.received.at(-1)?.headers['webhook-signature']
      })
      .toMatch(/^v1,\S+ v1,\S+$/)
    for (const each of [secret, rotated.secret]) expect(() => verify(each, receiver.received.at(-1)!)).not.toThrow()
  })

  it('is switched off and on', async () => {
    expect(await json('disable', '--reason', 'moving')).toMatchObject({ enabled: false, changed: true })
    expect(await json('disable')).toMatchObject({ enabled: false, changed: false })
    expect((await webhook('set', '--url', `${receiver.url}/new`)).stderr).toContain('webhook enable')
    expect(await json('enable')).toMatchObject({ enabled: true, changed: true, url: `${receiver.url}/new` })
  })

  it.each([
    ['https://169.254.169.254/latest/meta-data/', 'webhook_url_refused'],
    ['https://[::ffff:10.0.0.1]/', 'webhook_url_refused'],
    ['http://example.com/', 'webhook_url_refused'],
  ])('does not go to %s', async (url, code) => {
    const refused = await webhook('set', '--url', url, '--json')
    expect([refused.exitCode, JSON.parse(refused.stderr || refused.stdout).error?.code]).toStrictEqual([1, code])
  })

  it('on this machine is refused unless the instance permits it, whatever the command’s own environment says', async () => {
    const own = { ...environment, WEBHOOK_ALLOW_PRIVATE: 'false' }
    const set = ['admin', 'webhook', 'set', acme.operatorId, '--url', receiver.url]
    expect((await runCli(set, own)).stderr).toContain('was started with WEBHOOK_ALLOW_PRIVATE=true')
    const services = {
      pid: process.pid,
      api: null,
      eventStore: { kind: 'external', url: stack.eventStoreUrl },
      postgres: { kind: 'external', url: stack.databaseUrl },
      stream: { kind: 'in-process', url: null },
      engine: null,
    }
    const running = temporaryDirectory()
    const instanceWith = (isPermitted: boolean) =>
      writeFileSync(
        join(running.path, 'services.json'),
        JSON.stringify({ ...services, settings: { WEBHOOK_ALLOW_PRIVATE: isPermitted } }),
      )
    instanceWith(false)
    expect((await runCli(set, { ...environment, DATA_DIR: running.path })).exitCode).toBe(1)
    instanceWith(true)
    expect((await runCli(set, { ...own, DATA_DIR: running.path })).exitCode).toBe(0)
    running.remove()
  })

  it('takes no event type that does not exist', async () => {
    const refused = await webhook('set', '--url', receiver.url, '--event-type', 'account.exploded')
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('There is no event type account.exploded')
  })

  it('leaves the key out of what `opslog config` shows', async () => {
    const shown = await runCli(['config', '--json'], environment)
    expect(shown.stdout).toContain('WEBHOOK_SECRETS_KEY')
    expect(shown.stdout).not.toContain(webhookEnvironment.WEBHOOK_SECRETS_KEY)
  })

  it('needs the key that secrets are sealed with', async () => {
    const { WEBHOOK_SECRETS_KEY: _, ...without } = environment
    const refused = await runCli(['admin', 'webhook', 'rotate-secret', acme.operatorId], without)
    expect(refused.exitCode).toBe(1)
    expect(refused.stderr).toContain('WEBHOOK_SECRETS_KEY')
  })
})
