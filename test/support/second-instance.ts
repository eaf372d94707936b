/** Another API on the services of a stack: with memory, keys and a log of its own, as on another machine. */
import { pino } from 'pino'
import { loadConfig } from '../../src/config.ts'
import { startInstance } from '../../src/instance.ts'
import { loaded } from './contexts.ts'
import { temporaryDirectory } from './services.ts'
import type { Stack } from './stack.ts'

export interface SecondInstance {
  url: string
  /** What it logged as an error, one JSON line each. */
  errors: string[]
  close(): Promise<void>
}

/** `environment` has to hold the stack's SECRETS_KEY; `databaseUrl` may lead to the same database another way. */
export async function startSecond(
  stack: Stack,
  environment: Record<string, string>,
  databaseUrl = stack.databaseUrl,
): Promise<SecondInstance> {
  const directory = temporaryDirectory()
  const errors: string[] = []
  const services = {
    eventStore: { kind: 'external' as const, url: stack.eventStoreUrl },
    postgres: { kind: 'external' as const, url: databaseUrl },
    stream: { kind: 'external' as const, url: null, stream: stack.stream, note: '' },
    // Roles that stand apart have none.
    stripeStandIn: () => Promise.reject(new Error('the stand-in was asked for')),
    localChain: () => Promise.reject(new Error('the local chain was asked for')),
    localMarket: () => Promise.reject(new Error('the local market was asked for')),
    noteChain: () => Promise.reject(new Error('a chain was to be written down')),
    failed: new Promise<string>(() => undefined),
    stop: async () => undefined,
  }
  const own = { PORT: '0', ROLES: 'api', CONTEXTS: loaded.join(), SANDBOX_OPERATOR: 'off', DATA_DIR: directory.path }
  const log = pino({ level: 'error' }, { write: (line: string) => void errors.push(line) })
  const instance = await startInstance(loadConfig({ ...environment, ...own }), services, log)
  return {
    url: instance.api!.url,
    errors,
    async close() {
      await instance.close()
      directory.remove()
    },
  }
}
