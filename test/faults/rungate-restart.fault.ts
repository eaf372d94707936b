/**
 * Row G2 of an instance with an event store of its own: where all of it was killed, nobody can settle a call that was under way, and
 * the next start says so at once, however long the call had.
 */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createEventStore } from '../../src/events/store.ts'
import type { Asked } from '../http/api.ts'
import { callerOf, GPT, settledCalls, user } from '../http/rungate/calling.ts'
import { runCli } from '../support/cli.ts'
import { registry } from '../support/contexts.ts'
import { createInstance, type Instance } from '../support/instance.ts'
import { type ProviderProcess, startProviderProcess } from '../support/provider-process.ts'

/** Far less than what a call has until it expires by the clock, and far more than a sweep takes. */
const AT_ONCE_MS = 30_000

let instance: Instance
let provider: ProviderProcess
beforeAll(async () => {
  ;[instance, provider] = await Promise.all([
    createInstance({ CONTEXTS: 'noctant,rungate', NATS_SERVER: 'off', CALL_SWEEP_INTERVAL_MS: '200' }),
    startProviderProcess(),
  ])
  await instance.start()
}, 400_000)
afterAll(async () => {
  await instance.close()
  await provider.close()
}, 60_000)

async function govern(method: string, path: string, { key, body }: Asked = {}) {
  const response = await fetch(`${instance.url()}/rungate${path}`, {
    method,
    headers: {
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
}

it('row G2: a call under way when the instance is killed has expired as soon as it runs again, and is settled by hand', {
  timeout: 300_000,
}, async () => {
  const caller = await callerOf({ govern, url: instance.url() }, provider)
  // Two minutes for the answer, and half a minute more until it expires by the clock.
  const agent = await caller.agent({ policy: { budget: { hard_limit_usd: 0.01 }, routing: { timeout_ms: 120_000 } } })
  const body = { model: GPT, max_completion_tokens: 50, messages: user('hi') }
  const call = async () => (await govern('POST', '/v1/chat/completions', { key: agent.apiKey, body })).status
  await vi.waitFor(async () => expect(await call()).toBe(200), { interval: 50, timeout: 10_000 })
  await provider.order({ reset: true, rules: [{ fault: { hang: true } }] })
  const underWay = call().catch(() => undefined)
  await vi.waitFor(async () => expect(await provider.log()).toHaveLength(1), { interval: 20, timeout: 10_000 })
  await instance.end('SIGKILL')
  expect(await underWay).toBeUndefined()
  await provider.order({ reset: true })

  await instance.start()
  const { data: runs } = (await govern('GET', '/api/runs', { key: caller.token })).body
  const stepsOf = async () => (await govern('GET', `/api/runs/${runs[0].id}/steps`, { key: caller.token })).body.data
  const lost = await vi.waitFor(
    async () => {
      const found = (await stepsOf()).find(({ status }: { status: string }) => status === 'error')
      expect(found).toMatchObject({ type: 'llm_call', cost_usd: 0 })
      return found
    },
    { interval: 100, timeout: AT_ONCE_MS },
  )
  expect(lost.error_message).toContain('may have cost up to')
  expect(await call()).toBe(200)

  const args = ['rungate', 'calls', 'settle', lost.id, '--cost', '0.0001', '--provider', 'openai', '--json']
  const ended = await runCli(args, instance.toolEnvironment())
  expect([ended.exitCode, JSON.parse(ended.stdout).changed]).toEqual([0, true])
  await vi.waitFor(
    async () => {
      const step = (await stepsOf()).find(({ id }: { id: string }) => id === lost.id)
      expect(step).toMatchObject({ status: 'success', cost_usd: 0.0001 })
    },
    { interval: 100, timeout: 10_000 },
  )
  const store = createEventStore({ registry, url: instance.eventStoreUrl(), deadlineMs: 5_000, appendAttemptsMax: 3 })
  try {
    const settled = await settledCalls({ store }, agent.agentId)
    expect(settled.map(({ replacesHeld }) => replacesHeld)).toEqual([false, false, true])
  } finally {
    await store.close()
  }
  const verified = await runCli(['audit', 'verify', '--all'], instance.toolEnvironment())
  expect([verified.exitCode, verified.stderr]).toEqual([0, ''])
})
