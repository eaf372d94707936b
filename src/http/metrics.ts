/** Figures for Prometheus: requests by route and status, commands by outcome, and gauges that other parts hand in. */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { CommandBus } from '../commands/handle.ts'
import { Rejected } from '../commands/rejection.ts'
import type { GaugeSource } from '../runtime/health.ts'
import { within } from '../runtime/within.ts'
import { addFigures } from '../telemetry.ts'

export interface Metrics {
  registry: Registry
  /** Takes a request in that was answered. `route` is its template. */
  measure(request: { method: string; route: string; status: number; durationMs: number }): void
  /** The same bus, with its commands counted. */
  countCommands(bus: CommandBus): CommandBus
}

const DURATION_BUCKETS_S = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** For one figure; all are asked at once. */
const READ_MAX_MS = 800

/** Undefined where it fails: what is down has a gauge of its own, and readiness says why. */
const inTime = (read: GaugeSource['read']): Promise<number | undefined> =>
  within(READ_MAX_MS, Promise.try(read), undefined).catch(() => undefined)

export function createMetrics(gauges: readonly GaugeSource[]): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const durations = new Histogram({
    name: 'opslog_http_request_duration_seconds',
    help: 'Requests, by route template and status',
    labelNames: ['method', 'route', 'status'],
    buckets: DURATION_BUCKETS_S,
    registers,
  })
  const commands = new Counter({
    name: 'opslog_commands_total',
    help: 'Commands, by aggregate and outcome: applied, unchanged, replayed, rejected, failed',
    labelNames: ['aggregate', 'outcome'],
    registers,
  })
  for (const { name, help, read } of gauges) {
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        const value = await inTime(read)
        if (value !== undefined) this.set(value)
      },
    })
  }
  addFigures(registry)
  return {
    registry,
    measure: ({ method, route, status, durationMs }) =>
      durations.observe({ method, route, status }, durationMs / 1_000),
    countCommands: (bus) => ({
      ...bus,
      current: bus.current,
      async handle(aggregate, id, command, context, precondition) {
        const count = (outcome: string) => commands.inc({ aggregate: aggregate.category, outcome })
        try {
          const handled = await bus.handle(aggregate, id, command, context, precondition)
          count(handled.replayed ? 'replayed' : handled.events.length > 0 ? 'applied' : 'unchanged')
          return handled
        } catch (error) {
          count(error instanceof Rejected ? 'rejected' : 'failed')
          throw error
        }
      },
    }),
  }
}
