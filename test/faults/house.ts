/**
 * A house of opslog as in production: event store node, Postgres, NATS and each role as processes of their own, every
 * line between a role and a service through a fault proxy. Roles and services can be killed, paused and started again
 * on their data.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { registry } from '../support/contexts.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { temporaryDirectory } from '../support/services.ts'
import { SERVICES, type Service, type ServiceName, startServices } from './services.ts'

export const HOUSE_ROLES = ['api', 'projector', 'relay', 'webhooks', 'engine'] as const
type Role = (typeof HOUSE_ROLES)[number]
/** A role, or a second process of it under another name, such as `projector-2`. */
export type RoleName = Role | `${Role}-2`

export interface Lines {
  store: FaultProxy
  database: FaultProxy
  nats: FaultProxy
}

export interface House {
  /** Straight to the log, past every proxy. */
  store: EventStore
  services: Record<ServiceName, Service>
  eventStoreUrl: string
  databaseUrl: string
  natsUrl: string
  natsPrefix: string
  /** Seals webhook secrets, so that a test can set an endpoint as an administrator does. */
  sealingKey: Uint8Array
  /** For the command line, past every proxy. */
  toolEnvironment: Record<string, string>
  /** Where a process with an API listens now. */
  urlOf(role: RoleName): string
  /** Where the API and its sandbox operator's key are now; throws where it does not run. */
  api(): { url: string; key: string; operatorId: string }
  orderEntry(): { url: string; token: string }
  /** Of the engine's log. */
  engineDirectory: string
  lines(role: RoleName): Lines
  /** Resolves when the role says that it is up. `environment` is for this start alone. */
  start(role: RoleName, environment?: Record<string, string>): Promise<void>
  kill(role: RoleName): Promise<void>
  pause(role: RoleName): void
  proceed(role: RoleName): void
  runs(role: RoleName): boolean
  /** Process id of a role; throws where it does not run. */
  pidOf(role: RoleName): number
  /** What is down is started, what is paused goes on, every line is mended. */
  mend(): Promise<void>
  /** Files in which the roles' logs are. */
  logFiles(): string[]
  close(): Promise<void>
}

export interface HouseOptions {
  /** Where a service or the engine keeps its data: a small disk, for instance. */
  directories?: Partial<Record<ServiceName | 'engine', string>>
}

/** On a machine that does other things too. */
const START_MAX_MS = 180_000

/** What makes waits short and lets webhooks go to this machine. */
const impatience = {
  SANDBOX_OPERATOR: 'on',
  REPUBLISH_BACKOFF_MIN_MS: '500',
  REPUBLISH_BACKOFF_MAX_MS: '2000',
  REPUBLISH_ATTEMPTS_MAX: '200',
  SWEEP_INTERVAL_MS: '200',
  PROCESS_RETRY_MS: '200',
  SUBSCRIPTION_BACKOFF_MAX_MS: '500',
  SUBSCRIPTION_SILENCE_MAX_MS: '5000',
  EVENTSTORE_DEADLINE_MS: '1500',
  HEARTBEAT_INTERVAL_MS: '500',
  RESEND_INTERVAL_MS: '500',
  WEBHOOK_ALLOW_PRIVATE: 'true',
  WEBHOOK_POLL_INTERVAL_MS: '200',
  WEBHOOK_TIMEOUT_MS: '2000',
  WEBHOOK_RETRY_SCHEDULE_MS: [...Array(10).fill('300'), ...Array(10).fill('2700')].join(','),
}

