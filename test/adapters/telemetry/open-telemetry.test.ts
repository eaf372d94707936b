/** Spans to a collector: how they hang together, what an absent collector costs, and that nothing is loaded without one. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startOpenTelemetry } from '../../../src/adapters/telemetry/open-telemetry.ts'
import {
  closeTelemetry,
  isSampled,
  isTracing,
  span,
  telemetryWanted,
  traceFields,
  traceparentNow,
  useTracer,
} from '../../../src/telemetry.ts'
import { type Collector, startCollector } from '../../support/otlp-receiver.ts'
import { filesUnder, root } from '../../support/source.ts'

let collector: Collector
const warnings: unknown[] = []
const log = { info: () => undefined, warn: (fields: object) => void warnings.push(fields), error: () => undefined }

beforeEach(async () => {
  collector = await startCollector()
  warnings.length = 0
})
afterEach(async () => {
  await closeTelemetry()
  vi.unstubAllEnvs()
  await collector.close()
})

function begin(environment: Record<string, string> = {}): void {
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
  const wanted = { traces: true, metrics: false }
  useTracer(startOpenTelemetry({ wanted, version: '1.2.3', roles: ['api'], figuresIntervalMs: 60_000, log }))
}

const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

describe('spans', () => {
  it('follow from the caller’s, and from each other, across awaits', async () => {
    begin()
    const result = await span(
      'outer',
      { 'opslog.events': 2 },
      async ({ set, rename }) => {
        await Promise.resolve()
        const inner = await span('inner', {}, async () => traceparentNow())
        set({ 'opslog.outcome': 'applied', 'opslog.code': undefined })
        rename('outer renamed')
        return inner
      },
      { parent, kind: 'server' },
    )
    await closeTelemetry()
    const [inner, outer] = collector.spans()
    expect(outer).toMatchObject({ name: 'outer renamed', traceId: 'a'.repeat(32), parentSpanId: 'b'.repeat(16) })
    expect(outer?.attributes).toEqual({ 'opslog.events': 2, 'opslog.outcome': 'applied' })
    expect(inner).toMatchObject({ name: 'inner', traceId: 'a'.repeat(32), parentSpanId: outer?.spanId })
    expect(result).toBe(`00-${inner?.traceId}-${inner?.spanId}-01`)
    expect(outer?.resource).toMatchObject({
      'service.name': 'opslog',
      'service.version': '1.2.3',
      'opslog.roles': 'api',
    })
  })

  it('say what failed by the error’s name, and that a refusal is no fault', async () => {
    begin()
    const failing = (error: Error) => async () => Promise.reject(error)
    const isExpected = (error: unknown) => error instanceof RangeError
    await expect(span('fails', {}, failing(new TypeError('zoe@example.com')))).rejects.toThrow(TypeError)
    await expect(span('refuses', {}, failing(new RangeError('no')), { isExpected })).rejects.toThrow(RangeError)
    expect(() =>
      span('throws', {}, () => {
        throw new SyntaxError('at once')
      }),
    ).toThrow('at once')
    await closeTelemetry()
    const seen = collector.spans().map(({ name, isFault, attributes }) => [name, isFault, attributes['error.type']])
    expect(seen).toEqual([
      ['fails', true, 'TypeError'],
      ['refuses', false, 'RangeError'],
      ['throws', true, 'SyntaxError'],
    ])
    expect(collector.told()).not.toContain('zoe@example.com')
  })

  it('are linked to others, and begin a trace where the caller’s text is none', async () => {
    begin()
    span('linked', {}, () => undefined, { links: [parent, 'nonsense'] })
    span('begins', {}, () => undefined, { parent: '00-zz-1-01' })
    await closeTelemetry()
    expect(collector.spans()).toMatchObject([
      { name: 'linked', links: ['a'.repeat(32)] },
      { name: 'begins', links: [] },
    ])
    expect(collector.spans()[1]?.parentSpanId).toBeUndefined()
  })

  const unrecorded = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-00`

  it('are taken by the sampler that the environment names; a trace that begins unrecorded has no id to pass on', async () => {
    begin({ OTEL_TRACES_SAMPLER: 'always_off' })
    const told = () => [traceparentNow(), span('inner', {}, () => traceparentNow()), traceFields()]
    expect(await span('unseen', {}, async () => told())).toEqual([undefined, undefined, {}])
    expect([isSampled(unrecorded), isSampled(parent), isSampled(undefined)]).toEqual([false, true, false])
    await closeTelemetry()
    expect(collector.spans()).toEqual([])
  })

  it('are taken with the whole of their trace, or not at all', async () => {
    begin({ OTEL_TRACES_SAMPLER: 'parentbased_traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' })
    const inner = () => span('inner', {}, ({ isRecorded }) => isRecorded)
    const both = () => span('outer', {}, async ({ isRecorded }) => [isRecorded, inner()])
    const seen = await Promise.all(Array.from({ length: 200 }, both))
    expect(new Set(seen.map(([outer]) => outer))).toEqual(new Set([true, false]))
    expect(seen.filter(([outer, later]) => outer !== later)).toEqual([])
  })

  it('are not made of what follows from something unrecorded, which goes on as it is', async () => {
    begin()
    const work = async () => {
      await Promise.resolve()
      return [traceparentNow(), span('inner', {}, () => traceparentNow()), traceFields()]
    }
    const seen = await span('outer', {}, work, { parent: unrecorded, kind: 'server' })
    expect(seen).toEqual([unrecorded, unrecorded, { trace_id: 'a'.repeat(32), span_id: 'b'.repeat(16) }])
    expect(traceparentNow()).toBeUndefined()
    const isRecorded = (of: string) => span('asked', {}, (given) => given.isRecorded, { parent: of })
    expect([isRecorded(unrecorded), isRecorded(parent)]).toEqual([false, true])
    const failing = () => span('inner', {}, () => Promise.reject(new RangeError('no')))
    await expect(span('outer', {}, failing, { parent: unrecorded })).rejects.toThrow(RangeError)
    await closeTelemetry()
    expect(collector.spans().map(({ name }) => name)).toEqual(['asked'])
  })

  it('are made of it where the sampler does not go by the parent', async () => {
    begin({ OTEL_TRACES_SAMPLER: 'always_on' })
    const seen = await span('outer', {}, async () => span('inner', {}, () => traceparentNow()), { parent: unrecorded })
    await closeTelemetry()
    const [inner, outer] = collector.spans()
    expect([inner?.parentSpanId, outer?.parentSpanId]).toEqual([outer?.spanId, 'b'.repeat(16)])
    expect(seen).toBe(`00-${'a'.repeat(32)}-${inner?.spanId}-01`)
  })

  it('give log lines their trace', () => {
    begin()
    expect(traceFields()).toEqual({})
    expect(span('logged', {}, () => traceFields(), { parent })).toEqual({
      trace_id: 'a'.repeat(32),
      span_id: expect.stringMatching(/^[0-9a-f]{16}$/),
    })
  })
})

describe('a collector that is not there', () => {
  it('costs a warning, no request, and two seconds at the stop at most', { timeout: 20_000 }, async () => {
    begin({ OTEL_BSP_SCHEDULE_DELAY: '10', OTEL_BSP_MAX_QUEUE_SIZE: '64', OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '32' })
    await collector.close()
    for (let round = 0; round < 20; round++) {
      for (let each = 0; each < 100; each++) expect(span('work', {}, () => each)).toBe(each)
      await new Promise((resolve) => setImmediate(resolve))
    }
    await vi.waitFor(() => expect(warnings.length).toBeGreaterThan(0), 10_000)
    const stoppedMs = performance.now()
    await closeTelemetry()
    expect(performance.now() - stoppedMs).toBeLessThan(3_000)
    expect(warnings).toHaveLength(1)
    collector = await startCollector()
  })
})

describe('without a collector', () => {
  it('work is done, and nothing else', async () => {
    expect(isTracing()).toBe(false)
    expect(await span('nothing', {}, async ({ set }) => set({ 'opslog.events': 1 }))).toBeUndefined()
    expect([traceparentNow(), traceFields()]).toEqual([undefined, {}])
  })

  it('no package of OpenTelemetry is loaded', () => {
    const files = filesUnder('src')
    const home = 'src/adapters/telemetry/'
    const naming = files.filter(({ imports }) => imports.some(({ target }) => target.startsWith('@opentelemetry/')))
    expect(naming.map(({ path }) => path).filter((path) => !path.startsWith(home))).toEqual([])
    const leading = files.filter(({ path, text }) => !path.startsWith(home) && text.includes('adapters/telemetry/'))
    const lines = leading.flatMap(({ path, text }) =>
      text
        .split('\n')
        .flatMap((line) =>
          /^import|from '.*adapters\/telemetry\//.test(line) && line.includes('adapters/telemetry') ? [path] : [],
        ),
    )
    expect([leading.map(({ path }) => path), lines]).toEqual([['src/main.ts', 'src/telemetry.ts'], []])
  })

  it.each([
    [{}, false, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' }, true, true],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://localhost:4318/v1/traces' }, true, false],
    [{ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://localhost:4318/v1/metrics' }, false, true],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_METRICS_EXPORTER: 'none' }, true, false],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318', OTEL_SDK_DISABLED: 'true' }, false, false],
  ])('%o', (environment, traces, metrics) => {
    expect(telemetryWanted(environment)).toEqual({ traces, metrics })
  })
})

it('the packages are those that package.json names', () => {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  expect(Object.keys(dependencies).filter((name) => name.startsWith('@opentelemetry/'))).toHaveLength(6)
})
