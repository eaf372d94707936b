/**
 * The health of a process without the API: /healthz and /readyz on an address of this machine alone, which services.json
 * names. What the process itself is for has to work; what others are for is not asked.
 */
import type { Probe } from '../runtime/health.ts'
import { health } from './health.ts'
import { defaultServerOptions, startServer } from './server.ts'

const PROBE_TIMEOUT_MS = 2_000
const STOP_GRACE_MS = 500

export interface HealthServer {
  url: string
  stop(): Promise<void>
}

/** Serves those of the probes that are of this process, each of them required. */
export async function startHealthServer(probes: readonly Probe[], own: ReadonlySet<string>): Promise<HealthServer> {
  const asked = probes.filter(({ name }) => own.has(name)).map((probe) => ({ ...probe, required: true }))
  const { fetch } = health({ probes: asked, probeTimeoutMs: PROBE_TIMEOUT_MS })
  const server = await startServer({ ...defaultServerOptions, fetch, host: '127.0.0.1', port: 0 })
  return { url: `http://127.0.0.1:${server.port}`, stop: () => server.stop(STOP_GRACE_MS) }
}
