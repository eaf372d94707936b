/** Delegated mode: the agent acts, the sponsor pays, and whatever dies in between, an action happens once. */
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addressOfKey } from '../../../src/adapters/chain/account.ts'
import { action } from '../../../src/commands/ostium/action.ts'
import { traderIdOf } from '../../../src/commands/ostium/agent.ts'
import { removeDelegateCall, setDelegateCall } from '../../../src/commands/ostium/calldata.ts'
import { sponsorIdOf } from '../../../src/commands/ostium/sponsor.ts'
import { KEYS } from '../../../src/embedded/market/deployment.ts'
import { listActions } from '../../../src/projections/ostium/action.ts'
import { findBuilds } from '../../../src/projections/ostium/build.ts'
import { eventually } from '../../projections/support.ts'
import type { TestTrader } from '../../support/chain.ts'
import { eventsOf } from '../../support/event-store.ts'
import type { Answer } from './serving.ts'
import { ALL_PROCESSES, startTradingGround, type TradingGround } from './trading-ground.ts'

let ground: TradingGround
beforeAll(async () => {
  ground = await startTradingGround({ processes: ALL_PROCESSES })
  ground.market.setPrice(0, '43000')
  ground.market.setPrice(1, '2300')
})
afterAll(() => ground.stop())

const codeOf = ({ status, body }: Answer) => [status, body.errorCode]
const limit = { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' }
const typesOf = async (stream: string) =>
  (await eventsOf(ground.served.store, stream)).map(({ type }) => type.split('.')[1])
const actionsOf = ({ address }: TestTrader) =>
  listActions(ground.served.db, { traderId: traderIdOf(31_337, address) }, 100)

async function ready() {
  const trader = await ground.market.trader()
  const { key, account } = await ground.agentOf(trader)
  const post = (path: string, body: object, headers: Record<string, string> = {}) =>
    ground.served.post(`/v1/exchange/${path}`, trader.address, body, { key, headers })
  return { trader, key, account, post }
}

describe('an action', () => {
  it('is done for the trader, who pays no gas, by the account that the trader has made a delegate', async () => {
    const { trader, account, post } = await ready()
    const etherBefore = await ground.market.client.etherOf(trader.address)
    const answer = await post('open', { open: { a: 0, b: true, t: 'market', p: '43000', s: '100', l: '10' }, sp: 1 })
    expect([answer.status, answer.body]).toStrictEqual([
      200,
      { txHash: expect.stringMatching(/^0x[0-9a-f]{64}$/), smartAccountAddress: account },
    ])
    await ground.market.settle()
    expect(await ground.market.client.openTrade(trader.address, 0, 0)).toMatchObject({
      ...{ trader: trader.address, collateral: 100_000_000n, leverage: 1_000, buy: true },
    })
    expect(await ground.market.client.etherOf(trader.address)).toBe(etherBefore)
    const trace = JSON.stringify(await ground.market.traceOf(answer.body.txHash)).toLowerCase()
    expect(trace).toContain(`"from":"${account.toLowerCase()}"`)
    expect(trace).toContain('"input":"0x9a10cc32')
  })

  it('is on record from the moment in which it is owed to its block', async () => {
    const { trader, post, key } = await ready()
    const { body } = await post('open', { open: limit })
    const [row] = await eventually(async () => {
      const rows = await actionsOf(trader)
      expect(rows[0]?.status).toBe('included')
      return rows
    })
    expect(row).toMatchObject({ tx_hash: body.txHash, operation: 'open', attempt: 1, order_id: null })
    const stream = `ostium.action-${row?.action_id}`
    expect(await typesOf(stream)).toStrictEqual([
      ...['DelegatedActionRequested', 'DelegatedActionSigned', 'DelegatedActionBroadcast', 'DelegatedActionIncluded'],
    ])
    const events = await eventsOf(ground.served.store, stream)
    const keyId = key.split('_')[1]
    expect(events[0]?.metadata.actor).toStrictEqual({ kind: 'trader', id: trader.address, keyId })
    expect(events.slice(1).map(({ metadata }) => metadata.actor.kind)).toStrictEqual(['system', 'system', 'system'])
    // From the request to the block it is one story.
    const [nonce] = (
      await eventsOf(ground.served.store, `ostium.sponsor-${sponsorIdOf(31_337, row?.sponsor ?? '')}`)
    ).filter(({ data }) => data.actionId === row?.action_id)
    const story = [...events, nonce].map((event) => event?.metadata.$correlationId)
    expect(new Set(story)).toStrictEqual(new Set([events[0]?.metadata.requestId]))
    expect(await findBuilds(ground.served.db, 31_337, trader.address, 10)).toStrictEqual([])
  })

  it('that the chain would undo is refused with the contract’s own error, recorded, and not sent', async () => {
    const { trader, post } = await ready()
    const sponsor = addressOfKey(ground.market.chain.keyOf(KEYS.sponsor))
    const before = await ground.market.client.nonceOf(sponsor, 'latest')
    const headers = { 'idempotency-key': 'later' }
    const answer = await post('modify', { a: 0, i: 2, tp: '50000' }, headers)
    expect(codeOf(answer)).toStrictEqual([400, 'INVALID_ACTION'])
    expect(answer.body.details.revert).toStrictEqual({ name: 'NoTradeFound', args: [trader.address, '0', '2'] })
    expect(await ground.market.client.nonceOf(sponsor, 'latest')).toBe(before)
    await eventually(async () =>
      expect((await actionsOf(trader)).map(({ status }) => status)).toStrictEqual(['refused']),
    )
    // Nothing was owed, so that the key is still free.
    const again = await post('open', { open: limit }, headers)
    expect([again.status, again.headers.get('idempotency-replayed')]).toStrictEqual([200, null])
  })

  it('of several is none', async () => {
    const { post } = await ready()
    const cancels = [1, 2].map((o) => ({ t: 'open', o }))
    expect(codeOf(await post('cancel', { cancels }))).toStrictEqual([400, 'INVALID_REQUEST'])
  })

  it('comes over the trade socket too', async () => {
    const { trader, key, account } = await ready()
    const { send, messages, socket } = await ground.served.socket('/v1/exchange/ws')
    const headers = { 'X-Trader-Address': trader.address, 'X-API-Key': key }
    send({ id: '1', action: 'open', headers, payload: { open: limit } })
    await eventually(() => expect(messages).toHaveLength(1))
    expect(messages[0]).toMatchObject({ id: '1', ok: true, data: { smartAccountAddress: account } })
    socket.terminate()
  })
})

describe('an Idempotency-Key', () => {
  it('of which a hundred come at once opens one position', async () => {
    const { trader, post } = await ready()
    const headers = { 'idempotency-key': randomUUID() }
    const answers = await Promise.all(Array.from({ length: 100 }, () => post('open', { open: limit }, headers)))
    expect(new Set(answers.map(({ body }) => body.txHash)).size).toBe(1)
    expect(answers.filter((each) => each.headers.get('idempotency-replayed') === null)).toHaveLength(1)
    await eventually(async () => expect(await actionsOf(trader)).toHaveLength(1))
    expect(await ground.market.client.openLimitOrder(trader.address, 1, 0)).toMatchObject({ collateral: 5_000_000n })
    expect(await ground.market.client.openLimitOrder(trader.address, 1, 1)).toBeUndefined()
    expect(codeOf(await post('open', { open: { ...limit, l: '6' } }, headers))).toStrictEqual([400, 'INVALID_REQUEST'])
  })

  it('of a build is another one', async () => {
    const { trader, post } = await ready()
    const headers = { 'idempotency-key': 'same' }
    const built = await ground.served.post('/v1/exchange/open', trader.address, { open: limit }, { headers })
    const done = await post('open', { open: { ...limit, l: '7' } }, headers)
    expect([built.body.transactions.length, done.status]).toStrictEqual([1, 200])
  })
})

describe('the sponsor', () => {
  it('pays for sixteen at once without a gap, each nonce for one action', async () => {
    const traders = await Promise.all(Array.from({ length: 16 }, ready))
    const answers = await Promise.all(traders.map(({ post }) => post('open', { open: limit })))
    expect(answers.map(({ status }) => status)).toStrictEqual(answers.map(() => 200))
    expect(new Set(answers.map(({ body }) => body.txHash)).size).toBe(16)
    const sponsor = addressOfKey(ground.market.chain.keyOf(KEYS.sponsor))
    const events = await eventsOf(ground.served.store, `ostium.sponsor-${sponsorIdOf(31_337, sponsor)}`)
    const nonces = events.map(({ data }) => data.nonce)
    expect(nonces).toStrictEqual(nonces.map((_, index) => Number(nonces[0]) + index))
    expect(new Set(events.map(({ data }) => data.actionId)).size).toBe(events.length)
    expect(await ground.market.client.nonceOf(sponsor, 'latest')).toBe(Number(nonces.at(-1)) + 1)
  })
})

describe('a delegation that goes', () => {
  it('is noticed before an action is sent: the agent is suspended, and its key opens nothing', async () => {
    const { trader, post, key, account } = await ready()
    await ground.market.send(trader.key, { to: ground.contracts.trading, data: removeDelegateCall() })
    expect(codeOf(await post('open', { open: limit }))).toStrictEqual([401, 'UNAUTHORIZED'])
    const stream = `ostium.agent-${traderIdOf(31_337, trader.address)}`
    expect(await typesOf(stream)).toStrictEqual(['AgentWalletCreated', 'AgentVerified', 'AgentSuspended'])
    await ground.market.send(trader.key, { to: ground.contracts.trading, data: setDelegateCall(account) })
    await ground.served.post('/v1/auth/verify-auth', trader.address, undefined, { key })
    expect((await post('open', { open: limit })).status).toBe(200)
  })

  it('is noticed without anybody asking', async () => {
    const { trader, post } = await ready()
    await ground.market.send(trader.key, { to: ground.contracts.trading, data: removeDelegateCall() })
    const stream = `ostium.agent-${traderIdOf(31_337, trader.address)}`
    const last = async () => (await eventsOf(ground.served.store, stream)).at(-1)
    await eventually(async () =>
      expect(await last()).toMatchObject({ type: 'ostium.AgentSuspended.v1', data: { noticedBy: 'watcher' } }),
    )
    await eventually(async () =>
      expect(codeOf(await post('open', { open: limit }))).toStrictEqual([401, 'UNAUTHORIZED']),
    )
  })
})

it('an action whose agent is gone before it is signed comes to nothing, and says so', async () => {
  const { trader, key } = await ready()
  const state = await ground.served.bus.current(action, randomUUID())
  expect(state.status).toBe('absent')
  await ground.served.post('/v1/agent/revoke', trader.address, undefined, { key })
  const refused = await ground.served.post('/v1/exchange/open', trader.address, { open: limit }, { key })
  expect(codeOf(refused)).toStrictEqual([401, 'UNAUTHORIZED'])
})
