/**
 * /healthz says that the start has succeeded and the process lives; /readyz asks each thing it depends on beside. What the
 * API can do without for a while, such as the command stream, makes it degraded, but does not take it out of service. The
 * figures are at /metrics. Both are asked for by anybody who reaches the address, so their answers are kept for a second.
 */

import { Hono } from 'hono'
import type { Probe, ProbeResult } from '../runtime/health.ts'
import { within } from '../runtime/within.ts'
import type { AppEnv } from './environment.ts'
import type { Metrics } from './metrics.ts'

export interface HealthOptions {
  probes: readonly Probe[]
  /** A probe that takes longer counts as down. */
  probeTimeoutMs: number
  hasStarted?: () => boolean
}

/** For how long /readyz and /metrics answer with what was found last. */
const KEPT_MS = 1_000

/** /healthz alone. */
export const liveness = ({ hasStarted = () => true }: Pick<HealthOptions, 'hasStarted'>): Hono<AppEnv> =>
  new Hono<AppEnv>().get('/healthz', (c) =>
    hasStarted() ? c.json({ status: 'alive' }, 200) : c.json({ status: 'starting' }, 503),
  )

/** How an instance is doing, as /readyz shows it. */
export interface Readiness {
  status: 'ready' | 'degraded' | 'not_ready'
  dependencies: Readonly<Record<string, ProbeResult>>
}

/** Asks every probe, at most once a second. */
export function readinessOf(
  { probes, probeTimeoutMs, hasStarted = () => true }: HealthOptions,
  nowMs = () => performance.now(),
): () => Promise<Readiness> {
  const examined = kept(nowMs, () => Promise.all(probes.map((probe) => examine(probe, probeTimeoutMs))))
  return async () => {
    const results = await examined()
    const down = probes.filter((_, index) => !results[index]?.up)
    const isReady = hasStarted() && !down.some(({ required }) => required)
    const status = !isReady ? 'not_ready' : down.length > 0 ? 'degraded' : 'ready'
    return {
      status,
      dependencies: Object.fromEntries(probes.map(({ name }, at) => [name, results[at] ?? { up: false }])),
    }
  }
}

/** /healthz, /readyz and /metrics. `nowMs` only goes forward. `readiness`: default, its own. */
export function health(
  options: HealthOptions,
  { registry }: Pick<Metrics, 'registry'>,
  nowMs = () => performance.now(),
  readiness = readinessOf(options, nowMs),
): Hono<AppEnv> {
  const { hasStarted = () => true } = options
  const figures = kept(nowMs, async () => new TextEncoder().encode(await registry.metrics()))
  const app = liveness({ hasStarted })
  app.get('/readyz', async (c) => {
    const found = await readiness()
    return c.json(found, found.status === 'not_ready' ? 503 : 200, { 'cache-control': 'no-store' })
  })
  app.get('/metrics', async (c) => c.body(await figures(), 200, { 'content-type': registry.contentType }))
  return app
}

/** What the work gave, for everybody who asks while it is under way and until `KEPT_MS` after its end. */
function kept<T>(nowMs: () => number, work: () => Promise<T>): () => Promise<T> {
  let last: { given: Promise<T>; endsAtMs: number } | undefined
  return () => {
    if (last && nowMs() < last.endsAtMs) return last.given
    const entry = { given: work(), endsAtMs: Number.POSITIVE_INFINITY }
    const settle = () => (entry.endsAtMs = nowMs() + KEPT_MS)
    entry.given.then(settle, settle)
    last = entry
    return entry.given
  }
}

const examine = ({ check }: Probe, timeoutMs: number): Promise<ProbeResult> =>
  within(timeoutMs, Promise.try(check), { up: false, error: `no answer within ${timeoutMs} ms` }).catch(
    (error: unknown) => ({
      up: false,
      error: error instanceof Error ? error.message : String(error),
    }),
  )
