/**
 * A whole instance as its own process, killed with -9 in the middle of work and started again on the same data. What
 * the operator was told, what the engine did and what the read models show must agree afterwards, and no command may
 * have been lost or done twice.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Decimal } from 'decimal.js'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { createEventStore } from '../../src/events/store.ts'
import { registry } from '../support/contexts.ts'
import { createDatabase, natsUrl, temporaryDirectory } from '../support/services.ts'

const KILLS = 3
const ACCOUNTS = 4

const directory = temporaryDirectory()
const database = await createDatabase()
let running: ChildProcess | undefined

afterAll(async () => {
  if (running?.exitCode === null) {
    running.kill('SIGTERM')
    await once(running, 'exit')
  }
  await database.drop()
  directory.remove()
})

interface Running {
  api: string
  key: string
  engine: { url: string; token: string }
  eventStoreUrl: string
}

/** What is looked at in the answers. */
interface Answer {
  command_id: string
  account: { account_id: string }
  summary: { balance: string }
  trades: Record<string, string>[]
  positions: unknown[]
  command: { status: string }
}

const json = (file: string) => JSON.parse(readFileSync(join(directory.path, file), 'utf8'))

/** Starts the instance as `npm start` does and waits until it says that it is up. */
async function start(): Promise<Running> {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    env: {
      ...process.env,
      PORT: '0',
      DATA_DIR: directory.path,
      DATABASE_URL: database.url,
      NATS_SERVER: natsUrl() ? 'auto' : 'off',
      REPUBLISH_BACKOFF_MIN_MS: '500',
      SWEEP_INTERVAL_MS: '200',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running = child
  let said = ''
  child.stderr.on('data', (chunk) => {
    said += chunk
  })
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.includes('Ctrl-C stops everything')) break
  }
  if (!said.includes('Ctrl-C stops everything')) throw new Error(`the instance did not start: ${said}`)
  child.stdout.resume()
  const { api, engine, eventStore } = json('services.json')
  return { api: api.url, key: json('sandbox-operator.json').api_key, engine, eventStoreUrl: eventStore.url }
}

