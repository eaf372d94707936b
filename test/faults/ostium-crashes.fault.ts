/**
 * Ostium's processes killed where what they have done and what is on record of it part: the API around the append of a build, the
 * relay around nonce, signature, send and record of an action. Each is a process of its own; started again, it ends where it
 * would have ended: nothing handed out is missing from the log, and each action is one transaction on the chain.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { addressOfKey } from '../../src/adapters/chain/account.ts'
import type { Hex } from '../../src/adapters/chain/node.ts'
import { KEYS } from '../../src/embedded/market/deployment.ts'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { startTestMarket, type TestMarket, type TestTrader } from '../support/chain.ts'
import { eventsOf } from '../support/event-store.ts'
import { temporaryDirectory } from '../support/services.ts'
import { momentsOf } from './crashes.ts'
import { onDatabase } from './evidence.ts'
import { type House, type RoleName, startHouse } from './house.ts'

const REACHED_MAX_MS = 20_000
const DONE_MAX_MS = 40_000
const limit = { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' }

const directory = temporaryDirectory()
/** Of a role: an order is for one of them. */
const crashFileOf = (role: RoleName) => join(directory.path, `${role}-crash-point.json`)
let house: House
let market: TestMarket
beforeAll(async () => {
  market = await startTestMarket()
  market.setPrice(1, '2300')
  const { usdc, trading, tradingStorage, agentFactory } = market.contracts
  house = await startHouse({
    ...{ OSTIUM_RPC_URL: market.chain.rpcUrl, OSTIUM_NETWORK: 'custom', OSTIUM_CHAIN_ID: String(market.chain.chainId) },
    ...{ OSTIUM_USDC: usdc, OSTIUM_TRADING: trading, OSTIUM_TRADING_STORAGE: tradingStorage },
    ...{ OSTIUM_AGENT_FACTORY: agentFactory, OSTIUM_SPONSOR_KEY: market.chain.keyOf(KEYS.sponsor) },
    ...{ OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0', OSTIUM_SUBMIT_WAIT_MS: '1000', OSTIUM_SWEEP_INTERVAL_MS: '300' },
    ...{ OSTIUM_ACTION_DEADLINE_S: '600', EVENTSTORE_DEADLINE_MS: '20000', CONTEXTS: 'noctant,ostium,audit' },
  })
  await start('api')
  await Promise.all([start('projector'), start('relay')])
}, 180_000)
afterAll(async () => {
  await house.close()
  await market.stop()
  directory.remove()
}, 60_000)

const start = (role: RoleName) => house.start(role, { CRASH_POINT_FILE: crashFileOf(role) })

interface Answer {
  status: number
  isReplayed: boolean
  /** What is looked at in one answer or another. */
  body: {
    transactions: unknown
    verified: boolean
    txHash: Hex
    apiKey: string
    delegateApprovalTx: { to: Hex; data: Hex }
  }
}

async function post(
  path: string,
  trader: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`${house.urlOf('api')}/ostium${path}`, {
    method: 'POST',
    headers: { 'x-trader-address': trader, 'content-type': 'application/json', ...headers },
    ...(body && { body: JSON.stringify(body) }),
  })
  return {
    status: answer.status,
    isReplayed: answer.headers.get('idempotency-replayed') === 'true',
    body: (await answer.json()) as Answer['body'],
  }
}

/** Lets the work begin, and resolves with what came of it when the role is dead. */
async function dies<T>(role: RoleName, order: Omit<CrashOrder, 'do'>, work: () => Promise<T>): Promise<T> {
  const crashFile = crashFileOf(role)
  rmSync(`${crashFile}.reached`, { force: true })
  writeFileSync(`${crashFile}.new`, JSON.stringify({ ...order, do: 'kill' } satisfies CrashOrder))
  renameSync(`${crashFile}.new`, crashFile)
  const working = work()
  const waiting = { interval: 5, timeout: REACHED_MAX_MS }
  await vi.waitFor(() => expect(existsSync(`${crashFile}.reached`), 'the crash point is reached').toBe(true), waiting)
  await vi.waitFor(() => expect(house.runs(role)).toBe(false), waiting)
  return working
}