/** Starts the services alone; each role is started by whoever needs it. `environment` is for all roles. */
export async function startHouse(environment: Record<string, string> = {}, options: HouseOptions = {}): Promise<House> {
  const directory = temporaryDirectory()
  const services = await startServices((name) => options.directories?.[name] ?? join(directory.path, name))
  const { store: node, postgres, nats } = services
  const store = createEventStore({ registry, url: node.url, deadlineMs: 20_000, appendAttemptsMax: 3 })
  const natsPrefix = `faults-${randomBytes(6).toString('hex')}`
  const processes = new Map<RoleName, ChildProcess>()
  const proxies = new Map<RoleName, Lines>()
  const sealingKey = randomBytes(32)
  const directoryOf = (role: RoleName) =>
    (role === 'engine' ? options.directories?.engine : undefined) ?? join(directory.path, role)
  const readJson = (role: RoleName, file: string) => JSON.parse(readFileSync(join(directoryOf(role), file), 'utf8'))
  const processOf = (role: RoleName) => {
    const found = processes.get(role)
    if (!found) throw new Error(`${role} does not run`)
    return found
  }
  const runs = (role: RoleName) => {
    const child = processes.get(role)
    return child !== undefined && child.exitCode === null && child.signalCode === null
  }
  const lines = (role: RoleName) => {
    const found = proxies.get(role)
    if (!found) throw new Error(`${role} has never run`)
    return found
  }
  /** Environments of the first starts, for those that mend() makes. */
  const started = new Map<RoleName, Record<string, string>>()

  async function start(role: RoleName, own: Record<string, string> = {}): Promise<void> {
    if (!proxies.has(role)) {
      const [storeLine, database, natsLine] = await Promise.all([
        startFaultProxy(node.url),
        startFaultProxy(postgres.url),
        startFaultProxy(nats.url),
      ])
      proxies.set(role, { store: storeLine, database, nats: natsLine })
    }
    started.set(role, own)
    const line = lines(role)
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
      env: {
        ...process.env,
        ...impatience,
        ...environment,
        ...own,
        ROLES: role.replace(/-\d$/, ''),
        DATA_DIR: directoryOf(role),
        PORT: '0',
        EVENTSTORE_URL: line.store.url,
        DATABASE_URL: line.database.url,
        NATS_URL: line.nats.url,
        NATS_PREFIX: natsPrefix,
        SECRETS_KEY: sealingKey.toString('base64'),
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
    services,
    eventStoreUrl: node.url,
    databaseUrl: postgres.url,
    natsUrl: nats.url,
    natsPrefix,
    sealingKey,
    toolEnvironment: {
      EVENTSTORE_URL: node.url,
      DATABASE_URL: postgres.url,
      SECRETS_KEY: sealingKey.toString('base64'),
      EVENTSTORE_DEADLINE_MS: '20000',
    },
    urlOf: (role) => readJson(role, 'services.json').api.url,
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
    runs,
    pidOf: (role) => processOf(role).pid as number,
    async mend() {
      for (const of of proxies.values()) for (const line of Object.values(of)) line.mend()
      for (const name of SERVICES) {
        if (!services[name].runs()) await services[name].start()
        else services[name].proceed()
      }
      for (const [role, own] of started) {
        if (runs(role)) processOf(role).kill('SIGCONT')
        else if (!role.endsWith('-2')) await start(role, own)
      }
    },
    logFiles: () => [...proxies.keys()].map((role) => join(directoryOf(role), 'opslog.log')).filter(existsSync),
    async close() {
      for (const role of [...processes.keys()]) await kill(role)
      keepLogs([...proxies.keys()].map((role) => [role, join(directoryOf(role), 'opslog.log')]))
      await store.close()
      await Promise.all([...proxies.values()].flatMap((of) => Object.values(of)).map((proxy) => proxy.close()))
      for (const name of SERVICES) await services[name].close()
      directory.remove()
    },
  }
}

/** Where OPSLOG_FAULT_LOGS names a directory, the logs outlive the house. */
function keepLogs(logs: readonly [role: string, file: string][]): void {
  const directory = process.env.OPSLOG_FAULT_LOGS
  if (directory === undefined) return
  mkdirSync(directory, { recursive: true })
  for (const [role, file] of logs) if (existsSync(file)) copyFileSync(file, join(directory, `${role}.log`))
}

/** Starts every role: the first makes the tables and the sandbox operator, the others come up side by side. */
export async function startRoles(house: House, environment: Record<string, string> = {}): Promise<void> {
  const [first, ...others] = HOUSE_ROLES
  await house.start(first, environment)
  await Promise.all(others.map((role) => house.start(role, environment)))
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
