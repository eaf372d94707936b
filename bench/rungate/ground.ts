/** What the measurements of rungate stand on: two APIs on one log, a provider, a gateway to compare with, and agents. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { type BenchInstance, call, startBenchInstance, startProgram, stopProgram } from '../instance.ts'
import { load } from '../measure.ts'
import { type Caller, createCaller } from './caller.ts'

export const MODEL = 'gpt-5'
/** More than all calls together cost: the limit is looked at each time, and never reached. */
const PLENTY_USD = 1_000_000
const WARM_CONCURRENCY = 16
/** Of each side. What a call takes of a processor falls for so long: V8 compiles again what it has compiled in haste. */
const WARM_UP_S = 12

export interface BenchAgent {
  agentId: string
  apiKey: string
}

export interface Ground {
  instance: BenchInstance
  /** Where the API and a second one on its log are. That one is started when it is first asked for, as calls of one need none. */
  both(): Promise<readonly [string, string]>
  /** The same call through the proxy, straight to the provider, and through Portkey's gateway. */
  ours: Caller
  direct: Caller
  portkey: Caller
  /** Another agent, under a limit of its own for each run. */
  agent(limitUsd: number): Promise<BenchAgent>
  account: { id: string; token: string }
  /** Calls of an agent through one of the two. */
  callerOf(agent: BenchAgent, url: string): Caller
  close(): Promise<void>
}

const SECRET = 'sk-bench'
/** No projector runs, so waiting for it is of no use. */
const ALONE = { ROLES: 'api', READ_YOUR_WRITES_WAIT_MS: '100' }

export async function prepareGround(): Promise<Ground> {
  const stops: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const stop of stops.toReversed()) await stop()
  }
  try {
    const simulator = await startSimulator()
    stops.push(simulator.stop)
    const gateway = await startPortkey()
    stops.push(gateway.stop)
    // One account makes all calls: more in a minute than an account may by default, where the proxy is quick.
    const unlimited = { PROXY_CALLS_PER_MINUTE_MAX: '1000000000' }
    const environment = { ...ALONE, ...unlimited, SECRETS_KEY: randomBytes(32).toString('base64') }
    const instance = await startBenchInstance(environment)
    stops.push(instance.stop)
    const urls = [instance.url]
    let starting: Promise<string> | undefined
    const startSecond = async () => {
      const second = await startSecondApi(instance, environment)
      stops.push(second.stop)
      urls.push(second.url)
      return second.url
    }
    const both = async () => {
      starting ??= startSecond()
      return [instance.url, await starting] as const
    }
    const account = await openAccount(urls, simulator.url)
    const callerOf = ({ apiKey }: BenchAgent, url: string) => createCaller(`${url}/rungate/v1`, apiKey)
    const ours = callerOf(await account.agent(PLENTY_USD), instance.url)
    const direct = createCaller(`${simulator.url}/v1`, SECRET)
    const portkey = createCaller(`${gateway.url}/v1`, SECRET, {
      ...{ 'x-portkey-provider': 'openai', 'x-portkey-custom-host': `${simulator.url}/v1` },
    })
    for (const { whole } of [ours, direct, portkey]) await load(WARM_CONCURRENCY, WARM_UP_S, whole)
    const { id, token, agent } = account
    return { instance, both, ours, direct, portkey, account: { id, token }, agent, callerOf, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startSimulator() {
  const args = ['rungate', 'simulator', '--json']
  const { child, said } = await startProgram('../src/cli/opslog.ts', args, {}, /\}\s*$/)
  return { url: JSON.parse(said).url as string, stop: () => stopProgram(child) }
}

const PORTKEY = fileURLToPath(new URL('../../node_modules/@portkey-ai/gateway/build/start-server.js', import.meta.url))
const PORTKEY_START_MAX_MS = 30_000
const LOOK_INTERVAL_MS = 100

/** It draws on its output all the time, so nobody reads that. */
async function startPortkey() {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(process.execPath, [PORTKEY, '--headless', `--port=${port}`], { stdio: 'ignore' })
  const givenUpMs = performance.now() + PORTKEY_START_MAX_MS
  const isUp = () =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    )
  while (!(await isUp())) {
    if (performance.now() > givenUpMs || child.exitCode !== null) throw new Error("Portkey's gateway did not start")
    await delay(LOOK_INTERVAL_MS)
  }
  return { url, stop: () => stopProgram(child) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Another API on the same services, as on another machine. */
async function startSecondApi({ eventStoreUrl, postgresUrl }: BenchInstance, environment: NodeJS.ProcessEnv) {
  const directory = mkdtempSync(join(tmpdir(), 'opslog-bench-second-'))
  const own = { DATA_DIR: directory, PORT: '0', LOG_LEVEL: 'warn', SANDBOX_OPERATOR: 'off' }
  const services = { EVENTSTORE_URL: eventStoreUrl, DATABASE_URL: postgresUrl, NATS_URL: 'nats://127.0.0.1:9' }
  const settings = { ...environment, ...own, ...services }
  // It has no sandbox, so this is the last line that it shows.
  const { child } = await startProgram('../src/main.ts', [], settings, /\/v1\/register/)
  const { api } = JSON.parse(readFileSync(join(directory, 'services.json'), 'utf8'))
  return {
    url: api.url as string,
    async stop() {
      await stopProgram(child)
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** An account whose key of OpenAI leads to the provider. `urls`: of all APIs that are up, the first one's first. */
async function openAccount(urls: readonly string[], providerUrl: string) {
  const [url] = urls
  const post = async (path: string, body: unknown, apiKey?: string) => {
    const signedIn = apiKey === undefined ? {} : { apiKey }
    return JSON.parse(await call('POST', `${url}/rungate${path}`, { body, expect: [201], ...signedIn })).data
  }
  const { account, admin_token: token } = await post('/v1/register', { name: 'Bench' })
  const key = { provider: 'openai', name: 'main', api_key: SECRET, base_url: `${providerUrl}/v1` }
  await post('/api/provider-keys', key, token)
  let agents = 0
  return {
    id: account.id as string,
    token: token as string,
    async agent(limitUsd: number): Promise<BenchAgent> {
      agents += 1
      const policy = await post(
        '/api/policies',
        {
          ...{ name: `policy ${agents}`, budget: { hard_limit_usd: limitUsd } },
          runaway_prevention: { enabled: false },
        },
        token,
      )
      const made = await post('/api/agents', { name: `agent ${agents}`, policy_id: policy.id }, token)
      await Promise.all(urls.map((each) => untilKnown(each, made.api_key)))
      return { agentId: made.id, apiKey: made.api_key }
    },
  }
}

const KNOWN_MAX_MS = 10_000

/** Until this API takes the agent's key. */
async function untilKnown(url: string, apiKey: string): Promise<void> {
  const givenUpMs = performance.now() + KNOWN_MAX_MS
  for (;;) {
    const { status } = await fetch(`${url}/rungate/v1/me`, { headers: { authorization: `Bearer ${apiKey}` } })
    if (status !== 401) return
    if (performance.now() > givenUpMs) throw new Error('a new key is not taken')
    await delay(LOOK_INTERVAL_MS)
  }
}
