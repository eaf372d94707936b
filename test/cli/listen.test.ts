/** `opslog listen` and `opslog trigger` against a whole instance: what a developer sees on a laptop. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { recipes } from '../../src/cli/noctant/trigger-recipes.ts'
import { overridden } from '../../src/cli/noctant/triggering.ts'
import { partnerEventTypes } from '../../src/events/noctant/partner-events.ts'
import { runCli } from '../support/cli.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { root } from '../support/source.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { verify } from '../support/webhook-operator.ts'
import { answers, type Receiver, startReceiver } from '../support/webhook-receiver.ts'

let stack: Stack
let receiver: Receiver
let environment: Record<string, string>
let operatorId: string
const children: ChildProcess[] = []

beforeAll(async () => {
  stack = await startStack({ environment: { CONTEXTS: 'noctant' } })
  receiver = await startReceiver()
  const directory = dirname(stack.logFile)
  const me = await fetch(`${stack.url}/noctant/v1/me`, { headers: { authorization: `Bearer ${stack.apiKey}` } })
  operatorId = ((await me.json()) as { operator: { operator_id: string } }).operator.operator_id
  const services = {
    ...{ pid: process.pid, api: { url: stack.url }, engine: stack.engine },
    eventStore: { kind: 'embedded', url: stack.eventStoreUrl },
    postgres: { kind: 'external', url: stack.databaseUrl },
    stream: { kind: 'embedded', url: null },
  }
  writeFileSync(join(directory, 'services.json'), JSON.stringify(services))
  const sandbox = { url: stack.url, api_key: stack.apiKey, operator_id: operatorId }
  writeFileSync(join(directory, 'sandbox-operator.json'), JSON.stringify(sandbox))
  environment = { DATA_DIR: directory }
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await receiver.close()
  await stack.close()
})

interface Listener {
  printed(): string
  /** Ends it as Ctrl-C does. */
  interrupt(): Promise<number | null>
}

/** Resolves once it follows the log. */
async function listen(...args: string[]): Promise<Listener> {
  const env = { ...programEnvironment(), NODE_NO_WARNINGS: '1', ...environment }
  const child = spawn(process.execPath, [join(root, 'src/cli/opslog.ts'), 'listen', ...args], { env })
  children.push(child)
  let printed = ''
  for (const output of [child.stdout, child.stderr]) {
    output.setEncoding('utf8').on('data', (text: string) => {
      printed += text
    })
  }
  await expect.poll(() => printed, { timeout: 60_000 }).toContain('signing secret whsec_')
  return {
    printed: () => printed,
    async interrupt() {
      const ended = once(child, 'exit')
      child.kill('SIGINT')
      const [exitCode] = await ended
      return exitCode as number | null
    },
  }
}

/** The instance, which answers the first requests as one that has not followed the log so far. */
async function startLate(refusalsMax: number) {
  let refusals = 0
  const server = createServer(async (request, response) => {
    const {
      method = '',
      url,
      headers: { authorization = '' },
    } = request
    if (refusals < refusalsMax) {
      refusals += 1
      return response.writeHead(401).end()
    }
    const body = method === 'GET' ? undefined : await text(request)
    const sent = { authorization, 'content-type': 'application/json' }
    const answer = await fetch(`${stack.url}${url}`, { method, headers: sent, ...(body === undefined ? {} : { body }) })
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const close = () => new Promise((resolve) => server.close(resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refusals: () => refusals, close }
}

const trigger = async (...args: string[]) => runCli(['trigger', ...args, '--json'], environment)
const arrived = (id: string) => receiver.received.filter(({ headers }) => headers['webhook-id'] === id)

/** A program of its own loads all contexts before it follows. */
const patience = 120_000

describe('opslog listen', () => {
  it(
    'brings what is triggered to an address of this machine, signed, and ends well',
    async () => {
      const listener = await listen('--forward-to', receiver.url, '--headers', 'x-env: laptop')
      const made = JSON.parse((await trigger('account.opened')).stdout)
      await expect.poll(() => arrived(made.event_id).length, { timeout: 10_000 }).toBe(1)
      const [received] = arrived(made.event_id)
      const [, secret = ''] = /signing secret (\S+)/.exec(listener.printed()) ?? []
      expect(verify(secret, received!)).toEqual(made.body)
      expect(received?.headers['x-env']).toBe('laptop')
      await expect.poll(listener.printed).toMatch(/<-- 204 POST \/hooks \d+ ms/)
      expect(listener.printed()).toContain(`--> account.opened [${made.event_id}]`)
      expect(await listener.interrupt()).toBe(0)
    },
    patience,
  )

  it(
    'tries an address that answers 500 again where that is asked for, under the same id',
    async () => {
      const listener = await listen('--forward-to', receiver.url, '--events', 'user.provisioned', '--retry')
      receiver.behave(answers(500, {}, 'the handler fell over\nat line 3'), answers(200))
      const made = JSON.parse((await trigger('user.provisioned')).stdout)
      await expect.poll(() => arrived(made.event_id).length, { timeout: 10_000 }).toBe(2)
      expect(listener.printed()).toMatch(/<-- 500 POST \/hooks \d+ ms the handler fell over\n/)
      expect(await listener.interrupt()).toBe(0)
    },
    patience,
  )

  it(
    'brings what is replayed again, under its id',
    async () => {
      const url = `${receiver.url}/endpoint`
      const set = await runCli(['admin', 'webhook', 'set', operatorId, '--url', url], {
        ...environment,
        WEBHOOK_ALLOW_PRIVATE: 'true',
      })
      expect(set.stderr).not.toContain('error')
      const made = JSON.parse((await trigger('user.provisioned')).stdout)
      const listener = await listen()
      const body = { from_created_at: made.body.recorded_at, to_created_at: new Date().toISOString() }
      const asked = await fetch(`${stack.url}/noctant/v1/webhooks/replays`, {
        method: 'POST',
        headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ ...body, idempotency_key: 'replay-1' }),
      })
      expect([asked.status, await asked.text()]).toEqual([202, expect.any(String)])
      await expect.poll(listener.printed, { timeout: 10_000 }).toContain(`[${made.event_id}] resent`)
      expect(await listener.interrupt()).toBe(0)
    },
    patience,
  )

  it('knows which events there are', async () => {
    const { exitCode, stderr } = await runCli(['listen', '--events', 'account.eaten'], environment)
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('account.opened')])
  })
})

