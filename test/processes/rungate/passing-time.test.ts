/** What time does to an account's data, by HTTP, through a whole installation whose clock is set ahead. */
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadConfig } from '../../../src/config.ts'
import { type LlmSimulator, startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { CONTENT_KEYS, contentKeyId } from '../../../src/processes/rungate/contents.ts'
import { providerSecretsOf } from '../../../src/processes/rungate/processes.ts'
import { createKeyRing } from '../../../src/vault/key-ring.ts'
import { ensureSealingKey } from '../../../src/vault/secrets-key.ts'
import type { Answer, Asked } from '../../http/api.ts'
import { type Caller, type CallingAgent, callerOf, GPT, user } from '../../http/rungate/calling.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import { setClock } from '../../support/set-clock.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { type Receiver, startReceiver } from '../../support/webhook-receiver.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

let stack: Stack
let db: ReadModels
let simulator: LlmSimulator
let receiver: Receiver
let caller: Caller
beforeAll(async () => {
  stack = await startStack({
    hasOwnClock: true,
    environment: {
      ...{ RUNGATE_RETENTION_INTERVAL_MS: '50', RUN_SWEEP_INTERVAL_MS: '50', CLOCK_CHECK_INTERVAL_MS: '20' },
      ...{ RUNGATE_WEBHOOK_DELIVERIES_DAYS: '7', WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_POLL_INTERVAL_MS: '40' },
      CONTENT_LOGGING: 'enabled',
    },
  })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 1, onConnectionLost: () => undefined })
  simulator = await startLlmSimulator()
  receiver = await startReceiver()
  caller = await callerOf({ govern, url: stack.url }, simulator)
})
afterAll(async () => {
  await Promise.all([db.destroy(), simulator.close(), receiver.close()])
  await stack.close()
})

