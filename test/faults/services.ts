/**
 * The services of a house of its own: event store node, Postgres and NATS, each a process that can be killed, paused and
 * started again on its data and its port, where the roles find it again.
 */
import { once } from 'node:events'
import { vi } from 'vitest'
import { startNatsServer } from '../../src/embedded/nats-server.ts'
import { isPortFree } from '../../src/embedded/ports.ts'
import { startPostgres } from '../../src/embedded/postgres.ts'
import { startNodeProcess } from '../embedded/eventstore/support/node-process.ts'
import { natsBinary } from '../support/services.ts'

export const SERVICES = ['store', 'postgres', 'nats'] as const
export type ServiceName = (typeof SERVICES)[number]

export interface Service {
  /** The same after every start. */
  url: string
  directory: string
  pid(): number
  runs(): boolean
  /** Resolves when it is gone. SIGQUIT is what `pg_ctl stop -m immediate` sends. */
  kill(signal?: 'SIGKILL' | 'SIGQUIT'): Promise<void>
  /** Resolves when it serves again. Rejects where it cannot start on its data. */
  start(): Promise<void>
  pause(): void
  proceed(): void
  close(): Promise<void>
}

/** One life of a service. */
interface Life {
  url: string
  pid: number
  exited: Promise<unknown>
  /** Ends it, killed or not. */
  stop(): Promise<unknown>
}

type Starter = (directory: string, port: number | undefined) => Promise<Life>

/** Each stream of a house reserves its bound, which the broker adds up whether or not anything is stored. */
const STORE_BYTES_MAX = 1024 ** 4
const PORT_FREE_MAX_MS = 15_000

const starters: Record<ServiceName, Starter> = {
  async store(directory, port) {
    const { url, process: child, stop } = await startNodeProcess(directory, port)
    return { url, pid: child.pid as number, exited: once(child, 'exit'), stop }
  },
  postgres: (directory, port) =>
    startPostgres({ directory, maxConnections: 200, ...(port === undefined ? {} : { port }) }),
  nats(directory, port) {
    const binary = natsBinary()
    if (!binary) throw new Error('the fault suite needs a nats-server: roles are processes of their own')
    const options = { binary, directory, storeBytesMax: STORE_BYTES_MAX }
    return startNatsServer(port === undefined ? options : { ...options, port })
  },
}

/** All three, side by side, each in the directory that is named for it. */
export async function startServices(directoryOf: (name: ServiceName) => string): Promise<Record<ServiceName, Service>> {
  const [store, postgres, nats] = await Promise.all(
    SERVICES.map((name) => startService(starters[name], directoryOf(name))),
  )
  if (!store || !postgres || !nats) throw new Error('a service was not started')
  return { store, postgres, nats }
}

async function startService(starter: Starter, directory: string): Promise<Service> {
  let life: Life | undefined
  const live = async (port?: number) => {
    const begun = await starter(directory, port)
    life = begun
    void begun.exited.then(() => {
      if (life === begun) life = undefined
    })
    return begun.url
  }
  const url = await live()
  const port = Number(new URL(url).port)
  const alive = () => {
    if (!life) throw new Error(`nothing runs at ${url}`)
    return life
  }
  return {
    url,
    directory,
    pid: () => alive().pid,
    runs: () => life !== undefined,
    async kill(signal = 'SIGKILL') {
      const { pid, exited, stop } = alive()
      process.kill(pid, signal)
      // A process that was paused takes no other signal than SIGKILL.
      if (signal !== 'SIGKILL') process.kill(pid, 'SIGCONT')
      await exited
      life = undefined
      await stop()
    },
    async start() {
      if (life) throw new Error(`something runs at ${url} already`)
      const free = async () => {
        if (!(await isPortFree(port))) throw new Error(`${port} is still taken`)
      }
      await vi.waitFor(free, { interval: 20, timeout: PORT_FREE_MAX_MS })
      await live(port)
    },
    pause: () => void process.kill(alive().pid, 'SIGSTOP'),
    proceed: () => void process.kill(alive().pid, 'SIGCONT'),
    async close() {
      if (!life) return
      process.kill(life.pid, 'SIGCONT')
      await life.stop()
    },
  }
}
