/** Rungate's webhooks through a whole instance, to real receivers: what arrives, signed how, and what becomes of failures. */
import { createHmac } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { publishedEvents } from '../../../src/events/rungate/published.ts'
import { webhookEventType } from '../../../src/events/rungate/webhook.ts'
import type { Answer } from '../../http/api.ts'
import { conforms } from '../../http/conforms.ts'
import { eventually } from '../../projections/support.ts'
import { rungateStreamOf } from '../../support/examples/rungate.ts'
import { example, examplesOf, uuidOf } from '../../support/examples.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { webhookEnvironment } from '../../support/webhook-operator.ts'
import { answers, type Received, type Receiver, resets, startReceiver } from '../../support/webhook-receiver.ts'

const FAILURES_MAX = 3
let stack: Stack
let account: { id: string; token: string; policyId: string; agentId: string }
beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...webhookEnvironment,
      ...{ RUNGATE_WEBHOOK_RETRY_WAITS_MS: '50,60,70', RUNGATE_WEBHOOK_TIMEOUT_MS: '8000' },
      ...{ RUNGATE_WEBHOOK_FAILURES_MAX: String(FAILURES_MAX), RUNGATE_WEBHOOK_SECRET_OVERLAP_S: '1' },
      ...{ RUNGATE_RETENTION_INTERVAL_MS: '100', AUTH_FAILURES_PER_MINUTE_MAX: '100000' },
    },
  })
  const { body } = await call('POST', '/v1/register', { name: 'Acme' }, '')
  const { account: made, admin_token: token, policy, agent } = body.data
  account = { id: made.id, token, policyId: policy.id, agentId: agent.id }
})
afterAll(() => stack.close())
const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function call(method: string, path: string, body?: unknown, token = account.token): Promise<Answer> {
  const response = await fetch(`${stack.url}/rungate${path}`, {
    method,
    headers: {
      ...(token !== '' && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const answer = { status: response.status, headers: response.headers, body: await response.json() }
  conforms(method, path.split('?')[0] ?? '', answer, 'rungate')
  return answer
}

interface Hook {
  id: string
  secret: string
  receiver: Receiver
}

let hooks = 0
async function addHook(events: readonly string[], more: Record<string, unknown> = {}): Promise<Hook> {
  const receiver = await startReceiver()
  hooks += 1
  const asked = { name: `hook ${hooks}`, url: receiver.url, events, ...more }
  const { status, body } = await call('POST', '/api/webhooks', asked)
  expect(status, JSON.stringify(body)).toBe(201)
  closing.push(() => call('DELETE', `/api/webhooks/${body.data.id}`))
  closing.push(() => receiver.close())
  return { id: body.data.id, secret: body.data.secret, receiver }
}

const receives = ({ receiver }: Hook, count: number): Promise<Received[]> =>
  eventually(() => {
    expect(receiver.received.length).toBeGreaterThanOrEqual(count)
    return receiver.received
  })
const signatureOf = (secret: string, { body }: Received) =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`
const webhookOf = async ({ id }: Hook) => (await call('GET', `/api/webhooks/${id}`)).body.data
const deliveriesOf = async ({ id }: Hook) => (await call('GET', `/api/webhooks/${id}/deliveries?limit=200`)).body.data

let agents = 0
async function newAgent(): Promise<Record<string, unknown>> {
  agents += 1
  const asked = { name: `agent ${agents}`, policy_id: account.policyId }
  const { body } = await call('POST', '/api/agents', asked)
  const { api_key: _, _note: __, ...agent } = body.data
  return agent
}

type Told = { type: string; data: Record<string, unknown> }

/** Writes an example of an event to the log, of the account that is asked for here. */
async function tell({ type, data }: Told): Promise<void> {
  const { accountId } = example('rungate.AccountRegistered.v1').data
  const own = JSON.parse(JSON.stringify(data).replaceAll(accountId, account.id)) as Record<string, unknown>
  const stream = rungateStreamOf({ type, data: own })
  const at = stream.indexOf('-')
  const writing = {
    ...{ category: stream.slice(0, at), initialState: null, evolve: () => null },
    decide: () => [{ type, data: own }],
  }
  await stack.bus.handle(writing, stream.slice(at + 1), undefined, stack.adminContext())
}

describe('an event', () => {
  it('of every type that can be subscribed to arrives, signed, with what it is about', async () => {
    const hook = await addHook(webhookEventType.options)
    const ended = example('rungate.RunEnded.v1')
    const blocked = example('rungate.CallBlocked.v1')
    const settled = example('rungate.CallSettled.v1')
    const variants: Told[] = [
      { ...ended, data: { ...ended.data, status: 'completed' } },
      { ...ended, data: { ...ended.data, status: 'budget_exceeded' } },
      { ...blocked, data: { ...blocked.data, status: 'budget_blocked', stepId: uuidOf('budget blocked') } },
      { ...settled, data: { ...settled.data, status: 'error', callId: uuidOf('failed call') } },
    ]
    const published = examplesOf('rungate').filter(({ type }) => publishedEvents.has(type)) as Told[]
    for (const event of [...published, ...variants]) await tell(event)
    const { body } = await call('POST', `/api/webhooks/${hook.id}/test`)
    expect(body.data).toStrictEqual({ message: expect.any(String), delivery_id: expect.any(String) })
    const received = await eventually(() => {
      const types = hook.receiver.received.map(({ event }) => event.type)
      expect(webhookEventType.options.filter((type) => !types.includes(type))).toStrictEqual([])
      return hook.receiver.received
    })
    for (const one of received) {
      const { id, type, created_at, account_id, data } = one.event
      expect(Object.keys(one.event)).toStrictEqual(['id', 'type', 'created_at', 'account_id', 'data'])
      expect([account_id, typeof data, Number.isNaN(Date.parse(String(created_at)))]).toStrictEqual([
        ...[account.id, 'object', false],
      ])
      expect(one.headers['x-rungate-event']).toBe(type)
      expect(one.headers['x-rungate-timestamp']).toMatch(/^\d{10}$/)
      expect(one.headers['x-rungate-signature-256'], String(id)).toBe(signatureOf(hook.secret, one))
      expect(one.headers['x-rungate-signature-256-previous']).toBeUndefined()
      expect(one.body).not.toMatch(/sealed|key_hash|rg_sk_[^0]|request_snapshot/)
    }
    const [ids, deliveries] = [
      new Set(received.map(({ event }) => event.id)),
      new Set(received.map(({ headers }) => headers['x-rungate-delivery'])),
    ]
    expect(ids.size).toBe(deliveries.size)
  })

  it('tells what it is about as a read shows it', async () => {
    const hook = await addHook(
      webhookEventType.options.filter((type) => /^(agent|policy|provider_key|admin_token|alert_rule)\./.test(type)),
    )
    const told = (type: string) =>
      eventually(() => {
        const found = hook.receiver.received.find(({ event }) => event.type === type)
        expect(found, type).toBeDefined()
        return found?.event.data as Record<string, unknown>
      })
    const agent = await newAgent()
    expect(await told('agent.created')).toStrictEqual(agent)
    const limits = { budget: { hard_limit_usd: 0.0003 }, model_mapping: { 'gpt-4o': { anthropic: 'claude' } } }
    const policy = await call('POST', '/api/policies', { name: 'told', ...limits })
    expect(await told('policy.created')).toStrictEqual(policy.body.data)
    const { body: versions } = await call('GET', `/api/policies/${policy.body.data.id}/versions`)
    expect(await told('policy.version_created')).toStrictEqual(versions.data[0])
    const key = { provider: 'openai', name: 'told', api_key: 'sk-example-0123456789' }
    const { api_key: _, last_used_at: __, ...shown } = (await call('POST', '/api/provider-keys', key)).body.data
    expect(await told('provider_key.created')).toStrictEqual(shown)
    const token = await call('POST', '/api/admin-tokens', { name: 'told', scopes: ['read'] })
    expect(await told('admin_token.created')).toStrictEqual(token.body.data)
    const condition = { threshold_usd: 0.0003, window_minutes: 60 }
    const rule = { name: 'told', condition_type: 'cost_threshold', condition_config: condition }
    const ruled = await call('POST', '/api/alert-rules', rule)
    expect(await told('alert_rule.created')).toStrictEqual(ruled.body.data)
    await call('PATCH', `/api/agents/${agent.id}`, { status: 'disabled' })
    expect(await told('agent.disabled')).toMatchObject({ id: agent.id, status: 'disabled' })
    expect(hook.receiver.received.map(({ event }) => event.type)).not.toContain('agent.updated')
  })

  it('comes to the webhooks of its agent and to those of all agents', async () => {
    const agent = await newAgent()
    const own = await addHook(['agent.updated'], { agent_id: agent.id })
    const all = await addHook(['agent.updated'])
    await call('PATCH', `/api/agents/${account.agentId}`, { description: 'another' })
    await call('PATCH', `/api/agents/${agent.id}`, { description: 'its own' })
    await receives(all, 2)
    const [one] = await receives(own, 1)
    expect(one?.event.data).toMatchObject({ id: agent.id, description: 'its own' })
    expect(own.receiver.received).toHaveLength(1)
  })

  it('of a run arrives after those before it, however often they fail', async () => {
    const hook = await addHook(['run.started', 'step.completed', 'run.completed'])
    hook.receiver.behave(answers(500), resets, answers(204))
    const run = { runId: uuidOf('ordered run'), agentId: uuidOf('ordered agent') }
    const [started, logged, ended] = [
      example('rungate.RunStarted.v1', run),
      example('rungate.ToolCallLogged.v1', run),
      example('rungate.RunEnded.v1', { ...run, status: 'completed' }),
    ]
    for (const event of [started, logged, ended]) await tell(event as Told)
    const received = await receives(hook, 5)
    expect(received.map(({ event }) => event.type)).toStrictEqual([
      ...['run.started', 'run.started', 'run.started', 'step.completed', 'run.completed'],
    ])
    expect(new Set(received.slice(0, 3).map(({ headers }) => headers['x-rungate-delivery'])).size).toBe(1)
    expect(received.at(-1)?.event.data).toMatchObject({ id: run.runId, status: 'completed', cost_usd: 0.01006 })
    expect(received.at(-1)?.body).toContain('"cost_usd":0.01006,')
  })
})

describe('a delivery that does not arrive', () => {
  it('is tried four times, and after too many in a row the webhook is failing until somebody enables it', async () => {
    const hook = await addHook(['agent.created'])
    hook.receiver.behave(answers(503, {}, 'busy'))
    for (let count = 1; count <= FAILURES_MAX; count++) {
      await newAgent()
      await eventually(async () => expect((await webhookOf(hook)).failure_count).toBe(count))
    }
    expect(await webhookOf(hook)).toMatchObject({ status: 'failing', failure_count: FAILURES_MAX })
    const deliveries = await deliveriesOf(hook)
    expect(deliveries).toHaveLength(FAILURES_MAX)
    for (const delivery of deliveries) {
      expect(delivery).toMatchObject({
        ...{ status: 'failed', attempts: 4, max_attempts: 4, response_status: 503, response_body: 'busy' },
        ...{ next_retry_at: null, completed_at: expect.any(String), event_type: 'agent.created' },
      })
      expect(JSON.parse(delivery.payload)).toMatchObject({ id: delivery.event_id, type: 'agent.created' })
    }
    await newAgent()
    const sent = FAILURES_MAX * 4
    const { body } = await call('POST', `/api/webhooks/${hook.id}/test`)
    expect(body.data.warning).toContain('failing')
    await receives(hook, sent + 1)
    expect((await call('POST', `/api/webhooks/${hook.id}/enable`)).body.data).toMatchObject({
      ...{ status: 'active', failure_count: 0 },
    })
    hook.receiver.behave(answers(503), answers(200, {}, 'well'))
    await newAgent()
    const received = await receives(hook, sent + 3)
    expect(received.slice(-2).map(({ event }) => event.type)).toStrictEqual(['agent.created', 'agent.created'])
    await eventually(async () => {
      const [last] = await deliveriesOf(hook)
      expect(last).toMatchObject({ status: 'success', attempts: 2, response_status: 200, response_body: 'well' })
    })
    expect((await webhookOf(hook)).failure_count).toBe(0)
  })

  it('is given up where its webhook is paused or deleted', async () => {
    const hook = await addHook(['agent.created'])
    hook.receiver.behave(answers(500))
    await newAgent()
    await receives(hook, 1)
    await call('POST', `/api/webhooks/${hook.id}/disable`)
    await eventually(async () => {
      const [delivery] = await deliveriesOf(hook)
      expect([delivery.status, delivery.next_retry_at]).toStrictEqual(['failed', null])
    })
    expect(await webhookOf(hook)).toMatchObject({ status: 'paused', failure_count: 0 })
    await newAgent()
    await call('PUT', `/api/webhooks/${hook.id}`, { status: 'active' })
    expect(await deliveriesOf(hook)).toHaveLength(1)
  })
})

describe('a secret', () => {
  it('that is replaced signs beside the new one for a while', async () => {
    const hook = await addHook(['agent.created'])
    const { body } = await call('POST', `/api/webhooks/${hook.id}/rotate-secret`)
    expect(body.data.previous_secret).toBe(hook.secret)
    const current = body.data.current_secret
    await newAgent()
    const [one] = await receives(hook, 1)
    expect(one && [one.headers['x-rungate-signature-256'], one.headers['x-rungate-signature-256-previous']]).toEqual(
      one && [signatureOf(current, one), signatureOf(hook.secret, one)],
    )
    expect((await webhookOf(hook)).secret).toBe(`whsec_…${current.slice(-4)}`)
    await eventually(async () =>
      expect(await webhookOf(hook)).toMatchObject({ previous_secret: null, previous_secret_expires_at: null }),
    )
    await newAgent()
    const [, two] = await receives(hook, 2)
    expect(two?.headers['x-rungate-signature-256']).toBe(two && signatureOf(current, two))
    expect(two?.headers['x-rungate-signature-256-previous']).toBeUndefined()
    await eventually(async () => {
      const events = await Array.fromAsync(stack.store.readStream(`rungate.webhook-${hook.id}`))
      expect(events.map(({ type }) => type)).toContain('rungate.PreviousSecretExpired.v1')
    })
  })

  it('is in no event of the log, and goes with its webhook', async () => {
    const hook = await addHook(['agent.created'], { secret: 'a-secret-of-my-own' })
    expect(hook.secret).toBe('a-secret-of-my-own')
    const events = await Array.fromAsync(stack.store.readStream(`rungate.webhook-${hook.id}`))
    expect(JSON.stringify(events.map(({ data }) => data))).not.toContain('a-secret-of-my-own')
    expect((await call('DELETE', `/api/webhooks/${hook.id}`)).status).toBe(200)
    expect((await call('GET', `/api/webhooks/${hook.id}`)).status).toBe(404)
    expect((await call('POST', `/api/webhooks/${hook.id}/test`)).status).toBe(404)
  })
})