async function govern(method: string, path: string, { key, body }: Asked = {}): Promise<Answer> {
  const response = await fetch(`${stack.url}/rungate${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
const ask = (method: string, path: string, body?: object) => govern(method, path, { key: caller.token, body })

let aheadMs = 0
/** For the installation, once it has noticed; a test before may have let time pass as well. */
async function pass(ms: number): Promise<void> {
  aheadMs += ms
  await setClock(stack.databaseUrl, aheadMs)
  await eventually(async () => {
    const metrics = await (await fetch(`${stack.url}/metrics`)).text()
    const [, offsetS] = metrics.match(/^opslog_clock_offset_seconds (\S+)$/m) ?? []
    expect(Math.abs(Number(offsetS) + aheadMs / 1_000)).toBeLessThan(60)
  })
}
const today = () => new Date(Date.now() + aheadMs).toISOString().slice(0, 10)

describe('a request for approval', () => {
  const tools = [{ type: 'function' as const, function: { name: 'deploy', parameters: { type: 'object' } } }]
  const asked = (agent: CallingAgent) =>
    agent.openAi.chat.completions.create({ model: GPT, messages: user('Ship it'), tools })
  const requests = async ({ agentId }: CallingAgent) =>
    (await ask('GET', `/api/approval-requests?agent_id=${agentId}`)).body.data
  const waiting = async (agent: CallingAgent) => {
    await asked(agent)
    return eventually(async () => {
      const [request] = await requests(agent)
      expect(request).toMatchObject({ status: 'pending', request_snapshot: { messages: user('Ship it') } })
      return request.id as string
    })
  }

  it('that nobody decides on expires when its time is over, and the same call asks anew', async () => {
    const agent = await caller.agent({ policy: { require_approval: ['deploy'] } })
    const id = await waiting(agent)
    const types = async () => (await eventsOf(stack.store, `rungate.approval-${id}`)).map(({ type }) => type)
    await pass(7 * HOUR_MS)
    expect(await requests(agent)).toMatchObject([{ id, status: 'pending' }])
    await pass(2 * HOUR_MS)
    await eventually(async () => expect(await types()).toContain('rungate.ApprovalExpired.v1'))
    expect(await requests(agent)).toMatchObject([{ id, status: 'expired' }])
    expect((await ask('POST', `/api/approval-requests/${id}/approve`)).status).toBe(409)
    expect(await waiting(agent)).not.toBe(id)
  })

  it('expires with its run, and cannot be decided on any more', async () => {
    const agent = await caller.agent({ policy: { require_approval: ['deploy'] } })
    const id = await waiting(agent)
    const [{ run_id: runId }] = await requests(agent)
    expect((await ask('POST', `/api/runs/${runId}/stop`)).status).toBe(200)
    await eventually(async () => expect(await requests(agent)).toMatchObject([{ id, status: 'expired' }]))
    expect((await ask('POST', `/api/approval-requests/${id}/approve`)).status).toBe(409)
  })

  it('loses what was kept for its decider a week after the decision, and not before', async () => {
    const agent = await caller.agent({ policy: { require_approval: ['deploy'] } })
    const id = await waiting(agent)
    expect((await ask('POST', `/api/approval-requests/${id}/approve`)).status).toBe(200)
    const snapshot = async () => (await ask('GET', `/api/approval-requests/${id}`)).body.data.request_snapshot
    await pass(6 * DAY_MS)
    expect(await snapshot()).toMatchObject({ messages: user('Ship it') })
    await pass(2 * DAY_MS)
    await eventually(async () => expect(await snapshot()).toStrictEqual({ redacted: true }))
  })
})

describe('what steps said', () => {
  it('is destroyed with the days of a cleanup, and stays for those behind it', async () => {
    const agent = await caller.agent()
    const called = async () => {
      const { response } = await agent.openAi.chat.completions
        .create({ model: GPT, messages: user('Remember me') })
        .withResponse()
      const runId = response.headers.get('x-rungate-run-id')
      const steps = async () => (await ask('GET', `/api/runs/${runId}/steps`)).body.data
      await eventually(async () => expect(await steps()).toMatchObject([{ request: { model: GPT } }]))
      expect((await ask('POST', `/api/runs/${runId}/complete`, {})).status).toBe(200)
      return { runId, day: today() }
    }
    const keyOf = async (day: string) => {
      const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: dirname(stack.logFile) }))
      // As it is now, without what is remembered of before.
      const keys = providerSecretsOf(db, createKeyRing({ current: sealingKey, previous: [] }))
      const key = await keys.find(CONTENT_KEYS, contentKeyId(caller.accountId, day))
      return key instanceof Uint8Array ? 'there' : key
    }
    const old = await called()
    await pass(20 * DAY_MS)
    const young = await called()
    await pass(15 * DAY_MS)
    await eventually(async () =>
      expect((await ask('GET', `/api/runs/${old.runId}`)).body.data.status).toBe('completed'),
    )
    expect((await ask('POST', '/api/analytics/cleanup', { days: 30 })).status).toBe(200)
    await eventually(async () => expect(await keyOf(old.day)).toBe('destroyed'))
    expect(await keyOf(young.day)).toBe('there')
    await eventually(async () => expect((await ask('GET', `/api/runs/${old.runId}`)).status).toBe(404))
    expect((await ask('GET', `/api/runs/${young.runId}`)).status).toBe(200)
  })
})

describe('a delivery to a webhook', () => {
  it('is gone from what is shown some days after its end, and stays in the log', async () => {
    const agent = await caller.agent()
    const hook = { name: 'runs', url: receiver.url, events: ['run.started'], agent_id: agent.agentId }
    const { id } = (await ask('POST', '/api/webhooks', hook)).body.data
    const deliveries = async () => (await ask('GET', `/api/webhooks/${id}/deliveries`)).body.data
    await agent.openAi.chat.completions.create({ model: GPT, messages: user('hi') })
    await eventually(async () => expect(await deliveries()).toMatchObject([{ status: 'success' }]))
    const [{ id: deliveryId }] = await deliveries()
    await pass(6 * DAY_MS)
    expect(await deliveries()).toHaveLength(1)
    await pass(2 * DAY_MS)
    await eventually(async () => expect(await deliveries()).toStrictEqual([]))
    expect(await eventsOf(stack.store, `rungate.webhookDelivery-${deliveryId}`)).toHaveLength(3)
  })
})
