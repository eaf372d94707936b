/**
 * A whole instance with firsthand as a process of its own, on data of its own. A test says where it is to die, lets it work,
 * sees it dead, and starts it again; it reads and writes the instance's log past the instance, and asks its stand-in for Stripe.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, vi } from 'vitest'
import { type CommandBus, createCommandBus } from '../../src/commands/handle.ts'
import { loadConfig } from '../../src/config.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { createDatabase as connectDatabase, type ReadModels } from '../../src/postgres/database.ts'
import { ensureSealingKey } from '../../src/vault/secrets-key.ts'
import { createVault } from '../../src/vault/vault.ts'
import type { Answer, Asked } from '../http/api.ts'
import { addKey, type Buyer, addBuyer as createBuyer, grant, type Home } from '../http/firsthand/buyers.ts'
import { addWorker as createWorker, type Worker } from '../http/firsthand/crew.ts'
import { registry } from '../support/contexts.ts'
import { eventsOf } from '../support/event-store.ts'
import { createInstance, type Instance } from '../support/instance.ts'
import { type PaymentStandIn, paymentStandInAt } from '../support/payments.ts'

type Environment = Record<string, string>

export interface FirsthandHouse extends Home, Omit<Instance, 'eventStoreUrl'> {
  /** Straight to the log and the read models, past the instance. They serve while it runs. */
  store: EventStore
  db: ReadModels
  /** The stand-in for Stripe that it runs. */
  standIn(): Omit<PaymentStandIn, 'close'>
  /** A new organization whose key the API takes. */
  addBuyer(options?: Parameters<typeof createBuyer>[1]): Promise<Buyer>
  addKey(organizationId: string, options?: Parameters<typeof addKey>[2]): Promise<{ key: string; keyId: string }>
  addWorker(name?: string): Promise<Worker>
  grant(organizationId: string, cents: number): Promise<string>
  /** Types of a stream's events without context and version, and their facts. */
  eventsOf(stream: string): Promise<{ name: string; data: Readonly<Record<string, unknown>> }[]>
}

/** Waits are short, and nothing of the other contexts' takes part. */
const impatience = {
  ...{ NATS_SERVER: 'off', CONTEXTS: 'noctant,firsthand', WEBHOOK_ALLOW_PRIVATE: 'true' },
  ...{ FIRSTHAND_SWEEP_INTERVAL_MS: '200', FIRSTHAND_SCORING_POLL_INTERVAL_MS: '100', WEBHOOK_POLL_INTERVAL_MS: '100' },
}

interface Tools {
  bus: CommandBus
  store: EventStore
  close(): Promise<void>
}

export async function openFirsthandHouse(environment: Environment = {}): Promise<FirsthandHouse> {
  const instance = await createInstance({ ...impatience, ...environment })
  const { dataDirectory, url } = instance
  const db = connectDatabase({ url: instance.databaseUrl, poolMax: 4 })
  let tools: Tools | undefined
  const opened = (): Tools => {
    if (!tools) throw new Error('the instance does not run')
    return tools
  }

  function openTools(): Tools {
    const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: dataDirectory }))
    const personKeys = createVault({ db, sealingKey, cachedMax: 1_000, log: { warn: () => undefined } as never })
    const limits = { deadlineMs: 5_000, appendAttemptsMax: 3 }
    const store = createEventStore({ registry, url: instance.eventStoreUrl(), ...limits, personKeys })
    const bus = createCommandBus(store, { cachedAggregatesMax: 1_000, seenCommandsMax: 10_000, conflictRetriesMax: 50 })
    return { bus, store, close: () => store.close() }
  }

  /** Closes what was open to it, once it is dead. */
  async function buried(): Promise<void> {
    const before = tools
    tools = undefined
    await before?.close()
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
    ...{ ...instance, db, buy },
    ...{ buyers: elsewhere, workers: elsewhere },
    async start(own) {
      await instance.start(own)
      tools = openTools()
    },
    async end(signal) {
      const ended = await instance.end(signal)
      await buried()
      return ended
    },
    async dies(order, work) {
      await instance.dies(order, work)
      await buried()
    },
    get bus() {
      return opened().bus
    },
    get store() {
      return opened().store
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
      if (instance.runs()) await instance.end('SIGTERM')
      await buried()
      await db.destroy()
      await instance.close()
    },
  }
  return house
}
