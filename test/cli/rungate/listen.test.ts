/** `opslog rungate listen` against a whole instance: what an account's webhooks tell, on a developer's own machine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../../support/cli.ts'
import { programEnvironment } from '../../support/program-environment.ts'
import { root } from '../../support/source.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { type Receiver, startReceiver } from '../../support/webhook-receiver.ts'

/** A program of its own loads all contexts before it follows. */
const PATIENCE_MS = 120_000

let stack: Stack
let receiver: Receiver
let environment: Record<string, string>
const children: ChildProcess[] = []
beforeAll(async () => {
  ;[stack, receiver] = await Promise.all([startStack(), startReceiver()])
  const directory = dirname(stack.logFile)
  const services = {
    ...{ pid: process.pid, api: { url: stack.url }, engine: stack.engine },
    eventStore: { kind: 'embedded', url: stack.eventStoreUrl },
    postgres: { kind: 'external', url: stack.databaseUrl },
    stream: { kind: 'embedded', url: null },
  }
  writeFileSync(join(directory, 'services.json'), JSON.stringify(services))
  environment = { DATA_DIR: directory }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await receiver.close()
  await stack.close()
})

async function ask(method: string, path: string, body: object, key?: string) {
  const response = await fetch(`${stack.url}/rungate${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify(body),
  })
  const answer = (await response.json()) as { data: Record<string, string> }
  expect(response.status, JSON.stringify(answer)).toBeLessThan(300)
  return answer.data
}

/** The slug and the token of a new account. */
async function account(name: string): Promise<{ slug: string; token: string }> {
  const { account: made, admin_token: token } = (await ask('POST', '/v1/register', { name })) as unknown as {
    account: { slug: string }
    admin_token: string
  }
  return { slug: made.slug, token }
}

describe('opslog rungate listen', () => {
  it(
    'brings what the account’s webhooks tell to an address of this machine, signed, and nothing of another account',
    async () => {
      const acme = await account('Acme')
      const other = await account('Other')
      const secret = 'a secret of the test'.replaceAll(' ', '-')
      const args = ['--account', acme.slug, '--forward-to', receiver.url, '--secret', secret]
      const env = { ...programEnvironment(), NODE_NO_WARNINGS: '1', ...environment }
      const child = spawn(process.execPath, [join(root, 'src/cli/opslog.ts'), 'rungate', 'listen', ...args], { env })
      children.push(child)
      let printed = ''
      for (const output of [child.stdout, child.stderr]) {
        output.setEncoding('utf8').on('data', (text: string) => {
          printed += text
        })
      }
      await expect.poll(() => printed, { timeout: 60_000 }).toContain(`signing secret ${secret}`)

      await ask('POST', '/api/policies', { name: 'of another account' }, other.token)
      const policy = await ask('POST', '/api/policies', { name: 'careful' }, acme.token)
      await expect.poll(() => receiver.received.length, { timeout: 20_000 }).toBe(2)
      const types = ['policy.created', 'policy.version_created']
      expect(receiver.received.map(({ event }) => event.type)).toEqual(types)
      const [created] = receiver.received
      expect(created?.event.data).toMatchObject({ id: policy.id, name: 'careful' })
      expect(created?.headers).toMatchObject({
        'x-rungate-event': 'policy.created',
        'x-rungate-delivery': created?.event.id,
        'x-rungate-signature-256': `sha256=${createHmac('sha256', secret)
          .update(created?.body ?? '')
          .digest('hex')}`,
      })
      expect(printed).toContain(`--> policy.created [${created?.event.id}]`)

      const ended = once(child, 'exit')
      child.kill('SIGINT')
      expect((await ended)[0]).toBe(0)
    },
    PATIENCE_MS,
  )

  it('names the types that there are, and says where there is no such account', async () => {
    const unknown = await runCli(['rungate', 'listen', '--account', 'acme', '--events', 'run.over'], environment)
    expect([unknown.exitCode, unknown.stderr]).toEqual([2, expect.stringContaining('run.completed')])
    const absent = await runCli(['rungate', 'listen', '--account', 'nobody-has-this'], environment)
    expect(absent.exitCode).toBe(1)
  })
})
