/**
 * An account's opening as a collector sees it: one trace from the request to the webhook, though API, read models, relay
 * with webhooks and engine are processes of their own, with NATS between them. What is told names no person.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { runCli } from '../support/cli.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { type Collector, startCollector, type ToldSpan } from '../support/otlp-receiver.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { createDatabase, natsUrl, type TestDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'
import { type Receiver, startReceiver } from '../support/webhook-receiver.ts'

const directory = temporaryDirectory()
/** By their roles. */
const children = new Map<string, ChildProcess>()
let node: Awaited<ReturnType<typeof startEventStoreNode>>
let database: TestDatabase
let collector: Collector
let receiver: Receiver
let services: Record<string, string>
let api: { url: string; key: string; operatorId: string }

const dataDirectory = (roles: string): string => join(directory.path, roles.replace(',', '-'))
const readJson = (roles: string, file: string) => JSON.parse(readFileSync(join(dataDirectory(roles), file), 'utf8'))

async function start(roles: string): Promise<void> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    cwd: root,
    env: { ...programEnvironment(), ...services, ROLES: roles, DATA_DIR: dataDirectory(roles) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.set(roles, child)
  for await (const chunk of child.stdout) if (String(chunk).includes('is up')) break
  child.stdout.resume()
}

beforeAll(async () => {
  ;[node, database, collector, receiver] = await Promise.all([
    startEventStoreNode({ directory: join(directory.path, 'eventstore') }),
    createDatabase(),
    startCollector(),
    startReceiver(),
  ])
  services = {
    ...{ EVENTSTORE_URL: node.url, DATABASE_URL: database.url, NATS_URL: natsUrl() ?? '' },
    ...{ NATS_PREFIX: `trace-${randomBytes(6).toString('hex')}`, SECRETS_KEY: randomBytes(32).toString('base64') },
    ...{ CONTEXTS: 'noctant', SANDBOX_OPERATOR: 'on', PORT: '0', WEBHOOK_ALLOW_PRIVATE: 'true' },
    ...{ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_SCHEDULE_DELAY: '100' },
    ...{ OTEL_METRIC_EXPORT_INTERVAL: '500', OTEL_METRIC_EXPORT_TIMEOUT: '400' },
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  }
  await start('projector')
  await Promise.all(['api', 'relay,webhooks', 'engine'].map(start))
  const { api_key: key, operator_id: operatorId } = readJson('api', 'sandbox-operator.json')
  api = { url: readJson('api', 'services.json').api.url, key, operatorId }
  const set = await runCli(['admin', 'webhook', 'set', operatorId, '--url', receiver.url], {
    ...services,
    DATA_DIR: directory.path,
  })
  expect(set.stderr).not.toContain('error')
}, 120_000)
afterAll(async () => {
  for (const child of children.values()) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  await collector.close()
  await receiver.close()
  await node.close()
  await database.drop()
  directory.remove()
})

const traceId = randomBytes(16).toString('hex')
const callersSpan = randomBytes(8).toString('hex')
const PERSONAL = ['zoe@example.com', 'Zoë Trace', 'external-zoe', 'zoes-account', 'Zoe’s savings']

async function post(path: string, body: object): Promise<Record<string, unknown>> {
  const headers = { authorization: `Bearer ${api.key}`, 'content-type': 'application/json' }
  const answer = await fetch(`${api.url}/noctant${path}`, {
    method: 'POST',
    headers: { ...headers, traceparent: `00-${traceId}-${callersSpan}-01` },
    body: JSON.stringify(body),
  })
  expect(answer.status).toBe(201)
  return (await answer.json()) as Record<string, unknown>
}

const ours = (): ToldSpan[] => collector.spans().filter((span) => span.traceId === traceId)

