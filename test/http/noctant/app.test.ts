import { randomUUID } from 'node:crypto'
import { EventStoreDBClient } from '@eventstore/db-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { globalUserIdOf } from '../../../src/commands/noctant/user.ts'
import { documentsOf } from '../../../src/http/app.ts'
import { health } from '../../../src/http/health.ts'
import { createMetrics } from '../../../src/http/metrics.ts'
import type { Probe } from '../../../src/runtime/health.ts'
import { apis } from '../../support/contexts.ts'
import { eventsOf } from '../../support/event-store.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from './serving.ts'

describe('the application', () => {
  let api: Api
  let acme: TestOperator
  beforeAll(async () => {
    api = await startApi()
    acme = await api.addOperator()
  })
  afterAll(() => api.stop())
  const get = async (path: string) => {
    const response = await fetch(`${api.url}${path}`)
    return { response, text: await response.text() }
  }

  it('serves each context’s document as the code describes it', async () => {
    // Those that serve theirs by an operation are not served here.
    for (const { name, document } of documentsOf(apis).filter(({ isServed }) => !isServed)) {
      const { response, text } = await get(`/${name}/openapi.json`)
      expect(response.headers.get('content-type')).toBe('application/json')
      expect(JSON.parse(text)).toStrictEqual(JSON.parse(JSON.stringify(document)))
    }
  })

  it('serves /docs from this host alone, readable without scripts', async () => {
    const { response, text } = await get('/docs')
    expect(response.status).toBe(200)
    const policy = response.headers.get('content-security-policy')
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toContain('unsafe-eval')
    const sources = [...text.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, source]) => source ?? '')
    expect(sources.length).toBeGreaterThan(2)
    for (const source of sources) {
      const { response: part, text: content } = await get(source)
      expect([source, part.status, content.length > 50]).toStrictEqual([source, 200, true])
    }
    expect(text).toContain('PATCH /noctant/v1/accounts/by-external-id/status')
    const viewer = await get('/docs/viewer.js')
    expect(viewer.response.headers.get('content-type')).toContain('text/javascript')
    expect(viewer.text).toContain('createApiReference')
    // One place asks, within a try, whether code may be made of text; nothing else of the viewer needs that.
    expect(viewer.text.match(/new Function\(|(?<![\w.$])eval\(/g)).toStrictEqual(['new Function('])
    expect(viewer.text).toMatch(/try\s*\{\s*return new Function\(""\)/)
    expect((await get('/docs/start.js')).text).toContain('"hideClientButton":true')
  })

  it('counts requests by route template and commands by outcome', async () => {
    const body = { external_id: `user-${randomUUID()}` }
    await api.call('POST', '/v1/users', { key: acme.key, body })
    await api.call('POST', '/v1/users', { key: acme.key, body })
    await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('x', { external_user_id: 'nobody' }) })
    await api.call('GET', `/v1/users/${randomUUID()}`, { key: acme.key })
    const { text } = await get('/metrics')
    expect(text).toContain('route="/noctant/v1/users/:global_user_id",status="404"')
    expect(text).not.toContain(acme.operatorId)
    const commands = text.split('\n').filter((line) => line.startsWith('opslog_commands_total'))
    expect(commands).toStrictEqual([
      'opslog_commands_total{aggregate="noctant.user",outcome="applied"} 1',
      'opslog_commands_total{aggregate="noctant.user",outcome="unchanged"} 1',
      'opslog_commands_total{aggregate="noctant.account",outcome="rejected"} 1',
    ])
  })

  it('logs each request with its id, operator, route, status and duration', async () => {
    const answer = await api.call('GET', `/v1/users/${randomUUID()}`, { key: acme.key })
    const requestId = answer.headers.get('x-noctant-request-id')
    const entry = api.logged.find(({ fields }) => fields.requestId === requestId)
    expect(entry?.fields).toMatchObject({
      operatorId: acme.operatorId,
      keyId: acme.keyId,
      method: 'GET',
      route: '/noctant/v1/users/:global_user_id',
      status: 404,
    })
    expect(entry?.fields.durationMs).toBeTypeOf('number')
  })

  it('answers what it does not know with a problem, under an id', async () => {
    const { response, text } = await get('/nowhere')
    expect(response.status).toBe(404)
    expect(JSON.parse(text)).toMatchObject({
      code: 'route_not_found',
      request_id: response.headers.get('x-noctant-request-id'),
    })
  })

  it('without Postgres answers reads with 503 and Retry-After, and takes writes still', async () => {
    const cut = await startApi({ limits: { readYourWritesWaitMs: 50 } })
    try {
      const { key } = await cut.addOperator()
      cut.loseDatabase()
      const read = await cut.call('GET', '/v1/me', { key })
      expect([read.status, read.headers.get('retry-after')]).toStrictEqual([503, '1'])
      const write = await cut.call('POST', '/v1/users', { key, body: { external_id: 'x' } })
      expect(write.status).toBe(201)
    } finally {
      await cut.stop()
    }
  })

  it('without the event store answers writes with 503 and Retry-After, reads as ever, and writes nothing', async () => {
    const cut = await startApi()
    try {
      const { key, operatorId } = await cut.addOperator()
      // The read models live on the store too: they are to know the operator before it is gone.
      const known = async () => (await cut.call('GET', '/v1/me', { key })).status
      await expect.poll(known, { timeout: 10_000 }).toBe(200)
      cut.loseEventStore()
      const write = await cut.call('POST', '/v1/users', { key, body: { external_id: 'x' } })
      expect([write.status, write.body.code]).toStrictEqual([503, 'dependency_unavailable'])
      expect(write.headers.get('retry-after')).toBe('1')
      expect((await cut.call('GET', '/v1/me', { key })).status).toBe(200)
      expect(await eventsOf(cut.store, `noctant.user-${globalUserIdOf(operatorId, 'x')}`)).toStrictEqual([])
    } finally {
      await cut.stop()
    }
  })
})

