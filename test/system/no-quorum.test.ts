/** A cluster that has lost its majority: it answers reads and takes no writes, and an instance says so. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { type EventStoreRelay, startEventStoreRelay } from '../support/event-store-relay.ts'
import { type SecondInstance, startSecond } from '../support/second-instance.ts'
import { type Stack, startStack } from '../support/stack.ts'

let stack: Stack
let relay: EventStoreRelay
let instance: SecondInstance
beforeAll(async () => {
  const environment = { SECRETS_KEY: Buffer.alloc(32, 7).toString('base64') }
  stack = await startStack({ environment })
  relay = await startEventStoreRelay({ target: stack.eventStoreUrl })
  instance = await startSecond({ ...stack, eventStoreUrl: relay.url }, environment)
}, 90_000)
afterAll(async () => {
  await instance.close()
  relay.close()
  await stack.close()
})

const ask = async (path: string, body?: object) => {
  const response = await fetch(`${instance.url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { authorization: `Bearer ${stack.apiKey}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), text: await response.text() }
}
const enter = (external_id: string) => ask('/noctant/v1/users', { external_id })
const readiness = async () => (await ask('/readyz')).status

it('writes are 503 with Retry-After, reads go on, readiness and a gauge follow, until there is a majority again', async () => {
  const known = `known-${randomUUID()}`
  expect((await enter(known)).status).toBe(201)
  await vi.waitFor(async () => expect(await readiness()).toBe(200), 20_000)

  relay.setQuorum(false)
  const refused = await enter(`refused-${randomUUID()}`)
  expect(refused).toMatchObject({ status: 503, retryAfter: '1' })
  expect(refused.text).toContain('dependency_unavailable')
  await vi.waitFor(async () => expect(await readiness()).toBe(503), 20_000)
  const { dependencies } = JSON.parse((await ask('/readyz')).text)
  expect(dependencies.event_store).toMatchObject({ up: false, error: expect.stringContaining('Timeout') })
  const figures = await ask('/metrics')
  expect(figures).toMatchObject({ status: 200, text: expect.stringMatching(/^opslog_event_store_writable 0$/m) })
  expect(figures.text).toMatch(/^opslog_event_store_up 0$/m)
  expect((await ask(`/noctant/v1/users?external_id=${known}`)).status).toBe(200)

  relay.setQuorum(true)
  await vi.waitFor(async () => expect(await readiness()).toBe(200), 20_000)
  expect((await enter(`again-${randomUUID()}`)).status).toBe(201)
  const figuresNow = async () => (await ask('/metrics')).text
  await vi.waitFor(async () => expect(await figuresNow()).toMatch(/^opslog_event_store_writable 1$/m), 20_000)
}, 90_000)
