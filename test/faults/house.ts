/**
 * A house of opslog as in production: event store node, Postgres, NATS and each role as processes of their own, every
 * line between a role and a service through a fault proxy. Roles can be killed, paused and started again on their data.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { startNodeProcess } from '../embedded/eventstore/support/node-process.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { createDatabase, natsUrl, temporaryDirectory } from '../support/services.ts'

export const HOUSE_ROLES = ['api', 'projector', 'relay', 'engine'] as const
/** A role, or a second process of it under another name, such as `projector-2`. */
export type RoleName = (typeof HOUSE_ROLES)[number] | 'projector-2'

export interface Lines {
  store: FaultProxy
  database: FaultProxy
  nats: FaultProxy
}

export interface House {
  /** Straight to the log, past every proxy. */
  store: EventStore
  eventStoreUrl: string
  databaseUrl: string
  natsUrl: string
  natsPrefix: string
  /** Where the API and its sandbox operator's key are now; throws where it does not run. */
  api(): { url: string; key: string; operatorId: string }
  orderEntry(): { url: string; token: string }
  /** Of the engine's log. */
  engineDirectory: string
  lines(role: RoleName): Lines
  /** Resolves when the role says that it is up. */
  start(role: RoleName): Promise<void>
  kill(role: RoleName): Promise<void>
  pause(role: RoleName): void
  proceed(role: RoleName): void
  runs(role: RoleName): boolean
  /** Files in which the roles' logs are. */
  logFiles(): string[]
  close(): Promise<void>
}

const START_MAX_MS = 60_000

export async function startHouse(environment: Record<string, string> = {}): Promise<House> {
  const nats = natsUrl()
  if (!nats) throw new Error('the fault suite needs a nats-server: roles are processes of their own')
  const [directory, database] = [temporaryDirectory(), await createDatabase()]
  const node = await startNodeProcess(join(directory.path, 'eventstore'))
  const eventStoreUrl = node.url
  const store = createEventStore({ url: eventStoreUrl, deadlineMs: 5_000, appendAttemptsMax: 3 })
  const natsPrefix = `faults-${randomBytes(6).toString('hex')}`
  const processes = new Map<RoleName, ChildProcess>()
  const proxies = new Map<RoleName, Lines>()
  const secretsKey = randomBytes(32).toString('base64')
  const directoryOf = (role: RoleName) => join(directory.path, role)
  const readJson = (role: RoleName, file: string) => JSON.parse(readFileSync(join(directoryOf(role), file), 'utf8'))
  const processOf = (role: RoleName) => {
    const found = processes.get(role)
    if (!found) throw new Error(`${role} does not run`)
    return found
  }
  const lines = (role: RoleName) => {
    const found = proxies.get(role)
    if (!found) throw new Error(`${role} has never run`)
    return found
  }

  async function start(role: RoleName): Promise<void> {
    if (!proxies.has(role)) {
      const [storeLine, databaseLine, natsLine] = await Promise.all([
        startFaultProxy(eventStoreUrl),
        startFaultProxy(database.url),
        startFaultProxy(nats as string),
      ])
      proxies.set(role, { store: storeLine, database: databaseLine, nats: natsLine })
    }
    const { store, database: databaseLine, nats: natsLine } = lines(role)
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
      env: {
        ...process.env,
        ...environment,
        ROLES: role.replace(/-\d$/, ''),
        DATA_DIR: directoryOf(role),
        PORT: '0',
        EVENTSTORE_URL: store.url,
        DATABASE_URL: databaseLine.url,
        NATS_URL: natsLine.url,
        NATS_PREFIX: natsPrefix,
        SANDBOX_OPERATOR: 'on',
        WEBHOOK_SECRETS_KEY: secretsKey,
        REPUBLISH_BACKOFF_MIN_MS: '500',
        REPUBLISH_BACKOFF_MAX_MS: '2000',
        SWEEP_INTERVAL_MS: '200',
        PROCESS_RETRY_MS: '200',
        SUBSCRIPTION_BACKOFF_MAX_MS: '500',
        EVENTSTORE_DEADLINE_MS: '1500',
        HEARTBEAT_INTERVAL_MS: '500',
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    processes.set(role, child)
    await up(role, child)
  }

  async function kill(role: RoleName): Promise<void> {
    const child = processOf(role)
    processes.delete(role)
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  return {
    store,
    eventStoreUrl,
    databaseUrl: database.url,
    natsUrl: nats,
    natsPrefix,
    api() {
      const { api_key: key, operator_id: operatorId } = readJson('api', 'sandbox-operator.json')
      return { url: readJson('api', 'services.json').api.url, key, operatorId }
    },
    orderEntry: () => readJson('engine', 'services.json').engine,
    engineDirectory: join(directoryOf('engine'), 'engine'),
    lines,
    start,
    kill,
    pause: (role) => void processOf(role).kill('SIGSTOP'),
    proceed: (role) => void processOf(role).kill('SIGCONT'),
    runs: (role) => processes.get(role)?.exitCode === null,
    logFiles: () => [...proxies.keys()].map((role) => join(directoryOf(role), 'opslog.log')),
    async close() {
      for (const role of [...processes.keys()]) await kill(role)
      await store.close()
      await Promise.all([...proxies.values()].flatMap((of) => Object.values(of)).map((proxy) => proxy.close()))
      await node.stop()
      await database.drop()
      directory.remove()
    },
  }
}

async function up(role: RoleName, child: ChildProcess): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let said = ''
  const listen = (chunk: Buffer) => {
    said += chunk
    if (/opslog.* is up after/.test(said) && said.includes('log ')) resolve()
  }
  child.stdout?.on('data', listen)
  child.stderr?.on('data', listen)
  child.once('exit', () => reject(new Error(`${role} ended: ${said}`)))
  const timer = setTimeout(() => reject(new Error(`${role} did not start: ${said}`)), START_MAX_MS)
  await promise.finally(() => clearTimeout(timer))
}
