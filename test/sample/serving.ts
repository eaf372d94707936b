/** The sample context's HTTP over a real socket and a real event store. */
import { createCommandBus } from '../../src/commands/handle.ts'
import { createRegistry } from '../../src/events/registry.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { createApp } from '../../src/http/app.ts'
import { withParts } from '../../src/http/context.ts'
import { defaultHttpLimits, type HttpLimits } from '../../src/http/environment.ts'
import { health } from '../../src/http/health.ts'
import { createMetrics } from '../../src/http/metrics.ts'
import type { Operation } from '../../src/http/operation.ts'
import type { RateClass } from '../../src/http/rate-limit.ts'
import { defaultServerOptions, type ServerOptions, startServer } from '../../src/http/server.ts'
import type { Turns } from '../../src/http/turns.ts'
import { quietRuntime } from '../http/exchange.ts'
import { startTestStore } from '../support/event-store.ts'
import { type SampleParts, sampleApi } from './api.ts'
import { noteEvents } from './note.ts'

export interface ServedSample {
  port: number
  url: string
  store: EventStore
  close(): Promise<void>
}

export interface SampleOptions extends Partial<Pick<SampleParts, 'rows' | 'onStreamEnd' | 'onPause' | 'doorMax'>> {
  /** Of limits by the minute; default: this process's own. */
  nowMs?: () => number
  limits?: Partial<HttpLimits>
  /** In addition to the sample's own. */
  operations?: readonly Operation<SampleParts>[]
  rates?: Readonly<Record<string, RateClass<never>>>
  sockets?: ServerOptions['sockets']
  /** Default: the application's own, and the server's. */
  turns?: Turns
}

const withMore = ({ operations = [], rates = {} }: SampleOptions) => ({
  ...sampleApi,
  operations: [...sampleApi.operations, ...operations],
  rates: (parts: SampleParts) => ({ ...sampleApi.rates(parts), ...rates }),
})

export async function startSample(options: SampleOptions = {}): Promise<ServedSample> {
  const { rows = [], onStreamEnd = () => undefined, nowMs = () => performance.now() } = options
  const { onPause = () => undefined, doorMax = 3, sockets = defaultServerOptions.sockets, turns } = options
  const log = await startTestStore()
  const registry = createRegistry([{ events: noteEvents }])
  const limits = { deadlineMs: 5_000, appendAttemptsMax: 3 }
  const store = createEventStore({ registry, url: log.url, ...limits, personKeys: log.keys })
  const bus = createCommandBus(store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
  const waiter = { waitFor: async () => true, current: () => undefined }
  const parts = { bus, waiter, rows, onStreamEnd, onPause, doorMax, clock: () => new Date() }
  const metrics = createMetrics([])
  const app = createApp({
    ...quietRuntime(),
    nowMs,
    limits: { ...defaultHttpLimits, ...options.limits },
    contexts: [withParts(withMore(options), parts)],
    health: health({ probes: [], probeTimeoutMs: 1_000 }, metrics),
    metrics,
    ...(turns && { turns }),
  })
  const address = { host: '127.0.0.1', port: 0 }
  const server = await startServer({
    ...defaultServerOptions,
    ...address,
    fetch: app.fetch,
    sockets,
    ...(turns && { turns }),
  })
  return {
    port: server.port,
    url: `http://127.0.0.1:${server.port}`,
    store,
    async close() {
      await server.stop(1_000)
      await store.close()
      await log.close()
    },
  }
}
