/** What time does to an account's data, and what its alert rules notice, through a whole instance. */
import { randomUUID } from 'node:crypto'
import { dirname } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { approval } from '../../../src/commands/rungate/approval.ts'
import { cleanup } from '../../../src/commands/rungate/cleanup.ts'
import { loadConfig } from '../../../src/config.ts'
import { startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import { createDatabase, type ReadModels } from '../../../src/postgres/database.ts'
import { APPROVAL_KEYS, CONTENT_KEYS, contentKeyId } from '../../../src/processes/rungate/contents.ts'
import { providerSecretsOf } from '../../../src/processes/rungate/processes.ts'
import { deliveriesOf } from '../../../src/projections/rungate/webhook-delivery.ts'
import { createKeyRing } from '../../../src/vault/key-ring.ts'
import type { ObjectKeys } from '../../../src/vault/object-keys.ts'
import { ensureSealingKey } from '../../../src/vault/secrets-key.ts'
import type { Answer, Asked } from '../../http/api.ts'
import { type Account, registered } from '../../http/rungate/accounts.ts'
import { callerOf, GPT, user } from '../../http/rungate/calling.ts'
import { approvalAsked, callMade } from '../../http/rungate/calls.ts'
import { eventually } from '../../projections/support.ts'
import { context as deskContext, startDesks } from '../../support/desks.ts'
import { eventsOf } from '../../support/event-store.ts'
import { example } from '../../support/examples.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { startReceiver } from '../../support/webhook-receiver.ts'

let stack: Stack
let db: ReadModels
/** As they are now, without what is remembered of before. */
let keysNow: () => ObjectKeys
let acme: Account
beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...{ RUNGATE_RETENTION_INTERVAL_MS: '50', RUNGATE_ALERTS_INTERVAL_MS: '50' },
      ...{ RUNGATE_WEBHOOK_DELIVERIES_DAYS: '7', WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_POLL_INTERVAL_MS: '40' },
    },
  })
  db = createDatabase({ url: stack.databaseUrl, poolMax: 2, onConnectionLost: () => undefined })
  const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: dirname(stack.logFile) }))
  keysNow = () => providerSecretsOf(db, createKeyRing({ current: sealingKey, previous: [] }))
  acme = await registered({ govern })
})
afterAll(async () => {
  await db.destroy()
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
async function keyOf(kind: string, id: string): Promise<string> {
  const key = await keysNow().find(kind, id)
  return key instanceof Uint8Array ? 'there' : key
}
const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
const typesOf = async (stream: string) =>
  (await eventsOf(stack.store, stream)).map(({ type }) => type.split('.')[1] ?? '')

describe('a request for approval', () => {
  it('that nobody decides on expires when its time is over', async () => {
    const over = await approvalAsked(stack, acme, randomUUID(), { waitMs: -1 })
    const pending = await approvalAsked(stack, acme, randomUUID())
    await eventually(async () =>
      expect(await typesOf(`rungate.approval-${over}`)).toStrictEqual(['ApprovalRequested', 'ApprovalExpired']),
    )
    expect(await typesOf(`rungate.approval-${pending}`)).toStrictEqual(['ApprovalRequested'])
  })

  it('loses what was kept for its decider a week after the decision, and not before', async () => {
    const author = { id: acme.accountId, tokenId: null }
    const decided = async (at: string) => {
      const id = await approvalAsked(stack, acme, randomUUID(), { waitMs: 30 * DAY_MS })
      await keysNow().ensure(APPROVAL_KEYS, id)
      const context = stack.adminContext()
      await stack.bus.handle(approval, id, { kind: 'approve', accountId: acme.accountId, author, at }, context)
      return id
    }
    const [young, old] = [await decided(daysAgo(6)), await decided(daysAgo(8))]
    await eventually(async () => expect(await keyOf(APPROVAL_KEYS, old)).toBe('destroyed'))
    expect(await keyOf(APPROVAL_KEYS, young)).toBe('there')
  })
})

describe('what steps said', () => {
  it('is destroyed with the days of a cleanup, and stays for those behind it and for other accounts', async () => {
    const { accountId } = acme
    const other = randomUUID()
    const days = ['2026-01-01', '2026-01-02', '2026-01-03']
    for (const day of days) await keysNow().ensure(CONTENT_KEYS, contentKeyId(accountId, day))
    await keysNow().ensure(CONTENT_KEYS, contentKeyId(other, days[0]!))
    const context = stack.adminContext()
    const part = {
      ...{ accountId, cleanupId: randomUUID(), occurredAt: context.at, author: { id: accountId, tokenId: null } },
      ...{ days: 300, before: '2026-01-03T12:00:00.000Z', runIds: [], steps: 0, ledgerEntries: 0 },
    }
    await stack.bus.handle(cleanup, accountId, { kind: 'delete', parts: [part] }, context)
    const state = (account: string, day: string) => keyOf(CONTENT_KEYS, contentKeyId(account, day))
    await eventually(async () => expect(await state(accountId, days[1]!)).toBe('destroyed'))
    expect(await Promise.all(days.map((day) => state(accountId, day)))).toStrictEqual([
      'destroyed',
      'destroyed',
      'there',
    ])
    expect(await state(other, days[0]!)).toBe('there')
  })
})

describe('a run of long ago', () => {
  it('is counted before a cleanup, is gone after it with its steps and entries, and a younger one stays', async () => {
    const { accountId, agentId } = acme
    const runEnded = async (days: number): Promise<string> => {
      const now = new Date(daysAgo(days))
      const desks = startDesks(stack.store, { now: () => now })
      const { runId } = await callMade({ desks }, acme, { at: now })
      const ending = { runId, by: 'agent', author: { id: agentId, tokenId: null } } as const
      await desks.complete({ accountId, agentId }, ending, deskContext(now))
      await desks.drained()
      return runId
    }
    const old = await runEnded(40)
    const young = await runEnded(20)
    const ask = (method: string, path: string, body?: object) => govern(method, path, { key: acme.token, body })
    await eventually(async () =>
      expect((await ask('GET', '/api/analytics/cleanup-preview?days=30')).body.data).toStrictEqual({
        ...{ runs: 1, steps: 1, ledgerEntries: 1 },
      }),
    )
    expect((await ask('GET', `/api/runs/${old}`)).body.data.status).toBe('completed')
    expect((await ask('POST', '/api/analytics/cleanup', { days: 30 })).body.data).toStrictEqual({
      ...{ runsDeleted: 1, stepsDeleted: 1, ledgerEntriesDeleted: 1 },
    })
    await eventually(async () => expect((await ask('GET', `/api/runs/${old}`)).status).toBe(404))
    expect((await ask('GET', `/api/runs/${young}`)).status).toBe(200)
    expect((await ask('POST', '/api/analytics/cleanup', { days: 30 })).body.data).toMatchObject({ runsDeleted: 0 })
  })
})

describe('a delivery to a webhook', () => {
  it('is gone from what is shown some days after its end, and stays in the log', async () => {
    const webhookId = randomUUID()
    const shown = async () =>
      (await deliveriesOf(db, { webhookId, limit: 10, offset: 0 })).rows.map(({ delivery_id }) => delivery_id)
    const ended = async (occurredAt: string): Promise<string> => {
      const deliveryId = randomUUID()
      const of = { accountId: acme.accountId, webhookId, deliveryId, runId: null, occurredAt }
      const actor = { kind: 'system', id: 'test' } as const
      const cause = { $correlationId: 'c', $causationId: 'c', actor, commandId: 'c' }
      const events = [
        example('rungate.DeliveryRequested.v1', of),
        example('rungate.AttemptStarted.v1', of),
        example('rungate.AttemptFinished.v1', { ...of, status: 'delivered', nextAttemptAt: null }),
      ].map((event) => ({ id: randomUUID(), event, cause }))
      await stack.store.append(`rungate.webhookDelivery-${deliveryId}`, undefined, '', events)
      return deliveryId
    }
    const [old, young] = [await ended(daysAgo(8)), await ended(daysAgo(6))]
    const cleanups = async () =>
      (await eventsOf(stack.store, `rungate.cleanup-${acme.accountId}`)).filter(
        ({ type }) => type === 'rungate.DeliveriesDeleted.v1',
      )
    await eventually(async () => expect(await cleanups()).toMatchObject([{ data: { deliveryIds: [old] } }]))
    await eventually(async () => expect(await shown()).toStrictEqual([young]))
    expect(await typesOf(`rungate.webhookDelivery-${old}`)).toHaveLength(3)
  })
})

describe('an alert rule', () => {
  const made = async (condition_type: string, condition_config: object, more: object = {}) => {
    const body = { name: `rule ${randomUUID()}`, condition_type, condition_config, ...more }
    const { status, body: answered } = await govern('POST', '/api/alert-rules', { key: acme.token, body })
    expect(status).toBe(201)
    return answered.data.id as string
  }
  const goneOff = async (id: string) =>
    (await eventsOf(stack.store, `rungate.alertRule-${id}`)).filter(({ type }) => type === 'rungate.AlertTriggered.v1')
  const spent = { threshold_usd: 0.001, window_minutes: 60 }

  it('goes off once within its cooldown when its condition is met, and says the figure', async () => {
    const desks = startDesks(stack.store)
    const tooMuch = await made('cost_threshold', { ...spent, threshold_usd: 1_000 })
    const disabled = await made('cost_threshold', spent)
    await govern('POST', `/api/alert-rules/${disabled}/disable`, { key: acme.token })
    const rule = await made('cost_threshold', spent)
    const failing = await made('error_rate', { threshold_pct: 50, window_minutes: 5, min_requests: 2 })
    await callMade({ desks }, acme)
    await eventually(async () => expect(await goneOff(rule)).toMatchObject([{ data: { observed: '0.00105' } }]))
    // One failure of two is half.
    await callMade({ desks }, acme, { settled: { status: 'error', costUsd: '0', errorKind: 'http_error' } })
    await eventually(async () => expect(await goneOff(failing)).toMatchObject([{ data: { observed: '50' } }]))
    const shown = await govern('GET', `/api/alert-rules/${rule}`, { key: acme.token })
    expect(shown.body.data.last_triggered_at).not.toBeNull()
    // A later look has been: this one, without a cooldown, goes off again and again.
    const restless = await made('cost_threshold', spent, { cooldown_seconds: 0 })
    await eventually(async () => expect((await goneOff(restless)).length).toBeGreaterThan(1))
    expect([await goneOff(rule), await goneOff(disabled), await goneOff(tooMuch)].map(({ length }) => length)).toEqual([
      1, 0, 0,
    ])
    await govern('DELETE', `/api/alert-rules/${restless}`, { key: acme.token })
    await desks.drained()
  })

  it('goes off by a call that was served, and the webhook that asked for it is told', async () => {
    const simulator = await startLlmSimulator()
    const receiver = await startReceiver()
    try {
      const caller = await callerOf({ govern, url: stack.url }, simulator)
      const ask = (method: string, path: string, body?: object) => govern(method, path, { key: caller.token, body })
      const hook = { name: 'alerts', url: receiver.url, events: ['alert.triggered'] }
      expect((await ask('POST', '/api/webhooks', hook)).status).toBe(201)
      const condition_config = { threshold_usd: 0.000001, window_minutes: 60 }
      const rule = { name: 'any cost', condition_type: 'cost_threshold', condition_config }
      const { id } = (await ask('POST', '/api/alert-rules', rule)).body.data
      await caller.openAi.chat.completions.create({ model: GPT, messages: user('Say something.') })
      const [told] = await eventually(() => {
        expect(receiver.received).toHaveLength(1)
        return receiver.received
      })
      expect(JSON.parse(String(told?.body))).toMatchObject({ type: 'alert.triggered', account_id: caller.accountId })
      const { data } = (await ask('GET', `/api/alert-rules/${id}`)).body
      expect(data.last_triggered_at).not.toBeNull()
    } finally {
      await Promise.all([simulator.close(), receiver.close()])
    }
  })
})
