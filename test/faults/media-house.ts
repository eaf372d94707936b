/** A whole instance with killatamata as a process of its own, whose accounts are made and given credit past it. */

import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import { systemContext } from '../../src/commands/context.ts'
import { createCommandBus } from '../../src/commands/handle.ts'
import { account } from '../../src/commands/killatamata/account.ts'
import { generateApiKey } from '../../src/commands/killatamata/keys.ts'
import { createLedgers } from '../../src/commands/killatamata/ledgers.ts'
import { loadConfig } from '../../src/config.ts'
import { createEventStore, type EventStore } from '../../src/events/store.ts'
import { createDatabase as connectDatabase } from '../../src/postgres/database.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import { ensureSealingKey } from '../../src/vault/secrets-key.ts'
import { createVault } from '../../src/vault/vault.ts'
import type { Answered } from '../http/serving.ts'
import { registry } from '../support/contexts.ts'
import { eventsOf } from '../support/event-store.ts'
import { createInstance } from '../support/instance.ts'

/** Waits are short, and nothing of the other context takes part. */
const impatience = {
  ...{ NATS_SERVER: 'off', CONTEXTS: 'noctant,killatamata', WEBHOOK_ALLOW_PRIVATE: 'true' },
  ...{ MEDIA_POLL_INTERVAL_MS: '200', MEDIA_SWEEP_INTERVAL_MS: '200' },
}

export type MediaHouse = Awaited<ReturnType<typeof openMediaHouse>>

/** Starts it. */
export async function openMediaHouse(environment: Record<string, string> = {}) {
  const instance = await createInstance({ ...impatience, ...environment })
  await instance.start()
  const db = connectDatabase({ url: instance.databaseUrl, poolMax: 4 })
  const sealingKey = ensureSealingKey(loadConfig({ DATA_DIR: instance.dataDirectory }))

  /** Past the instance, while it runs. */
  async function directly<T>(
    work: (tools: { store: EventStore } & ReturnType<typeof toolsOn>) => Promise<T>,
  ): Promise<T> {
    const personKeys = createVault({ db, sealingKey, cachedMax: 100, log: { warn: () => undefined } as never })
    const limits = { deadlineMs: 5_000, appendAttemptsMax: 3 }
    const store = createEventStore({ registry, url: instance.eventStoreUrl(), ...limits, personKeys })
    try {
      return await work({ store, ...toolsOn(store) })
    } finally {
      await store.close()
    }
  }

  async function ask(method: string, path: string, key: string, body?: object) {
    const answer = await fetch(`${instance.url()}/killatamata/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    return { status: answer.status, body: (await answer.json()) as Answered['body'] }
  }

  return {
    ...{ ...instance, ask, directly },
    /** An account with credit, in micro-dollars, whose key the instance takes. */
    async customer(usdMicros: bigint) {
      const at = new Date().toISOString()
      const email = `${randomUUID()}@example.com`
      const accountId = prefixedId('acct', at, email)
      const { apiKey: key, facts } = generateApiKey(at)
      const context = () => systemContext('test', randomUUID(), at)
      await directly(async ({ bus, ledgers }) => {
        await bus.handle(account, accountId, { kind: 'open', accountId, email, at }, context())
        const key = { ...facts, label: null }
        const issue = { kind: 'issueKey', accountId, key, source: 'sandbox', keysMax: null, at } as const
        await bus.handle(account, accountId, issue, context())
        const deposit = {
          depositId: prefixedId('dep', at, email),
          settlementId: randomUUID(),
          provider: 'stripe' as const,
        }
        await ledgers.credit(accountId, { ...deposit, usdMicros }, 1, context())
      })
      await vi.waitFor(
        async () => {
          const { status, body } = await ask('GET', 'balance', key)
          if (status !== 200 || body.usdBalanceMicros !== Number(usdMicros)) throw new Error('it is not known yet')
        },
        { timeout: 20_000, interval: 50 },
      )
      return { accountId, key }
    },
    /** Types of a stream's events without context and version, and their facts. */
    eventsOf: (stream: string) =>
      directly(async ({ store }) =>
        (await eventsOf(store, stream)).map(({ type, data }) => ({ name: type.split('.')[1] ?? '', data })),
      ),
    async close() {
      await db.destroy()
      await instance.close()
    },
  }
}

function toolsOn(store: EventStore) {
  const bus = createCommandBus(store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 10 })
  return { bus, ledgers: createLedgers(bus, { periodEventsMax: 1_000 }) }
}
