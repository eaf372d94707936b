/**
 * A whole instance with firsthand as a process of its own, on data of its own. A test says where it is to die, lets it work,
 * sees it dead, and starts it again; it reads and writes the instance's log past the instance, and asks its stand-in for Stripe.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { type CommandBus, createCommandBus } from '../../src/commands/handle.ts'
import { loadConfig } from '../../src/config.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { createDatabase as connectDatabase, type ReadModels } from '../../src/postgres/database.ts'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { ensureSealingKey } from '../../src/vault/secrets-key.ts'
import { createVault } from '../../src/vault/vault.ts'
import type { Answer, Asked } from '../http/api.ts'
import { addKey, type Buyer, addBuyer as createBuyer, grant, type Home } from '../http/firsthand/buyers.ts'
import { addWorker as createWorker, type Worker } from '../http/firsthand/crew.ts'
import { registry } from '../support/contexts.ts'
import { eventsOf } from '../support/event-store.ts'
import { type PaymentStandIn, paymentStandInAt } from '../support/payments.ts'
import { createDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

type Environment = Record<string, string>

export interface FirsthandHouse extends Home {
  dataDirectory: string
  databaseUrl: string
  /** Of the instance's environment, what a command line needs. */
  toolEnvironment(): Environment
  /** Straight to the log and the read models, past the instance. They serve while it runs. */
  store: EventStore
  db: ReadModels
  /** Of the API, `http://127.0.0.1:40123`. */
  url(): string
  /** Resolves when the instance says that it is up. `environment` is for this start alone. */
  start(environment?: Environment): Promise<void>
  runs(): boolean
  pid(): number
  /** Resolves when it is gone; with its exit code, or the signal that ended it. */
  end(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
  /** Orders it to die at the point, lets the work begin, and resolves when it is dead; the work may have failed. */
  dies(order: Omit<CrashOrder, 'do'>, work: () => Promise<unknown>): Promise<void>
  /** The stand-in for Stripe that it runs. */
  standIn(): Omit<PaymentStandIn, 'close'>
  /** A new organization whose key the API takes. */
  addBuyer(options?: Parameters<typeof createBuyer>[1]): Promise<Buyer>
  addKey(organizationId: string, options?: Parameters<typeof addKey>[2]): Promise<{ key: string; keyId: string }>
  addWorker(name?: string): Promise<Worker>
  grant(organizationId: string, cents: number): Promise<string>
  /** Types of a stream's events without context and version, and their facts. */
  eventsOf(stream: string): Promise<{ name: string; data: Readonly<Record<string, unknown>> }[]>
  close(): Promise<void>
}

/** On a machine that does other things too. */
const START_MAX_MS = 180_000
const DEAD_MAX_MS = 20_000

/** Waits are short, and nothing of the other contexts' takes part. */
const impatience = {
  ...{ PORT: '0', NATS_SERVER: 'off', CONTEXTS: 'noctant,firsthand', WEBHOOK_ALLOW_PRIVATE: 'true' },
  ...{ FIRSTHAND_SWEEP_INTERVAL_MS: '200', FIRSTHAND_SCORING_POLL_INTERVAL_MS: '100', WEBHOOK_POLL_INTERVAL_MS: '100' },
}

interface Tools {
  bus: CommandBus
  store: EventStore
  close(): Promise<void>
}

