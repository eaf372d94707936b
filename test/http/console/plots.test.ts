/** Plots: drawn by the server, as a table and as JSON too, from what happened and from what the process has sampled. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { figuresOf } from '../../../src/http/console/figures.ts'
import { planeOf } from '../../../src/http/console/plot.ts'
import { createSamples } from '../../../src/http/console/samples.ts'
import type { Readiness } from '../../../src/http/health.ts'
import { createMetrics } from '../../../src/http/metrics.ts'
import { limitsOf } from '../../../src/http/noctant/console/plots.ts'
import type { Plot } from '../../../src/http/pages/declaration.ts'
import { example } from '../../support/examples.ts'
import { type Api, startApi } from '../api.ts'
import { accountRequest, type TestOperator } from '../noctant/serving.ts'
import { administrator, operator, type Visitor } from './browsing.ts'

const at = Date.parse('2026-11-30T10:00:00Z')
const span = { from: new Date(at), until: new Date(at + 100_000), stepS: 10 }
const second = (of: number) => at / 1_000 + of

describe('a plot', () => {
  const plot: Plot = {
    ...{ name: 'p', title: 'P', unit: 'ms', says: 'Of a test.' },
    lines: [
      {
        label: 'a',
        points: [
          [second(0), 0],
          [second(50), 10],
          [second(60), null],
          [second(100), 5],
        ],
      },
      {
        label: 'steps',
        as: 'step',
        points: [
          [second(10), 2],
          [second(20), 4],
        ],
      },
      { label: 'limit', as: 'level', points: [[0, 8]] },
      { label: 'marks', as: 'mark', points: [[second(50), null]] },
    ],
  }

  it('has a line for each of what it shows, that begins anew behind a gap', () => {
    const paths = [...String(planeOf(plot, span)).matchAll(/class="line[^"]*" d="([^"]*)"/g)].map(([, d]) => d)
    expect(paths.slice(0, 4)).toEqual([
      'M0.0 160.0L300.0 0.0M600.0 80.0h.1',
      'M60.0 128.0H120.0V96.0H600',
      'M0 32.0H600',
      'M300.0 0V160',
    ])
  })

  it('says what it shows in words, and has its figures at each second of any line', () => {
    expect(String(planeOf(plot, span))).toContain('aria-label="P, ms: a 5, steps 4, limit 8, marks 1"')
    const [seconds, a, steps, limit] = figuresOf({ ...plot, lines: plot.lines.slice(0, 3) })
    expect(seconds).toEqual([0, second(0), second(10), second(20), second(50), second(60), second(100)])
    expect([a?.at(-1), steps?.[2], limit?.[3]]).toEqual([5, 2, 8])
  })

  it('without any figures is drawn all the same', () => {
    const text = String(planeOf({ ...plot, lines: [{ label: 'a', points: [] }] }, span))
    expect(text).toContain('a none')
    expect(text).not.toContain('NaN')
  })
})

describe('samples', () => {
  const readiness = (lagMs: number) => async (): Promise<Readiness> => ({
    status: 'ready',
    dependencies: { postgres: { up: true }, 'projector.noctant': { up: true, lag_ms: lagMs } },
  })
  /** A database whose checkpoint stands there. */
  const standingAt = (place: () => { position: bigint; events: number }) => {
    const rows = async () => [
      { name: 'projections_noctant', position: `${place().position}`, events: `${place().events}` },
    ]
    return { selectFrom: () => ({ select: () => ({ execute: rows }) }) } as never
  }

  it('have the lag, events a second, requests by status, and the times they took', async () => {
    const samples = createSamples()
    const metrics = createMetrics([])
    let events = 100
    const db = standingAt(() => ({ position: 5n, events }))
    const rest = { db, store: {} as never, contexts: ['noctant'] }
    samples.look()
    await samples.take({ ...rest, runtime: { readiness: readiness(40), metrics }, now: new Date(at) })
    const before = performance.now()
    await vi.waitFor(() => expect(performance.now() - before).toBeGreaterThan(20))
    for (let each = 0; each < 100; each++)
      metrics.measure({ method: 'GET', route: '/noctant/v1/me', status: each < 90 ? 200 : 503, durationMs: 7 })
    metrics.measure({ method: 'GET', route: '/console', status: 200, durationMs: 7 })
    events = 150
    await samples.take({ ...rest, runtime: { readiness: readiness(80), metrics }, now: new Date(at + 9_000) })
    const last = (prefix: string) =>
      Object.fromEntries(samples.lines(prefix, span, 'highest').map(({ label, points }) => [label, points[0]?.[1]]))
    expect(last('lag')).toEqual({ noctant: 80 })
    expect(last('events').noctant).toBeGreaterThan(0)
    const { '2xx': good = 0, '5xx': bad = 0 } = last('requests') as Record<string, number>
    expect(good / bad).toBeCloseTo(9, 5)
    // All lie in the bucket from 5 to 10 ms.
    expect(last('took')).toMatchObject({ p50: expect.closeTo(7.5, 5), p99: expect.closeTo(9.95, 5) })
  })

  it('of read models that another process writes come from its place and from the head of the log', async () => {
    const samples = createSamples()
    const metrics = createMetrics([])
    const elsewhere = async (): Promise<Readiness> => ({
      status: 'ready',
      dependencies: { postgres: { up: true }, event_store: { up: true }, 'projector.noctant': { up: true } },
    })
    let projected = 5n
    const db = standingAt(() => ({ position: projected, events: Number(projected) * 10 }))
    const store = { head: async () => ({ position: 9n, id: 'x', type: 'noctant.X.v1' }) }
    const from = { contexts: ['noctant'], store, db, runtime: { readiness: elsewhere, metrics } }
    samples.look()
    await samples.take({ ...from, now: new Date(at) })
    const before = performance.now()
    await vi.waitFor(() => expect(performance.now() - before).toBeGreaterThan(30))
    await samples.take({ ...from, now: new Date(at + 10_000) })
    projected = 9n
    await samples.take({ ...from, now: new Date(at + 20_000) })
    const [line] = samples.lines('lag', span, 'highest')
    expect(line?.points.slice(0, 3).map(([, value]) => value)).toEqual([0, expect.any(Number), 0])
    expect(line?.points[1]?.[1]).toBeGreaterThanOrEqual(30)
    const [taken] = samples.lines('events', span, 'average')
    expect(taken?.points.slice(0, 3).map(([, value]) => value)).toEqual([null, 0, expect.any(Number)])
    expect(taken?.points[2]?.[1]).toBeGreaterThan(0)
  })
})