/** What no request leads to: faults of the engine, time that passes, and markets that were imported. */
const UNTRIGGERED = [
  ...['command.dead_lettered', 'challenge.expired', 'payout.execution_failed', 'payout.execution_invalid'],
  ...['historical_session.requested', 'historical_session.created', 'historical_session.completed'],
]
/** Those wait until the market has made a profit, for half a minute and more. */
const TRADED = /^(payout\.|challenge\.(passed|step_passed|review|completed))/
const quick = [...recipes.keys()].filter((type) => !TRADED.test(type))

describe('opslog trigger', () => {
  it('has a way to every event but those that no request leads to', () => {
    const missing = partnerEventTypes.filter((type) => !recipes.has(type))
    expect(missing).toEqual(UNTRIGGERED)
    expect([...recipes.keys()].filter((type) => !partnerEventTypes.includes(type))).toEqual([])
  })

  it.each(quick)(
    'makes %s happen',
    async (type) => {
      const { exitCode, stdout, stderr } = await trigger(type)
      expect([exitCode, stderr.match(/error.*/)]).toEqual([0, null])
      expect(JSON.parse(stdout)).toMatchObject({ event: type, operator_id: operatorId, body: { type } })
    },
    60_000,
  )

  it(
    'is of another operator by a key that is gone afterwards, and never of one in production',
    async () => {
      const json = async (...args: string[]) => JSON.parse((await runCli([...args, '--json'], environment)).stdout)
      await json('admin', 'operator', 'create', '--name', 'A', '--slug', 'tryout')
      const made = JSON.parse((await trigger('user.provisioned', '--operator', 'tryout')).stdout)
      expect(made.body).toMatchObject({ type: 'user.provisioned', operator_id: made.operator_id })
      await expect
        .poll(async () =>
          (await json('admin', 'key', 'list', 'tryout')).map((key: { revoked_at: string }) => key.revoked_at),
        )
        .toEqual([expect.any(String)])
      await json('admin', 'operator', 'create', '--name', 'B', '--slug', 'earnest', '--environment', 'production')
      const refused = await trigger('user.provisioned', '--operator', 'earnest')
      expect([refused.exitCode, refused.stdout]).toEqual([1, ''])
    },
    patience,
  )

  it(
    'waits for an instance that has not heard of the new key yet',
    async () => {
      const late = await startLate(3)
      const file = join(environment.DATA_DIR ?? '', 'services.json')
      const services = readFileSync(file, 'utf8')
      writeFileSync(file, JSON.stringify({ ...JSON.parse(services), api: { url: late.url } }))
      const { exitCode, stderr } = await trigger('user.provisioned', '--operator', operatorId)
      writeFileSync(file, services)
      await late.close()
      expect([exitCode, stderr, late.refusals()]).toEqual([0, '', 3])
    },
    patience,
  )

  it('takes other values for members of its requests', async () => {
    const { body } = JSON.parse((await trigger('account.opened', '--override', 'account_name=Second')).stdout)
    expect(body.data.account_name).toBe('Second')
    const asked = { a: { b: 1 }, c: 'x' }
    expect(overridden(asked, { 'a.b': '2', c: '3', d: '4' })).toEqual({ a: { b: 2 }, c: '3' })
  })

  it('names the events that there are', async () => {
    const { exitCode, stderr } = await trigger('account.eaten')
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining('account.opened')])
  })
})
