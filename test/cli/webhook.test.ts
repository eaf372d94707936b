/** `opslog admin webhook`, the first as a program of its own, against a running instance. */
import { spawn, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runCli, spawnCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'
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

  it('is sent a test event, whatever types it takes, which is not sent again', async () => {
    const before = receiver.received.length
    const { event_id: id, changed } = await json('test')
    expect(changed).toBe(true)
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(before + 1)
    expect(receiver.received.at(-1)).toMatchObject({ headers: { 'webhook-id': id }, event: { type: 'webhook.test' } })
    const resent = await vi.waitFor(async () => {
      const ended = await runCli(['webhooks', 'resend', id], environment)
      expect(ended.stderr).toContain('a test event is not sent again')
      return ended
    }, 10_000)
    expect(resent.exitCode).toBe(1)
  })

  it('is told of an event once more, by the beginning of its id', async () => {
    const before = receiver.received.length
    const id = String(receiver.received[0]?.headers['webhook-id'])
    const resent = await vi.waitFor(async () => {
      const ended = await runCli(['webhooks', 'resend', id.slice(0, 8), '--json'], environment)
      expect(ended).toMatchObject({ exitCode: 0, stderr: '' })
      return JSON.parse(ended.stdout)
    }, 10_000)
    expect(resent).toEqual({ event_id: id, event_type: 'user.provisioned', resent_to: 1 })
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBe(before + 1)
    expect(receiver.received.at(-1)?.headers['webhook-id']).toBe(id)
    expect((await runCli(['webhooks', 'resend', randomUUID()], environment)).exitCode).toBe(1)
    expect((await runCli(['webhooks', 'resend', 'nobody'], environment)).exitCode).toBe(2)
  })

  it('’s requests are judged from what came, with what does not fit', async () => {
    const secret = (await json('rotate-secret')).secret as string
    const before = receiver.received.length
    await provision('trader-judged')
    await expect.poll(() => receiver.received.length, { timeout: 10_000 }).toBeGreaterThan(before)
    const { headers, body } = receiver.received.at(-1)!
    const head = ['POST /hook HTTP/1.1', ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
    const request = `${head.join('\r\n')}\r\n\r\n${body}`
    const judge = (input: string, ...args: string[]) => {
      const program = [join(root, 'scripts/opslog.mjs'), 'webhooks', 'verify', '--secret', secret, '--json', ...args]
      const { status, stdout, stderr } = spawnSync(process.execPath, program, { input, encoding: 'utf8' })
      return [
        status,
        status === 0 ? JSON.parse(stdout) : JSON.parse(stderr.trim().split('\n').at(-1) ?? '').error.message,
      ]
    }
    expect(judge(request)).toEqual([0, { ok: true, webhook_id: headers['webhook-id'] }])
    expect(judge(`${request}\n`)).toEqual([0, { ok: true, webhook_id: headers['webhook-id'] }])
    expect(judge(request.replace('trader-judged', 'trader-forged'))).toEqual([
      1,
      expect.stringContaining('(signature)'),
    ])
    const late = request.replace(/webhook-timestamp: \d+/, 'webhook-timestamp: 1700000000')
    expect(judge(late)).toEqual([1, expect.stringContaining('(clock)')])
    expect(judge(request.replace(/webhook-signature: .*/, ''))).toEqual([1, expect.stringContaining('(headers)')])
    expect(judge('nothing')[0]).toBe(2)
  })

  it('is watched from elsewhere by a key: attempts as they come', { timeout: 60_000 }, async () => {
    const { PATH = '', HOME = '' } = process.env
    const program = [join(root, 'scripts/opslog.mjs'), 'listen', '--url', stack.url, '--key', acme.apiKey]
    const child = spawn(process.execPath, program, { env: { PATH, HOME, NODE_NO_WARNINGS: '1' } })
    let printed = ''
    for (const output of [child.stdout, child.stderr]) output.on('data', (text) => (printed += text))
    await expect.poll(() => printed, { timeout: 30_000 }).toContain(`listening to ${stack.url}`)
    expect(printed).not.toContain('-->')
    await provision('trader-watched')
    await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/--> user\.provisioned \[[0-9a-f-]{36}\] attempt 1/)
    await expect.poll(() => printed, { timeout: 20_000 }).toMatch(/<-- 2\d\d \d+ ms/)
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect((await ended)[0]).toBe(0)
    const both = await runCli(['listen', '--url', stack.url, '--key', acme.apiKey, '--forward-to', receiver.url])
    expect(both).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('do not go with --url') })
    const wrong = await runCli(['listen', '--url', stack.url, '--key', 'nk_wrong'])
    expect([wrong.exitCode, wrong.stderr.includes('credential_invalid')]).toEqual([1, true])
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
