/**
 * What a process shows of itself to those who run it, apart from the API: /healthz, /readyz and /metrics, on an address of
 * this machine alone unless `ADMIN_HOST` and `ADMIN_PORT` name another.
 */
import type { Config } from '../config.ts'
import type { Probe } from '../runtime/health.ts'
import { type HealthOptions, health, type Readiness } from './health.ts'
import type { Metrics } from './metrics.ts'
import { defaultServerOptions, startServer } from './server.ts'

/** For requests under way at the stop: each is answered from memory, or by a probe that has a time limit. */
const STOP_GRACE_MS = 500

export interface HealthServer {
  url: string
  stop(): Promise<void>
}

export interface HealthAddress {
  host: string
  /** 0 takes a free one. */
  port: number
}

/** As the settings have it; unset: of this machine alone, on a free port. */
export const adminAddress = (config: Pick<Config, 'ADMIN_HOST' | 'ADMIN_PORT'>): HealthAddress =>
  config.ADMIN_PORT === undefined
    ? { host: '127.0.0.1', port: 0 }
    : { host: config.ADMIN_HOST, port: config.ADMIN_PORT }

/** Serves what the options and the figures say; `readiness`: default, its own. Rejects where the port is taken. */
export async function serveHealth(
  options: HealthOptions,
  metrics: Pick<Metrics, 'registry'>,
  address: HealthAddress,
  readiness?: () => Promise<Readiness>,
): Promise<HealthServer> {
  const { fetch } = health(options, metrics, undefined, readiness)
  const server = await startServer({ ...defaultServerOptions, ...address, fetch })
  return { url: urlOf(address.host, server.port), stop: () => server.stop(STOP_GRACE_MS) }
}

/** For a process without the API: what it is for has to work; what others are for is not asked. */
export function startHealthServer(
  probes: readonly Probe[],
  own: ReadonlySet<string>,
  metrics: Pick<Metrics, 'registry'>,
  address: HealthAddress,
  probeTimeoutMs: number,
): Promise<HealthServer> {
  const asked = probes.filter(({ name }) => own.has(name)).map((probe) => ({ ...probe, required: true }))
  return serveHealth({ probes: asked, probeTimeoutMs }, metrics, address)
}

/** The address that this machine reaches a server at which listens there. */
export function urlOf(host: string, port: number): string {
  const reached = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  return `http://${reached.includes(':') ? `[${reached}]` : reached}:${port}`
}
