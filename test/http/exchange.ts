/** What the kernel of HTTP keeps of a request, for tests that call its parts one by one. */
import { ObjectStoreUnavailable } from '../../src/adapters/object-store/object-store.ts'
import { createBounds } from '../../src/http/bounds.ts'
import { createCallers } from '../../src/http/callers.ts'
import type { SharedRuntime } from '../../src/http/context.ts'
import { createSealer } from '../../src/http/cursor.ts'
import { defaultHttpLimits, type Exchange, type HttpLimits, type Runtime } from '../../src/http/environment.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import { createRecentRequests } from '../../src/http/recent-requests.ts'
import { createTenants } from '../../src/http/tenant-use.ts'
import { failureOf } from '../../src/postgres/failure.ts'

/** As every process of one installation has it. */
export const testSealer = createSealer(() => [Buffer.alloc(32, 7)])

export const exchangeOf = (requestId: string): Exchange => ({
  ...{ requestId, headers: {}, schemes: [] },
  ...{
    principal: undefined,
    answer: undefined,
    releaseBody: undefined,
    tenant: undefined,
    stepAtMs: undefined,
    isLong: false,
    sentBytes: 0,
    route: undefined,
    status: undefined,
    code: undefined,
  },
})

export const quietRuntime = (): Runtime => ({
  limits: defaultHttpLimits,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  nowMs: () => performance.now(),
  isUnavailable: (error: unknown) => error instanceof ObjectStoreUnavailable || failureOf(error) === 'unavailable',
  sealer: testSealer,
})

/** What the pages of contexts are given beside it. */
export function sharedRuntime(limits: Partial<HttpLimits> = {}): SharedRuntime {
  const runtime = { ...quietRuntime(), limits: { ...defaultHttpLimits, ...limits } }
  const { nowMs } = runtime
  const callers = createCallers(runtime.limits.trustProxy)
  const bounds = createBounds(runtime.limits, nowMs, callers)
  return {
    ...{ ...runtime, callers, bounds, tenants: createTenants(runtime.limits, nowMs), inTurn: () => undefined },
    ...{
      consoles: [],
      requests: createRecentRequests(),
      metrics: createMetrics([]),
      readiness: async () => ({ status: 'ready', dependencies: {} }),
    },
  }
}
