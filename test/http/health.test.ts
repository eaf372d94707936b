import { expect, it } from 'vitest'
import { health } from '../../src/http/health.ts'

const probe = (name: string, required: boolean, up: boolean) => ({ name, required, check: async () => ({ up }) })
const answers = async (hasStarted: boolean, ...probes: ReturnType<typeof probe>[]) => {
  const app = health({ probes, probeTimeoutMs: 1_000, hasStarted: () => hasStarted })
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
