/** What must be in no line of the log and in no event: keys, signatures, and what the sponsor has signed. */
import { inspect } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { traderIdOf } from '../../../src/commands/ostium/agent.ts'
import { KEYS } from '../../../src/embedded/market/deployment.ts'
import { listActions } from '../../../src/projections/ostium/action.ts'
import { eventually } from '../../projections/support.ts'
import { ALL_PROCESSES, startTradingGround, type TradingGround } from './trading-ground.ts'

const OPEN = { open: { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' } }

let ground: TradingGround
beforeAll(async () => {
  ground = await startTradingGround({
    processes: ALL_PROCESSES,
    isFaulty: true,
    env: { OSTIUM_RPC_TIMEOUT_MS: '1000' },
  })
  ground.market.setPrice(1, '2300')
})
afterAll(() => ground.stop())

it('the log of a process tells nothing that would let its reader act, whatever went wrong', {
  timeout: 60_000,
}, async () => {
  const { served, node, market } = ground
  const trader = await market.trader()
  const { key } = await ground.agentOf(trader)
  expect((await served.post('/v1/exchange/open', trader.address, OPEN, { key })).status).toBe(200)
  const [row] = await eventually(async () => {
    const found = await listActions(served.db, { traderId: traderIdOf(31_337, trader.address) }, 10)
    expect(found.map(({ status }) => status)).toStrictEqual(['included'])
    return found
  })
  const { body } = await served.post('/v1/auth/revoke', trader.address)
  const signature = await ground.sign(trader, body.message)
  const signed = { message: body.message, signature }
  await served.post('/v1/auth/verify-revoke', trader.address, signed)
  // Faults are what logs are full of.
  node.meddle(() => ({ text: '<html>' }))
  for (const path of ['exchange/open', 'agent/revoke']) await served.post(`/v1/${path}`, trader.address, OPEN, { key })
  await served.post('/v1/auth/verify-revoke', trader.address, signed)
  node.mend()
  const { socket, messages, send } = await served.socket('/v1/exchange/ws')
  const headers = { 'X-Trader-Address': trader.address, 'X-API-Key': `${key}x` }
  send({ action: 'open', headers, payload: OPEN })
  await eventually(() => expect(messages).toMatchObject([{ error: { errorCode: 'UNAUTHORIZED' } }]))
  socket.terminate()
  expect(served.logged.length).toBeGreaterThan(0)
  const lines = inspect(served.logged, { depth: 20, maxStringLength: null, maxArrayLength: null })
  const secrets = [key, signature, row!.raw_transaction!, market.chain.keyOf(KEYS.sponsor), trader.key]
  for (const secret of secrets) expect(lines).not.toContain(secret.slice(2))
})
