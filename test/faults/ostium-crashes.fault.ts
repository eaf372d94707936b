/**
 * Ostium's processes killed where what they have done and what is on record of it part: the API around the append of a build, the
 * relay around nonce, signature, send and record of an action. Each is a process of its own; started again, it ends where it
 * would have ended: nothing handed out is missing from the log, and each action is one transaction on the chain. Then a relay
 * that stands still while another one does its work, and wakes up beside it; and processes whose clocks are off.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { addressOfKey } from '../../src/adapters/chain/account.ts'
import type { Hex } from '../../src/adapters/chain/node.ts'
import { sponsorIdOf } from '../../src/commands/ostium/sponsor.ts'
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

const waiting = { interval: 5, timeout: REACHED_MAX_MS }

/** Lets the work begin once the role has its order, and resolves with what is under way when the role has carried it out. */
async function carriesOut<T>(
  role: RoleName,
  order: CrashOrder,
  work: () => Promise<T>,
): Promise<{ working: Promise<T> }> {
  const crashFile = crashFileOf(role)
  rmSync(`${crashFile}.reached`, { force: true })
  writeFileSync(`${crashFile}.new`, JSON.stringify(order))
  renameSync(`${crashFile}.new`, crashFile)
  const working = work()
  await vi.waitFor(() => expect(existsSync(`${crashFile}.reached`), 'the crash point is reached').toBe(true), waiting)
  return { working }
}

/** Lets the work begin, and resolves with what came of it when the role is dead. */
async function dies<T>(role: RoleName, order: Omit<CrashOrder, 'do'>, work: () => Promise<T>): Promise<T> {
  const { working } = await carriesOut(role, { ...order, do: 'kill' }, work)
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

/** As the runbook has it. */
const CLOCK_IS_OFF = /the clock of this process is off/

const MOMENTS = [
  ['before it has taken a nonce', { at: 'command.before-append', about: 'ostium.sponsor-' }],
  ['after it has taken one, before it has signed', { at: 'command.after-append', about: 'ostium.sponsor-' }],
  [
    'after the signed bytes are recorded, before they are sent',
    { at: 'command.after-append', about: 'ostium.action-' },
  ],
  ['after they are sent, before that is recorded', { at: 'command.before-append', about: 'ostium.action-', pass: 2 }],
] as const

const sponsor = () => addressOfKey(market.chain.keyOf(KEYS.sponsor))

/** Makes and verifies an agent of the trader, and answers its key. */
async function agentOf(trader: TestTrader): Promise<string> {
  const { body } = await post('/v1/auth/create', trader.address)
  await market.send(trader.key, body.delegateApprovalTx)
  const key = { 'x-api-key': body.apiKey }
  expect((await post('/v1/auth/verify-auth', trader.address, undefined, key)).body.verified).toBe(true)
  return key['x-api-key']
}

/** A trader with an agent, and one action of theirs, which may be asked for again and again. */
async function acting() {
  const trader = await market.trader()
  const headers = { 'x-api-key': await agentOf(trader), 'idempotency-key': randomUUID() }
  return { trader, act: () => post('/v1/exchange/open', trader.address, { open: limit }, headers) }
}
type Acting = Awaited<ReturnType<typeof acting>>

/** Resolves with the answer of an action that was asked for before, once it is that of its success. */
const answered = ({ act }: Acting) =>
  vi.waitFor(
    async () => {
      const again = await act()
      expect([again.status, again.isReplayed]).toEqual([200, true])
      return again
    },
    { interval: 100, timeout: DONE_MAX_MS },
  )

/** The action has ended in a block, by the one transaction that was signed for it, and the chain has what it does once. */
async function isDoneOnce({ trader }: Acting, { body: { txHash } }: Answer): Promise<void> {
  const patient = { timeout: DONE_MAX_MS }
  await vi.waitFor(async () => expect(await market.client.receipt(txHash)).toMatchObject({ isSuccess: true }), patient)
  expect(await market.client.openLimitOrder(trader.address, 1, 0)).toBeDefined()
  expect(await market.client.openLimitOrder(trader.address, 1, 1)).toBeUndefined()
  const actionId = await onDatabase(house, async (client) => {
    const { rows } = await client.query('SELECT action_id FROM ostium_action WHERE trader = $1', [trader.address])
    expect(rows).toHaveLength(1)
    return String(rows[0].action_id)
  })
  await vi.waitFor(async () => {
    const types = (await eventsOf(house.store, `ostium.action-${actionId}`)).map(({ type }) => type.split('.')[1])
    expect(types.filter((type) => type === 'DelegatedActionSigned')).toHaveLength(1)
    expect(types.at(-1)).toBe('DelegatedActionIncluded')
  }, patient)
}

describe('row 2: the relay, killed', { timeout: 180_000 }, () => {
  it.each(momentsOf(MOMENTS))('%s, has one transaction on the chain for the action all the same', async (_, order) => {
    const one = await acting()
    const before = await market.client.nonceOf(sponsor(), 'latest')
    await dies('relay', order, one.act)
    await start('relay')
    await isDoneOnce(one, await answered(one))
    expect(await market.client.nonceOf(sponsor(), 'latest')).toBe(before + 1)
  })
})

describe('row 5: a relay that stands still', { timeout: 180_000 }, () => {
  /** What it leads is free for the next one, while everything else that it holds is as it was. */
  const loseLeadership = () =>
    onDatabase(house, (client) =>
      client.query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid() " +
          'AND database = (SELECT oid FROM pg_database WHERE datname = current_database())',
      ),
    )

  it.each(
    momentsOf([
      ['before it takes a nonce', { at: 'command.before-append', about: 'ostium.sponsor-' }],
      ['with what it has signed, before that is recorded', { at: 'command.before-append', about: 'ostium.action-' }],
    ] as const),
  )('%s, and wakes up beside its successor, sends nothing of its own', async (_, order) => {
    const [stale, next, last] = [await acting(), await acting(), await acting()]
    const before = await market.client.nonceOf(sponsor(), 'latest')
    await carriesOut('relay', { ...order, do: 'stop' }, stale.act)
    await loseLeadership()
    await house.start('relay-2')
    await isDoneOnce(stale, await answered(stale))
    expect((await next.act()).status).toBe(200)
    house.proceed('relay')
    await isDoneOnce(next, await answered(next))
    // What wakes up does its next step before anything else, and in the end it is the one that leads.
    await house.kill('relay-2')
    await last.act()
    await isDoneOnce(last, await answered(last))
    for (const each of [stale, next]) await isDoneOnce(each, await answered(each))
    expect(await market.client.nonceOf(sponsor(), 'latest')).toBe(before + 3)
    const nonces = await eventsOf(house.store, `ostium.sponsor-${sponsorIdOf(market.chain.chainId, sponsor())}`)
    const taken = nonces.filter(({ type }) => type.includes('NonceTaken')).map(({ data }) => Number(data.nonce))
    expect(taken).toEqual([...new Set(taken)])
    expect(taken.slice(-3)).toEqual([before, before + 1, before + 2])
  })
})