const buildsOf = (trader: string) =>
  onDatabase(house, async (client) => {
    const { rows } = await client.query('SELECT build_id FROM ostium_build WHERE trader = $1', [trader.toLowerCase()])
    return rows.map(({ build_id }) => String(build_id))
  })

describe('row 1: the API, killed', { timeout: 120_000 }, () => {
  it.each(momentsOf(['command.before-append', 'command.after-append'] as const))(
    '%s of a build, has handed out nothing that is missing from the log',
    async (at) => {
      const { address } = await market.trader()
      const headers = { 'idempotency-key': randomUUID() }
      const open = () => post('/v1/exchange/open', address, { open: limit }, headers)
      const lost = await dies('api', { at, about: 'ostium.build-' }, () => open().catch((error: Error) => error))
      expect(lost).toBeInstanceOf(Error)
      await start('api')
      const again = await open()
      expect([again.status, again.isReplayed]).toEqual([200, at === 'command.after-append'])
      await vi.waitFor(async () => expect(await buildsOf(address)).toHaveLength(1), { timeout: DONE_MAX_MS })
      const [id] = await buildsOf(address)
      const [event, ...others] = await eventsOf(house.store, `ostium.build-${id}`)
      expect([event?.data.transactions, others]).toEqual([again.body.transactions, []])
    },
  )
})

const MOMENTS = [
  ['before it has taken a nonce', { at: 'command.before-append', about: 'ostium.sponsor-' }],
  ['after it has taken one, before it has signed', { at: 'command.after-append', about: 'ostium.sponsor-' }],
  [
    'after the signed bytes are recorded, before they are sent',
    { at: 'command.after-append', about: 'ostium.action-' },
  ],
  ['after they are sent, before that is recorded', { at: 'command.before-append', about: 'ostium.action-', pass: 2 }],
] as const

describe('row 2: the relay, killed', { timeout: 180_000 }, () => {
  const sponsor = () => addressOfKey(market.chain.keyOf(KEYS.sponsor))

  async function agentOf(trader: TestTrader): Promise<string> {
    const { body } = await post('/v1/auth/create', trader.address)
    await market.send(trader.key, body.delegateApprovalTx)
    const key = { 'x-api-key': body.apiKey }
    expect((await post('/v1/auth/verify-auth', trader.address, undefined, key)).body.verified).toBe(true)
    return key['x-api-key']
  }

  it.each(momentsOf(MOMENTS))('%s, has one transaction on the chain for the action all the same', async (_, order) => {
    const trader = await market.trader()
    const key = await agentOf(trader)
    const before = await market.client.nonceOf(sponsor(), 'latest')
    const headers = { 'x-api-key': key, 'idempotency-key': randomUUID() }
    const open = () => post('/v1/exchange/open', trader.address, { open: limit }, headers)
    await dies('relay', order, open)
    await start('relay')
    const answer = await vi.waitFor(
      async () => {
        const again = await open()
        expect([again.status, again.isReplayed]).toEqual([200, true])
        return again
      },
      { interval: 100, timeout: DONE_MAX_MS },
    )
    await vi.waitFor(
      async () => expect(await market.client.receipt(answer.body.txHash)).toMatchObject({ isSuccess: true }),
      { timeout: DONE_MAX_MS },
    )
    expect(await market.client.nonceOf(sponsor(), 'latest')).toBe(before + 1)
    expect(await market.client.openLimitOrder(trader.address, 1, 0)).toBeDefined()
    expect(await market.client.openLimitOrder(trader.address, 1, 1)).toBeUndefined()
    const actionId = await onDatabase(house, async (client) => {
      const { rows } = await client.query('SELECT action_id FROM ostium_action WHERE trader = $1', [trader.address])
      expect(rows).toHaveLength(1)
      return String(rows[0].action_id)
    })
    await vi.waitFor(
      async () => {
        const types = (await eventsOf(house.store, `ostium.action-${actionId}`)).map(({ type }) => type.split('.')[1])
        expect(types.filter((type) => type === 'DelegatedActionSigned')).toHaveLength(1)
        expect(types.at(-1)).toBe('DelegatedActionIncluded')
      },
      { timeout: DONE_MAX_MS },
    )
  })
})