/** One call of the operator, sent again under the same key until it is answered; the instance may die meanwhile. */
async function call(at: () => Promise<Running>, method: string, path: string, body?: unknown) {
  return vi.waitFor(
    async () => {
      const { api, key } = await at()
      const answer = await fetch(`${api}/noctant/v1${path}`, {
        method,
        headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const content = (await answer.json()) as Answer
      if (answer.status >= 500) throw new Error(`${answer.status}`)
      return { status: answer.status, body: content }
    },
    { interval: 50, timeout: 60_000 },
  )
}

describe('an instance that is killed with -9 in the middle of an operator’s day', () => {
  it('ends with the same books, every command once', { timeout: 180_000 }, async () => {
    let instance = start()
    const at = () => instance
    const run = randomUUID().slice(0, 8)
    const accountOf = (n: number) => `external_account_id=kill-${run}-${n}`
    const commandIds: string[] = []

    const operatorsDay = async (n: number) => {
      const user = `user-${run}-${n}`
      await call(at, 'POST', '/users', { external_id: user })
      const opened = await call(at, 'POST', '/accounts', {
        external_account_id: `kill-${run}-${n}`,
        external_user_id: user,
        initial_balance: '100000',
        currency: 'USD',
        execution_profile_key: 'standard',
        provider_type: 'prop_firm',
        rules_owner: 'partner',
        feed_source: 'noctant',
        branding_policy: 'white_label',
        visibility_policy: 'same_sponsor_only',
        claim_allowed: false,
        marketing_allowed: false,
      })
      expect([200, 201]).toContain(opened.status)
      const { account_id } = opened.body.account
      for (let round = 0; round < 6; round++) {
        await trade(at, account_id, `${n}-${round}`)
        const close = { idempotency_key: `close-${round}` }
        const closed = await call(at, 'POST', `/accounts/by-external-id/close-all?${accountOf(n)}`, close)
        expect(closed.status).toBe(202)
        commandIds.push(closed.body.command_id)
      }
    }

    const nemesis = async () => {
      for (let kill = 0; kill < KILLS; kill++) {
        const before = commandIds.length
        await vi.waitFor(() => expect(commandIds.length).toBeGreaterThan(before + 1), { timeout: 60_000 })
        running?.kill('SIGKILL')
        if (running) await once(running, 'exit')
        instance = start()
        await instance
      }
    }
    await Promise.all([...Array.from({ length: ACCOUNTS }, (_, n) => operatorsDay(n)), nemesis()])

    expect(new Set(commandIds).size).toBe(ACCOUNTS * 6)
    for (let n = 0; n < ACCOUNTS; n++) await booksAgree(at, accountOf(n), commandIds)
    await eachCommandDecidedOnce(await instance, commandIds)
  })
})

/** The trader buys; an order that was not answered is sent again under its own id. */
async function trade(at: () => Promise<Running>, accountId: string, clientOrderId: string) {
  await vi.waitFor(
    async () => {
      const { engine } = await at()
      const answer = await fetch(`${engine.url}/orders`, {
        method: 'POST',
        headers: { authorization: `Bearer ${engine.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ accountId, clientOrderId, symbol: 'EURUSD', side: 'buy', quantity: '0.1' }),
      })
      const content = await answer.text()
      if (!answer.ok) throw new Error(`${answer.status} ${content}`)
    },
    { interval: 50, timeout: 60_000 },
  )
}

const sum = (rows: Record<string, string>[] = [], column: string): Decimal =>
  rows.reduce((total, row) => total.add(row[column] ?? Number.NaN), new Decimal(0))

async function booksAgree(at: () => Promise<Running>, account: string, commandIds: string[]) {
  await vi.waitFor(
    async () => {
      const [summary, trades, positions] = await Promise.all(
        ['summary', 'trades', 'positions'].map((what) =>
          call(at, 'GET', `/accounts/by-external-id/${what}?${account}${what === 'trades' ? '&limit=200' : ''}`),
        ),
      )
      expect(positions?.body.positions).toEqual([])
      // An order may be filled before the close-all ahead of it has arrived: then two are closed as one trade.
      const quantity = sum(trades?.body.trades, 'quantity')
      expect(quantity.toFixed(1)).toBe('0.6')
      expect(summary?.body.summary.balance).toBe(sum(trades?.body.trades, 'net_pnl').add(100_000).toFixed(2))
      for (const commandId of commandIds) {
        const { status, body } = await call(at, 'GET', `/accounts/by-external-id/commands/${commandId}?${account}`)
        if (body.command?.status === 'unknown') continue
        expect([status, body.command.status]).toEqual([200, 'engine_wal_confirmed'])
      }
    },
    { interval: 100, timeout: 60_000 },
  )
}

/** The record itself: one decision per command id, whatever was sent again. */
async function eachCommandDecidedOnce({ eventStoreUrl, api, key }: Running, commandIds: string[]) {
  const store = createEventStore({ registry, url: eventStoreUrl, deadlineMs: 5_000, appendAttemptsMax: 3 })
  const answer = await fetch(`${api}/noctant/v1/accounts?limit=200`, { headers: { authorization: `Bearer ${key}` } })
  const { accounts } = (await answer.json()) as { accounts: { account_id: string }[] }
  const decided: unknown[] = []
  for (const { account_id } of accounts) {
    for await (const event of store.readStream(`noctant.engine-${account_id}`)) {
      if (event.type === 'noctant.EngineCommandDecided.v1') decided.push(event.data.commandId)
    }
  }
  await store.close()
  const ours = decided.filter((id) => commandIds.includes(id as string))
  expect(ours.toSorted()).toEqual(commandIds.toSorted())
}
