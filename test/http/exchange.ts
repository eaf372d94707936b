/** What the kernel of HTTP keeps of a request, for tests that call its parts one by one. */
import { createSealer } from '../../src/http/cursor.ts'
import { defaultHttpLimits, type Exchange, type Runtime } from '../../src/http/environment.ts'
import { failureOf } from '../../src/postgres/failure.ts'

/** As every process of one installation has it. */
export const testSealer = createSealer(() => [Buffer.alloc(32, 7)])

export const exchangeOf = (requestId: string): Exchange => ({
  ...{ requestId, headers: {}, schemes: [] },
  ...{ principal: undefined, answer: undefined, releaseBody: undefined, route: undefined, status: undefined },
})

export const quietRuntime = (): Runtime => ({
  limits: defaultHttpLimits,
  log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  nowMs: () => performance.now(),
  isUnavailable: (error: unknown) => failureOf(error) === 'unavailable',
  sealer: testSealer,
})