describe('row 17: clocks of processes that are', { timeout: 180_000 }, () => {
  const HOUR_S = 3_600
  const shiftFile = join(directory.path, 'shift')
  const shiftModule = pathToFileURL(join(import.meta.dirname, '../support/clock-shift.ts')).href
  const SHIFTED: readonly RoleName[] = ['api', 'relay']

  async function restart(role: RoleName, environment: Record<string, string> = {}): Promise<void> {
    await house.kill(role)
    await house.start(role, { CRASH_POINT_FILE: crashFileOf(role), ...environment })
  }
  afterAll(() => Promise.all(SHIFTED.map((role) => restart(role))), 60_000)

  it.each([
    ['an hour ahead', HOUR_S],
    ['an hour behind', -HOUR_S],
  ])('%s are told, by the log and by a figure, and actions are done', async (_, seconds) => {
    writeFileSync(shiftFile, String(seconds * 1_000))
    const environment = { NODE_OPTIONS: `--import ${shiftModule}`, CLOCK_SHIFT_FILE: shiftFile }
    for (const role of SHIFTED) await restart(role, { ...environment, CLOCK_CHECK_INTERVAL_MS: '200' })
    for (const role of SHIFTED) {
      const file = house.logFiles().find((each) => each.includes(`/${role}/`)) as string
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
      const told = lines.map((line) => JSON.parse(line)).findLast(({ msg }) => CLOCK_IS_OFF.test(msg))
      expect(Math.abs(told?.offsetMs / 1_000 - seconds), role).toBeLessThan(60)
    }
    const metrics = await (await fetch(`${house.urlOf('api')}/metrics`)).text()
    const offset = Number(/^opslog_clock_offset_seconds (\S+)$/m.exec(metrics)?.[1])
    expect(Math.abs(offset - seconds)).toBeLessThan(60)
    const one = await acting()
    await one.act()
    await isDoneOnce(one, await answered(one))
  })
})
