/** What a cleanup does to an account's data, and what its alert rules notice, through a whole instance. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startLlmSimulator } from '../../../src/embedded/llm/server.ts'
import type { Answer, Asked } from '../../http/api.ts'
import { type Account, registered } from '../../http/rungate/accounts.ts'
import { callerOf, GPT, user } from '../../http/rungate/calling.ts'
import { callMade } from '../../http/rungate/calls.ts'
import { eventually } from '../../projections/support.ts'
import { context as deskContext, startDesks } from '../../support/desks.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Stack, startStack } from '../../support/stack.ts'
import { startReceiver } from '../../support/webhook-receiver.ts'

let stack: Stack
let acme: Account
beforeAll(async () => {
  stack = await startStack({
    environment: {
      ...{ RUNGATE_ALERTS_INTERVAL_MS: '50', WEBHOOK_ALLOW_PRIVATE: 'true', WEBHOOK_POLL_INTERVAL_MS: '40' },
    },
  })
  acme = await registered({ govern })
})
afterAll(() => stack.close())

async function govern(method: string, path: string, { key, body }: Asked = {}): Promise<Answer> {
  const response = await fetch(`${stack.url}/rungate${path}`, {
    method,
    headers: { 'content-type': 'application/json', ...(key !== undefined && { authorization: `Bearer ${key}` }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return { status: response.status, headers: response.headers, body: await response.json() }
}
const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()

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
