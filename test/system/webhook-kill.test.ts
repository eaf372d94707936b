/**
 * The process that delivers webhooks, killed with -9 after the endpoint has the request and before it has answered:
 * nobody can know how that attempt ended, so it is on record as unknown and is made again, under the same id.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { setWebhookEndpoint } from '../../src/commands/noctant/webhook-endpoint.ts'
import { generateWebhookSecret, sealSecret } from '../../src/webhooks/secret.ts'
import { eventually } from '../projections/support.ts'
import { temporaryDirectory } from '../support/services.ts'
import { type Stack, startStack } from '../support/stack.ts'
import { sealingKey, verify, webhookEnvironment } from '../support/webhook-operator.ts'
import { answers, hangs, type Receiver, startReceiver } from '../support/webhook-receiver.ts'

const directory = temporaryDirectory()
let stack: Stack
let receiver: Receiver
let running: ChildProcess | undefined

beforeAll(async () => {
  stack = await startStack({
    environment: { ...webhookEnvironment, CONTEXTS: 'noctant', ROLES: 'api,projector,relay,engine' },
  })
  receiver = await startReceiver()
})
afterAll(async () => {
  if (running?.exitCode === null && running.signalCode === null) {
    running.kill('SIGTERM')
    await once(running, 'exit')
  }
  await receiver.close()
  await stack.close()
  directory.remove()
})

/** The webhooks role as a process of its own, against the stack's services. */
async function startWebhooks(): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    env: {
      ...process.env,
      ...webhookEnvironment,
      WEBHOOK_TIMEOUT_MS: '30000',
      ROLES: 'webhooks',
      DATA_DIR: join(directory.path, 'webhooks'),
      EVENTSTORE_URL: stack.eventStoreUrl,
      DATABASE_URL: stack.databaseUrl,
      NATS_URL: 'nats://127.0.0.1:9',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  for await (const chunk of child.stdout) if (String(chunk).includes('is up')) break
  child.stdout.resume()
  running = child
  return child
}

interface Attempt {
  event_id: string
  attempt_number: number
  status: string
  error_class: string | null
}

it('a delivery survives kill -9 between the request and the record', { timeout: 60_000 }, async () => {
  const { operatorId, apiKey } = await stack.addOperator()
  const [secret, secretId] = [generateWebhookSecret(), '5f5dbb3c-9f3e-4c5a-8a8f-0d4c6c1f7a01']
  const kept = { secretId, sealed: sealSecret(secret, { endpointId: operatorId, secretId }, sealingKey) }
  const context = stack.adminContext()
  const set = { kind: 'set', operatorId, url: receiver.url, eventTypes: null, secret: kept, at: context.at } as const
  await setWebhookEndpoint(stack.bus, set, context)
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  const attempts = async () => {
    const answer = await fetch(`${stack.url}/noctant/v1/webhooks/deliveries`, { headers })
    return ((await answer.json()) as { deliveries: Attempt[] }).deliveries.toReversed()
  }

  const first = await startWebhooks()
  receiver.behave(hangs)
  const body = JSON.stringify({ external_id: 'trader-1' })
  await fetch(`${stack.url}/noctant/v1/users`, { method: 'POST', headers, body })
  await eventually(() => expect(receiver.received).toHaveLength(1), 20_000)
  first.kill('SIGKILL')
  await once(first, 'exit')
  expect(await attempts()).toStrictEqual([])

  receiver.behave(answers(200))
  await startWebhooks()
  await eventually(() => expect(receiver.received).toHaveLength(2), 20_000)
  const [one, two] = receiver.received
  expect(two?.headers['webhook-id']).toBe(one?.headers['webhook-id'])
  expect(two?.body).toBe(one?.body)
  expect(verify(secret, two!)).toStrictEqual(two?.event)
  const rows = await eventually(async () => {
    const made = await attempts()
    expect(made).toHaveLength(2)
    return made
  })
  expect(rows).toMatchObject([
    { event_id: one?.event.id, attempt_number: 1, status: 'transient_fail', error_class: 'outcome_unknown' },
    { event_id: one?.event.id, attempt_number: 2, status: 'delivered', error_class: null },
  ])
  expect(receiver.received).toHaveLength(2)
})

it('stops in order when it is asked to, with no API beside it', { timeout: 30_000 }, async () => {
  const child = running?.exitCode === null && running.signalCode === null ? running : await startWebhooks()
  const startedMs = performance.now()
  child.kill('SIGTERM')
  const [exitCode] = await once(child, 'exit')
  expect(exitCode).toBe(0)
  expect(performance.now() - startedMs).toBeLessThan(8_000)
})
