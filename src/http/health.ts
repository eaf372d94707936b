/**
 * /healthz says that the start has succeeded and the process lives; /readyz asks each thing it depends on beside. What the
 * API can do without for a while, such as the command stream, makes it degraded, but does not take it out of service.
 */

import { Hono } from 'hono'
import type { Probe, ProbeResult } from '../runtime/health.ts'
import { within } from '../runtime/within.ts'
import type { AppEnv } from './environment.ts'

export interface HealthOptions {
  probes: readonly Probe[]
  /** A probe that takes longer counts as down. */
  probeTimeoutMs: number
  hasStarted?: () => boolean
}

export function health({ probes, probeTimeoutMs, hasStarted = () => true }: HealthOptions) {
  const app = new Hono<AppEnv>()
  app.get('/healthz', (c) => (hasStarted() ? c.json({ status: 'alive' }, 200) : c.json({ status: 'starting' }, 503)))
  app.get('/readyz', async (c) => {
    const results = await Promise.all(probes.map((probe) => examine(probe, probeTimeoutMs)))
    const down = probes.filter((_, index) => !results[index]?.up)
    const isReady = hasStarted() && !down.some(({ required }) => required)
    const status = !isReady ? 'not_ready' : down.length > 0 ? 'degraded' : 'ready'
    const dependencies = Object.fromEntries(probes.map(({ name }, index) => [name, results[index]]))
    return c.json({ status, dependencies }, status === 'not_ready' ? 503 : 200, { 'cache-control': 'no-store' })
  })
  return app
}

const examine = ({ check }: Probe, timeoutMs: number): Promise<ProbeResult> =>
  within(timeoutMs, Promise.try(check), { up: false, error: `no answer within ${timeoutMs} ms` }).catch(
    (error: unknown) => ({
      up: false,
      error: error instanceof Error ? error.message : String(error),
    }),
  )
