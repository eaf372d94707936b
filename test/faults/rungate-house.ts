/**
 * A house with rungate: two processes with an API on one log, a projector, the role that sweeps, and a provider of models, each a
 * process of its own. One of the two looks for orders at its crash points. Agents there have budgets for so many calls, each of
 * which costs to the last digit what was set aside for it, so that exactly as many fit as the budget says.
 */
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Decimal } from 'decimal.js'
import { Agent, request } from 'undici'
import { expect, vi } from 'vitest'
import type { DeskEvent, DeskFacts } from '../../src/events/rungate/desk.ts'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import type { Answer, Api, Asked } from '../http/api.ts'
import { type Caller, type CallingAgent, callerOf, GPT, user } from '../http/rungate/calling.ts'
import { type ProviderProcess, startProviderProcess } from '../support/provider-process.ts'
import { temporaryDirectory } from '../support/services.ts'
import { onDatabase } from './evidence.ts'
import { type House, startHouse } from './house.ts'

export const APIS = ['api', 'api-2'] as const
export type ApiName = (typeof APIS)[number]

/** What became of a call; undefined: its process went before it answered. */
export type Outcome = { status: number; code: string | undefined; retryAfter: string | undefined } | undefined

export interface Budgeted extends CallingAgent {
  /** All its calls belong to this one. */
  runId: string
  limitUsd: string
}

export interface RungateHouse {
  house: House
  provider: ProviderProcess
  caller: Caller
  ask(at: ApiName, method: string, path: string, asked?: Asked): Promise<Answer>
  /** An agent with a run that has had one call, and can pay for so many more. Both processes know it. */
  agentWith(calls: number, policy?: object): Promise<Budgeted>
  /** A call of the agent, in its run. `n`: which, from 1; each costs the same. `signal`: when its client leaves. */
  call(at: ApiName, agent: Budgeted, n: number, signal?: AbortSignal): Promise<Outcome>
  /** Calls that a process has under way, as its metrics say. */
  callsUnderWay(at: ApiName): Promise<number>
  /** Of the provider's answers from now on: each used what was set aside, and comes after so long. */
  answerAfter(delayMs: number): Promise<void>
  /** Orders `api` to die, or to stand still, at its next pass of a crash point. */
  order(order: CrashOrder): void
  reached(): Promise<void>
  /** The events of an agent's desk, through all its books. */
  deskOf(agentId: string): Promise<DeskEvent[]>
  /** Resolves when nothing of the agents is under way, in the log and in the read models. */
  atRest(agents: readonly Budgeted[]): Promise<void>
  start(at: ApiName): Promise<void>
  close(): Promise<void>
}

const ANSWER_MAX_MS = 60_000
const KNOWN_MAX_MS = 60_000
const REACHED_MAX_MS = 20_000
const REST_MAX_MS = 60_000
/** A second for the connection, two for the answer, and no second attempt. */
const ROUTING = {
  ...{ timeout_ms: 2_000, connect_timeout_ms: 1_000, max_retries: 1 },
  circuit_breaker: { failure_threshold: 0 },
}
/** For whom nothing is to expire, however busy the machine is. */
export const patience = { routing: { ...ROUTING, timeout_ms: 60_000, connect_timeout_ms: 30_000 } }

/** Calls that nobody settles expire soon, books are short, and a busy machine is no reason to refuse. */
const ENVIRONMENT = {
  ...{ CALL_EXPIRY_MARGIN_MS: '500', CALL_SWEEP_INTERVAL_MS: '200', RUN_SWEEP_INTERVAL_MS: '500' },
  ...{ DESK_BOOK_EVENTS_MAX: '40', DESK_WAIT_MAX_MS: '30000', EVENTSTORE_DEADLINE_MS: '20000' },
  RUNGATE_REGISTRATIONS_PER_HOUR_MAX: '1000',
}

export async function openRungateHouse(environment: Record<string, string> = {}): Promise<RungateHouse> {
  const [house, provider] = await Promise.all([startHouse({ ...ENVIRONMENT, ...environment }), startProviderProcess()])
  try {
    return await furnish(house, provider)
  } catch (error) {
    await house.close()
    await provider.close()
    throw error
  }
}

