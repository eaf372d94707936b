import { expect, it, vi } from 'vitest'
import { health, liveness } from '../../src/http/health.ts'
import { createMetrics } from '../../src/http/metrics.ts'

const quiet = createMetrics([])

const probe = (name: string, required: boolean, up: boolean) => ({ name, required, check: async () => ({ up }) })
const answers = async (hasStarted: boolean, ...probes: ReturnType<typeof probe>[]) => {
  const app = health({ probes, probeTimeoutMs: 1_000, hasStarted: () => hasStarted }, quiet)
  const alive = await app.request('/healthz')
  const ready = await app.request('/readyz')
  const { status } = (await ready.json()) as { status: string }
  return [alive.status, ready.status, status]
}

it('is neither alive nor ready before the start has succeeded, whatever its dependencies say', async () => {
  expect(await answers(false, probe('postgres', true, true))).toEqual([503, 503, 'not_ready'])
  expect(await answers(true, probe('postgres', true, true))).toEqual([200, 200, 'ready'])
})

it('is not ready without what it needs, and degraded without what it can do without for a while', async () => {
  expect(await answers(true, probe('postgres', true, false))).toEqual([200, 503, 'not_ready'])
  expect(await answers(true, probe('command_stream', false, false))).toEqual([200, 200, 'degraded'])
})

it('is asked for at most once a second, and its figures too, however many ask', async () => {
  let now = 5_000
  const looks = vi.fn(async () => ({ up: true }))
  const read = vi.fn(async () => 7)
  const metrics = createMetrics([{ name: 'opslog_asked', help: 'How often', read }])
  const probes = [{ name: 'postgres', required: true, check: looks }]
  const app = health({ probes, probeTimeoutMs: 1_000 }, metrics, () => now)
  const askAll = () => Promise.all(['/readyz', '/metrics', '/readyz', '/metrics'].map((path) => app.request(path)))
  await askAll()
  now += 999
  await askAll()
  expect([looks, read].map(({ mock }) => mock.calls.length)).toEqual([1, 1])
  now += 1
  const answers = await askAll()
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
  expect([looks, read].map(({ mock }) => mock.calls.length)).toEqual([2, 2])
})

it('has nothing but /healthz on the public address where it has an address of its own', async () => {
  const app = liveness({})
  const statuses = ['/healthz', '/readyz', '/metrics'].map(async (path) => (await app.request(path)).status)
  expect(await Promise.all(statuses)).toEqual([200, 404, 404])
})