it('a challenge’s limits are those of its rules', () => {
  const { data } = example('noctant.ChallengeStarted.v1')
  const limits = limitsOf({ started: data, measures: data.measures })
  expect(limits.map(({ label }) => label)).toEqual(expect.arrayContaining(['daily loss', 'drawdown', 'target']))
  for (const { at: where, distance } of limits)
    expect([where, distance].join()).toMatch(/^-?\d+(\.\d+)?,-?\d+(\.\d+)?$/)
})

describe('on pages', () => {
  let api: Api
  let acme: TestOperator
  let admin: Visitor
  let own: Visitor
  beforeAll(async () => {
    api = await startApi()
    acme = await api.addOperator()
    ;[admin, own] = await Promise.all([administrator(api), operator(api, acme.key)])
    await api.call('POST', '/v1/users', { key: acme.key, body: { external_id: 'trader-1' } })
  })
  afterAll(() => api.stop())

  it('commands are counted by what became of them, in a table and in JSON', async () => {
    await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-PLOT') })
    await vi.waitFor(async () => {
      const { status, text } = await admin.get('/console/commands?range=15m&plot=states')
      const [at = [], ...lines] = JSON.parse(text) as (number | null)[][]
      expect([status, at.length]).toEqual([200, 90])
      expect(lines.flat().reduce<number>((sum, each) => sum + (each ?? 0), 0)).toBeGreaterThan(0)
    }, 10_000)
    const { page } = await admin.get('/console/commands?range=15m')
    expect(page.querySelectorAll('figure.plot svg[role=img]')).toHaveLength(2)
    const rows = page.querySelectorAll('figure.plot details tbody tr')
    expect(rows.length).toBeGreaterThan(20)
    expect(page.querySelector('figure.plot .ranges strong')?.text).toBe('15 min')
  })

  it.each(['/console', '/console/projections'])(
    '%s has those of the instance for administrators alone',
    async (path) => {
      const seen = await admin.get(path)
      expect(seen.page.querySelectorAll('figure.plot').length).toBeGreaterThan(1)
      const part = await admin.get(`${path}?part=plot-lag`)
      expect([part.status, part.text.includes('<svg')]).toEqual([200, true])
      expect((await own.get('/console')).page.querySelectorAll('figure.plot')).toHaveLength(0)
      expect((await own.get('/console?part=plot-lag')).status).toBe(404)
      expect((await admin.get(`${path}?plot=nothing`)).status).toBe(404)
    },
  )

  it('an account has its curve, and webhooks their attempts', async () => {
    const { body } = await api.call('POST', '/v1/accounts', { key: acme.key, body: accountRequest('ACC-CURVE') })
    const path = `/console/noctant/accounts/${body.account.account_id}`
    await vi.waitFor(async () => {
      const { page, status } = await own.get(path)
      expect([status, page.querySelector('figure.plot figcaption')?.text]).toEqual([
        200,
        expect.stringContaining('Balance and equity'),
      ])
    }, 10_000)
    expect((await own.get('/console/webhooks')).page.querySelectorAll('figure.plot')).toHaveLength(3)
  })

  it('settings are found by their first word, and by what they say', async () => {
    const { page, text } = await admin.get('/console/settings?group=WEBHOOK')
    expect(page.querySelectorAll('main tbody tr').length).toBeGreaterThan(3)
    expect(Buffer.byteLength(text)).toBeLessThan(80_000)
    const found = await admin.get('/console/settings?q=heartbeat')
    expect(found.page.querySelector('main table')?.text).toContain('HEARTBEAT_INTERVAL_MS')
    const all = JSON.parse((await admin.get('/console/settings?format=json')).text)
    expect(all.length).toBeGreaterThan(100)
  })
})