describe('a write that the event store takes at no time', () => {
  let api: Api
  beforeAll(async () => {
    api = await startApi()
  })
  afterAll(() => api.stop())

  it('is refused for good, without Retry-After, where its stream was deleted', async () => {
    const { key, operatorId } = await api.addOperator()
    const client = EventStoreDBClient.connectionString(api.eventStoreUrl)
    await client.tombstoneStream(`noctant.user-${globalUserIdOf(operatorId, 'gone')}`)
    await client.dispose()
    const write = await api.call('POST', '/v1/users', { key, body: { external_id: 'gone' } })
    expect([write.status, write.body.code]).toStrictEqual([500, 'append_refused'])
    expect(write.headers.get('retry-after')).toBeNull()
    expect((await api.call('POST', '/v1/users', { key, body: { external_id: 'there' } })).status).toBe(201)
  })
})

describe('readiness', () => {
  const up: Probe = { name: 'store', required: true, check: async () => ({ up: true, kind: 'embedded' }) }
  const ask = async (...probes: Probe[]) => {
    const response = await health({ probes, probeTimeoutMs: 50 }, createMetrics([])).request('/readyz')
    return { status: response.status, body: await response.json() }
  }

  it('is ready where everything is up, and shows what each says', async () => {
    expect(await ask(up)).toStrictEqual({
      status: 200,
      body: { status: 'ready', dependencies: { store: { up: true, kind: 'embedded' } } },
    })
  })

  it('is degraded, and still serves, where something is down that it can do without', async () => {
    const stream: Probe = { name: 'stream', required: false, check: async () => ({ up: false }) }
    expect(await ask(up, stream)).toMatchObject({ status: 200, body: { status: 'degraded' } })
  })

  it.each<[string, Probe['check']]>([
    ['says that it is down', async () => ({ up: false })],
    ['fails', () => Promise.reject(new Error('refused'))],
    ['does not answer', () => new Promise(() => undefined)],
  ])('is not ready where something it needs %s', async (_, check) => {
    const answer = await ask(up, { name: 'database', required: true, check })
    expect(answer).toMatchObject({
      status: 503,
      body: { status: 'not_ready', dependencies: { database: { up: false } } },
    })
  })

  it('has nothing to do with being alive', async () => {
    const app = health(
      { probes: [{ ...up, check: async () => ({ up: false }) }], probeTimeoutMs: 50 },
      createMetrics([]),
    )
    expect((await app.request('/healthz')).status).toBe(200)
  })

  it('and being alive are nothing before the start has succeeded', async () => {
    let hasStarted = false
    const app = health({ probes: [up], probeTimeoutMs: 50, hasStarted: () => hasStarted }, createMetrics([]))
    const asked = async () => (await app.request('/healthz')).status
    expect(await asked()).toBe(503)
    hasStarted = true
    expect(await asked()).toBe(200)
  })
})