describe('an account’s opening', () => {
  it('is one trace over all processes', { timeout: 60_000 }, async () => {
    const [email, display_name, external_id, external_account_id, account_name] = PERSONAL
    const user = await post('/v1/users', { external_id, email, display_name })
    await post('/v1/accounts', {
      ...{ external_account_id, account_name, global_user_id: user.global_user_id, currency: 'USD' },
      ...{ initial_balance: '1000.00', execution_profile_key: 'standard', provider_type: 'prop_firm' },
      ...{ rules_owner: 'partner', feed_source: 'noctant', branding_policy: 'co_brand' },
      ...{ visibility_policy: 'same_sponsor_only', claim_allowed: false, marketing_allowed: false },
    })
    const told = (type: string) => receiver.received.find(({ event }) => event.type === type)
    await vi.waitFor(() => expect(told('account.opened')).toBeDefined(), 20_000)
    expect(told('account.opened')?.headers.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))

    // The engine's word names no trace; that of the command stands in the record of its sends.
    await vi.waitFor(() => expect(told('command.confirmed')).toBeDefined(), 20_000)
    expect(told('command.confirmed')?.headers.traceparent).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`))

    const expected = [
      ...['POST /noctant/v1/accounts', 'command handle', 'store append', 'wait for position'],
      ...['relay publish', 'engine decide', 'engine confirmed', 'webhook attempt'],
    ]
    await vi.waitFor(() => {
      const names = new Set(ours().map(({ name }) => name))
      expect(expected.filter((name) => !names.has(name))).toEqual([])
    }, 20_000)
    const known = new Set([callersSpan, ...ours().map(({ spanId }) => spanId)])
    await vi.waitFor(() => {
      for (const { spanId } of ours()) known.add(spanId)
      expect(ours().filter(({ parentSpanId }) => !known.has(parentSpanId ?? ''))).toEqual([])
    }, 20_000)
    const roles = new Set(ours().map(({ resource }) => resource['opslog.roles']))
    expect([...roles].toSorted()).toEqual(['api', 'engine', 'relay,webhooks'])
    expect(ours().filter(({ isFault }) => isFault)).toEqual([])
  })

  it('links batches of the read models to it', async () => {
    const batch = () =>
      collector.spans().find(({ name, links }) => name === 'projector batch' && links.includes(traceId))
    await vi.waitFor(() => expect(batch()).toBeDefined(), 20_000)
    expect(batch()).toMatchObject({
      attributes: { 'opslog.context': 'noctant', 'opslog.events': expect.any(Number) },
      resource: { 'opslog.roles': 'projector' },
    })
  })

  it('tells what each part did, and under which name the process runs', { timeout: 30_000 }, async () => {
    // The user before it has spans of the same names, which may come first.
    await vi.waitFor(() => {
      const named = (name: string) => ours().filter((span) => span.name === name)
      const [request] = named('POST /noctant/v1/accounts')
      expect(request).toMatchObject({
        parentSpanId: callersSpan,
        attributes: {
          'http.route': '/noctant/v1/accounts',
          'http.response.status_code': 201,
          'opslog.operator': api.operatorId,
          'opslog.key_id': expect.any(String),
          'opslog.request_id': expect.any(String),
        },
        resource: {
          'service.name': 'opslog',
          'service.version': expect.any(String),
          'deployment.environment.name': 'test',
        },
      })
      expect(named('command handle').map(({ attributes }) => attributes)).toContainEqual(
        expect.objectContaining({
          'opslog.aggregate': 'noctant.account',
          'opslog.outcome': 'applied',
          'opslog.retries': 0,
        }),
      )
      expect(named('store append').map(({ attributes }) => attributes)).toContainEqual(
        expect.objectContaining({ 'opslog.category': 'noctant.account', 'opslog.events': expect.any(Number) }),
      )
      expect(named('relay publish')[0]?.attributes).toMatchObject({
        'opslog.command': 'open_account',
        'opslog.attempt': 0,
      })
      expect(named('engine confirmed')[0]?.attributes).toMatchObject({
        'opslog.outcome': 'accepted',
        'opslog.since_accepted_ms': expect.any(Number),
      })
      const origin = new URL(receiver.url).origin
      const attempts = named('webhook attempt').map(({ attributes }) => attributes)
      expect(attempts).toContainEqual(
        expect.objectContaining({
          'server.address': origin,
          'opslog.event_type': 'account.opened',
          'opslog.attempt': 1,
        }),
      )
    }, 20_000)
  })

  it('is told without what is personal, without bodies and without keys', () => {
    const { key } = api
    expect([...PERSONAL, key, '1000.00'].filter((text) => collector.told().includes(text))).toEqual([])
  })

  it('is found in the logs by its trace', () => {
    const lines = readFileSync(join(dataDirectory('api'), 'opslog.log'), 'utf8')
      .trimEnd()
      .split('\n')
    const requests = lines.map((line) => JSON.parse(line)).filter(({ route }) => route === '/noctant/v1/accounts')
    expect(requests).toEqual([
      expect.objectContaining({ trace_id: traceId, span_id: expect.stringMatching(/^[0-9a-f]{16}$/) }),
    ])
  })
})

it('what /metrics shows is told too, under the same names', { timeout: 30_000 }, async () => {
  const { health } = readJson('api', 'services.json')
  const shown = await (await fetch(`${health.url}/metrics`)).text()
  const names = [...shown.matchAll(/^# TYPE (\S+) (?!summary)/gm)].map(([, name = '']) => name)
  expect(names).toContain('opslog_http_request_duration_seconds')
  await vi.waitFor(() => {
    const told = collector.figures('api')
    expect(names.filter((name) => !told.has(name) && !/^nodejs_(gc|active)/.test(name))).toEqual([])
    const durations = told.get('opslog_http_request_duration_seconds')?.points ?? []
    const opened = durations.find(({ attributes }) => attributes.route === '/noctant/v1/accounts')
    expect(opened).toMatchObject({ count: 1, attributes: { method: 'POST', status: 201 } })
  }, 20_000)
})

it('a process that stops has told what it did', { timeout: 30_000 }, async () => {
  await fetch(`${api.url}/noctant/v1/me`, { headers: { authorization: `Bearer ${api.key}` } })
  const child = children.get('api')!
  child.kill('SIGTERM')
  await once(child, 'exit')
  expect(collector.spans().map(({ name }) => name)).toContain('GET /noctant/v1/me')
})