export async function openFirsthandHouse(environment: Environment = {}): Promise<FirsthandHouse> {
  const directory = temporaryDirectory()
  const database = await createDatabase()
  const dataDirectory = join(directory.path, 'data')
  const crashFile = join(directory.path, 'crash.json')
  const db = connectDatabase({ url: database.url, poolMax: 4 })
  let child: ChildProcess | undefined
  let tools: Tools | undefined

  const isAlive = () => child?.exitCode === null && child.signalCode === null
  const services = () => JSON.parse(readFileSync(join(dataDirectory, 'services.json'), 'utf8'))
  const url = (): string => services().api.url
  const opened = (): Tools => {
    if (!tools) throw new Error('the instance does not run')
    return tools
  }
  const toolEnvironment = () => ({ DATA_DIR: dataDirectory, DATABASE_URL: database.url })

  function openTools(): Tools {
    const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: dataDirectory }))
    const personKeys = createVault({ db, sealingKey, cachedMax: 1_000, log: { warn: () => undefined } as never })
    const limits = { deadlineMs: 5_000, appendAttemptsMax: 3 }
    const store = createEventStore({ registry, url: services().eventStore.url, ...limits, personKeys })
    const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 10_000, conflictRetriesMax: 50 })
    return { bus, store, close: () => store.close() }
  }

  async function start(own: Environment = {}): Promise<void> {
    const { PATH = '', HOME = '' } = process.env
    const starting = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
      cwd: root,
      env: { PATH, HOME, ...toolEnvironment(), CRASH_POINT_FILE: crashFile, ...impatience, ...environment, ...own },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    child = starting
    const { promise: up, resolve, reject } = Promise.withResolvers<void>()
    let said = ''
    const hear = (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-10_000)
      if (said.includes('Ctrl-C stops everything')) resolve()
    }
    starting.stdout.on('data', hear)
    starting.stderr.on('data', hear)
    starting.once('exit', () => reject(new Error(`the instance ended: ${said}`)))
    const timer = setTimeout(() => reject(new Error(`the instance did not start: ${said}`)), START_MAX_MS)
    await up.finally(() => clearTimeout(timer))
    tools = openTools()
  }

  /** Closes what was open to it, once it is dead. */
  async function buried(): Promise<void> {
    const before = tools
    tools = undefined
    await before?.close()
  }

  async function end(signal: NodeJS.Signals = 'SIGKILL') {
    const ending = child
    if (!ending || !isAlive()) throw new Error('the instance does not run')
    const exited = once(ending, 'exit')
    ending.kill(signal)
    await exited
    await buried()
    return ending.exitCode ?? ending.signalCode!
  }

  async function buy(method: string, path: string, { key, body, raw, headers }: Asked = {}): Promise<Answer> {
    const content = raw ?? (body === undefined ? undefined : JSON.stringify(body))
    const response = await fetch(`${url()}/firsthand${path}`, {
      method,
      headers: {
        ...(key !== undefined && { authorization: `Bearer ${key}` }),
        ...(content !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(content !== undefined && { body: content as NonNullable<RequestInit['body']> }),
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
  }

  /** Its directories are in its own process: whether it takes a key shows at the first request. */
  const elsewhere = { find: () => true }
  const isTaken = (path: string, key: string) =>
    vi.waitFor(async () => expect((await buy('GET', path, { key })).status).toBe(200), {
      interval: 50,
      timeout: 10_000,
    })

  const house: FirsthandHouse = {
    ...{ dataDirectory, databaseUrl: database.url, db, toolEnvironment, url, start, end, buy },
    ...{ buyers: elsewhere, workers: elsewhere },
    get bus() {
      return opened().bus
    },
    get store() {
      return opened().store
    },
    runs: isAlive,
    pid: () => child?.pid as number,
    async dies(order, work) {
      const dying = child!
      const exited = once(dying, 'exit')
      writeFileSync(crashFile, JSON.stringify({ do: 'kill', ...order }))
      const working = Promise.allSettled([work()])
      const timer = setTimeout(() => dying.kill('SIGTERM'), DEAD_MAX_MS)
      await exited
      clearTimeout(timer)
      await working
      await buried()
      expect(dying.signalCode, `killed at ${order.at}`).toBe('SIGKILL')
    },
    standIn() {
      const { port, ...keys } = JSON.parse(readFileSync(join(dataDirectory, 'stripe', 'account.json'), 'utf8'))
      return paymentStandInAt({ url: `http://127.0.0.1:${port}`, keys })
    },
    async addBuyer(options) {
      const buyer = await createBuyer(house, options)
      await isTaken('/v1/billing/credits', buyer.key)
      return buyer
    },
    async addKey(organizationId, options) {
      const added = await addKey(house, organizationId, options)
      await isTaken('/v1/billing/credits', added.key)
      return added
    },
    async addWorker(name) {
      const added = await createWorker(house, name)
      await isTaken('/worker/v1/earnings', added.token)
      return added
    },
    grant: (organizationId, cents) => grant(house, organizationId, cents),
    eventsOf: async (stream) =>
      (await eventsOf(opened().store, stream)).map(({ type, data }) => ({ name: type.split('.')[1] ?? '', data })),
    async close() {
      if (isAlive()) await end('SIGTERM')
      await db.destroy()
      await database.drop()
      directory.remove()
    },
  }
  return house
}