async function furnish(house: House, provider: ProviderProcess): Promise<RungateHouse> {
  const directory = temporaryDirectory()
  const crashFile = join(directory.path, 'crash-point.json')
  const start = (at: ApiName) => house.start(at, at === 'api' ? { CRASH_POINT_FILE: crashFile } : {})
  // The first makes the tables.
  await start('api')
  await Promise.all([start('api-2'), house.start('projector'), house.start('relay')])
  const connections = new Agent({ connections: null, headersTimeout: ANSWER_MAX_MS, bodyTimeout: ANSWER_MAX_MS })

  async function ask(at: ApiName, method: string, path: string, { key, body, raw, headers }: Asked = {}) {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`${house.urlOf(at)}/rungate${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content !== undefined && { body: content as NonNullable<RequestInit['body']> }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }
  const govern: Api['govern'] = (method, path, asked) => ask('api', method, path, asked)
  const caller = await callerOf({ govern, url: house.urlOf('api') }, provider)

  const known = (apiKey: string) =>
    vi.waitFor(
      async () => {
        for (const at of APIS) expect((await ask(at, 'GET', '/v1/me', { key: apiKey })).status).toBe(200)
      },
      { interval: 20, timeout: KNOWN_MAX_MS },
    )

  /** All of one length, so that the same is set aside for each; no two of one text. */
  const bodyOf = (agentId: string, n: number) =>
    JSON.stringify({
      ...{ model: GPT, max_completion_tokens: 50 },
      messages: user(`call ${String(n).padStart(4, '0')} of ${agentId}`),
    })

  async function send(
    at: ApiName,
    { agentId, apiKey }: Pick<CallingAgent, 'agentId' | 'apiKey'>,
    n: number,
    { runId, signal }: { runId?: string; signal?: AbortSignal | undefined } = {},
  ) {
    const own = { 'content-type': 'application/json', authorization: `Bearer ${apiKey}` }
    const { statusCode, headers, body } = await request(`${house.urlOf(at)}/rungate/v1/chat/completions`, {
      ...{ method: 'POST', dispatcher: connections, body: bodyOf(agentId, n) },
      headers: { ...own, ...(runId !== undefined && { 'x-rungate-run-id': runId }) },
      ...(signal && { signal }),
    })
    const text = await body.text()
    return { statusCode, headers, body: JSON.parse(text) as { error?: { code?: string } } }
  }

  async function deskOf(agentId: string): Promise<DeskEvent[]> {
    const events: DeskEvent[] = []
    for (let book = 1; ; book++) {
      const stream = `rungate.desk-${agentId}${book === 1 ? '' : `.${book}`}`
      const found = await Array.fromAsync(house.store.readStream<DeskEvent>(stream))
      if (found.length === 0) return events
      // Type and data belong together, which a recorded event no longer says.
      events.push(...(found as unknown as DeskEvent[]))
    }
  }

  /** What is set aside for a call of `bodyOf`. */
  async function bound(): Promise<DeskFacts<'rungate.CallReserved.v1'>['held']> {
    const probe = await caller.agent({ policy: { routing: ROUTING } })
    await known(probe.apiKey)
    expect((await send('api', probe, 0)).statusCode).toBe(200)
    const reserved = (await deskOf(probe.agentId)).find((event) => event.type === 'rungate.CallReserved.v1')
    return reserved!.data.held
  }
  const held = await bound()
  const usage = { prompt_tokens: held.inputTokens, completion_tokens: held.outputTokens }
  const answerAfter = (delayMs: number) =>
    provider.order({
      reset: true,
      rules: [{ fault: { delayMs, usage: { ...usage, total_tokens: held.inputTokens + held.outputTokens } } }],
    })
  await answerAfter(0)

  async function isAtRest({ agentId }: Budgeted): Promise<void> {
    const open = new Set<string>()
    const ended = new Set<string>()
    for (const { type, data } of await deskOf(agentId)) {
      if (type === 'rungate.CallReserved.v1') open.add(data.callId)
      if (type !== 'rungate.CallSettled.v1' && type !== 'rungate.CallExpired.v1') continue
      open.delete(data.callId)
      ended.add(data.callId)
    }
    expect([...open], 'calls under way in the log').toEqual([])
    const { calls, steps } = await onDatabase(house, async (client) => ({
      calls: await client.query('SELECT call_id FROM rungate_open_calls WHERE agent_id = $1', [agentId]),
      steps: await client.query('SELECT DISTINCT step_id FROM rungate_steps WHERE step_id = ANY($1::uuid[])', [
        [...ended],
      ]),
    }))
    expect(calls.rows, 'calls under way in the read models').toEqual([])
    expect(steps.rows.length, 'calls that the read models know to have ended').toBe(ended.size)
  }

  return {
    ...{ house, provider, caller, ask, answerAfter, deskOf, start },
    async agentWith(calls, more = {}) {
      // Whatever a test before this one has ordered.
      await answerAfter(0)
      const limitUsd = new Decimal(held.usd).times(calls + 1).toFixed()
      const policy = { budget: { hard_limit_usd: Number(limitUsd) }, routing: ROUTING, ...more }
      const agent = await caller.agent({ policy })
      await known(agent.apiKey)
      const first = await send('api-2', agent, 0)
      expect(first.statusCode).toBe(200)
      return { ...agent, limitUsd, runId: String(first.headers['x-rungate-run-id']) }
    },
    async call(at, agent, n, signal) {
      try {
        const { statusCode: status, headers, body } = await send(at, agent, n, { runId: agent.runId, signal })
        const retryAfter = headers['retry-after']
        return { status, code: body.error?.code, retryAfter: retryAfter === undefined ? undefined : String(retryAfter) }
      } catch {
        return undefined
      }
    },
    async callsUnderWay(at) {
      const metrics = await (await fetch(`${house.urlOf(at)}/metrics`)).text()
      return Number(/^rungate_calls_in_flight (\S+)$/m.exec(metrics)?.[1])
    },
    order(wanted) {
      rmSync(`${crashFile}.reached`, { force: true })
      writeFileSync(`${crashFile}.new`, JSON.stringify(wanted))
      renameSync(`${crashFile}.new`, crashFile)
    },
    reached: () =>
      vi.waitFor(() => expect(existsSync(`${crashFile}.reached`), 'the crash point is reached').toBe(true), {
        interval: 5,
        timeout: REACHED_MAX_MS,
      }),
    atRest: async (agents) =>
      vi.waitFor(
        async () => {
          for (const agent of agents) await isAtRest(agent)
        },
        { interval: 100, timeout: REST_MAX_MS },
      ),
    async close() {
      await connections.destroy()
      await house.close()
      await provider.close()
      directory.remove()
    },
  }
}
