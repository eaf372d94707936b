/** Agents where something fails beside them: a crash between two streams, the clock, the vault. */
import { createHash } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemContext } from '../../../src/commands/context.ts'
import { deterministicId } from '../../../src/commands/identity.ts'
import { traderIdOf } from '../../../src/commands/ostium/agent.ts'
import { challenge } from '../../../src/commands/ostium/challenge.ts'
import { listActions } from '../../../src/projections/ostium/action.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'
import type { Answer } from './serving.ts'
import { ALL_PROCESSES, type Hex, startTradingGround, type TradingGround } from './trading-ground.ts'

const LONG_MS = 20_000
/** Of a test, which may start all of it. */
const patience = { timeout: 60_000 }
const limit = { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' }
const codeOf = ({ status, body }: Answer) => [status, body.errorCode]

describe('with a clock that is right', patience, () => {
  let ground: TradingGround
  beforeAll(async () => {
    ground = await startTradingGround({ processes: ALL_PROCESSES, env: { OSTIUM_SUBMIT_WAIT_MS: '1000' } })
    ground.market.setPrice(1, '2300')
  })
  afterAll(() => ground.stop())

  it('row 10: a crash after the message is used and before the agent is cancelled is ended by the same request', async () => {
    const trader = await ground.market.trader()
    const { post, store, bus } = ground.served
    await post('/v1/auth/create', trader.address)
    const { body: issued } = await post('/v1/auth/cancel', trader.address)
    const signature = await ground.sign(trader, issued.message)
    // What the process that died had done.
    const signatureHash = createHash('sha256').update(signature.toLowerCase()).digest('hex')
    const at = new Date().toISOString()
    const context = systemContext('test', deterministicId('ostium message used', issued.nonce), at)
    await bus.handle(challenge, issued.nonce, { kind: 'consume', signatureHash, at }, context)
    const { body: other } = await post('/v1/auth/cancel', trader.address)
    const send = (message: string, by: Hex) =>
      post('/v1/auth/verify-cancel', trader.address, { message, signature: by })
    const ended = await send(issued.message, signature)
    expect([ended.status, ended.body.success, ended.body.mode]).toStrictEqual([200, true, 'cancel'])
    const again = await send(issued.message, signature)
    expect([codeOf(again), again.body.details]).toStrictEqual([[400, 'INVALID_REQUEST'], { reason: 'used' }])
    expect(codeOf(await send(other.message, await ground.sign(trader, other.message)))[0]).toBe(400)
    const types = (await eventsOf(store, `ostium.agent-${traderIdOf(31_337, trader.address)}`)).map(({ type }) => type)
    expect(types).toStrictEqual(['ostium.AgentWalletCreated.v1', 'ostium.AgentCancelled.v1'])
    expect(await eventsOf(store, `ostium.challenge-${issued.nonce}`)).toHaveLength(2)
  })

  it('row 18: a vault that is away holds up what agents do, and nothing else; what was owed is done once it is back', async () => {
    const trader = await ground.market.trader()
    const { key } = await ground.agentOf(trader)
    const { post, db } = ground.served
    const headers = { 'idempotency-key': 'vault' }
    const act = () => post('/v1/exchange/open', trader.address, { open: limit }, { key, headers })
    const statuses = async () =>
      (await listActions(db, { traderId: traderIdOf(31_337, trader.address) }, 10)).map(({ status }) => status)
    await sql`ALTER TABLE vault.keys RENAME TO keys_away`.execute(db)
    try {
      const acted = await act()
      expect(codeOf(acted)).toStrictEqual([503, 'SERVICE_UNAVAILABLE'])
      expect(acted.body.details.actionId).toEqual(expect.any(String))
      expect((await post('/v1/exchange/open', trader.address, { open: limit })).status).toBe(200)
    } finally {
      await sql`ALTER TABLE vault.keys_away RENAME TO keys`.execute(db)
    }
    await eventually(async () => expect(await statuses()).toStrictEqual(['included']), LONG_MS)
    const found = await act()
    expect([found.status, found.headers.get('idempotency-replayed')]).toStrictEqual([200, 'true'])
  })

  it('row 18: an agent whose key was destroyed does nothing any more, and building goes on', async () => {
    const trader = await ground.market.trader()
    const { key } = await ground.agentOf(trader)
    const { post } = ground.served
    expect((await post('/v1/agent/revoke', trader.address, undefined, { key })).status).toBe(200)
    const acted = await post('/v1/exchange/open', trader.address, { open: limit }, { key })
    expect(codeOf(acted)).toStrictEqual([401, 'UNAUTHORIZED'])
    expect((await post('/v1/exchange/open', trader.address, { open: limit })).status).toBe(200)
  })
})

describe('row 17: with a clock that is an hour off', patience, () => {
  const HOUR_MS = 3_600_000

  it.each([
    ['behind', -HOUR_MS],
    ['ahead', HOUR_MS],
  ])('%s, messages expire by it, and deadlines are such that the chain takes the action', async (_where, offMs) => {
    let laterMs = 0
    const clock = () => new Date(Date.now() + offMs + laterMs)
    const ground = await startTradingGround({ processes: ALL_PROCESSES, clock })
    try {
      ground.market.setPrice(1, '2300')
      const trader = await ground.market.trader()
      const { post } = ground.served
      const { key } = await ground.agentOf(trader)
      const acted = await post('/v1/exchange/open', trader.address, { open: limit }, { key })
      expect(acted.status).toBe(200)
      expect(await ground.market.client.receipt(acted.body.txHash)).toMatchObject({ isSuccess: true })
      const before = clock().getTime()
      const { body: issued } = await post('/v1/auth/revoke', trader.address)
      expect(Date.parse(issued.expiresAt) - before).toBeLessThan(HOUR_MS / 2)
      expect(Date.parse(issued.expiresAt) - before).toBeGreaterThanOrEqual(300_000)
      laterMs = 301_000
      const signature = await ground.sign(trader, issued.message)
      const late = await post('/v1/auth/verify-revoke', trader.address, { message: issued.message, signature })
      expect([codeOf(late), late.body.details]).toStrictEqual([[400, 'INVALID_REQUEST'], { reason: 'expired' }])
    } finally {
      await ground.stop()
    }
  })
})
