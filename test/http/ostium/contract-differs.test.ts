/** Contracts that are not those that calldata is built for: what needs the function that is missing stops, and says so. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { functions } from '../../../src/adapters/chain/abi/v3.ts'
import { newAgentKey } from '../../../src/adapters/chain/account.ts'
import { eventually } from '../../projections/support.ts'
import { startTestMarket, type TestMarket } from '../../support/chain.ts'
import { type ServedOstium, startOstium } from './serving.ts'
import { givenMarket } from './trading-ground.ts'

const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
const OPEN = { open: { a: 1, b: true, t: 'limit', p: '2000', s: '5', l: '5' } }

let market: TestMarket
/** The trading contract without openTrade. */
let trading: `0x${string}`
beforeAll(async () => {
  market = await startTestMarket()
  const code = await market.client.getCode(market.contracts.trading)
  trading = newAgentKey().address
  const without = code.replaceAll(functions.openTrade.selector.slice(2), 'deadbeef') as `0x${string}`
  await market.commands.setCode({ address: trading, bytecode: without })
})
afterAll(() => market.stop())

async function withServed(env: Record<string, string>, use: (served: ServedOstium) => Promise<void>): Promise<void> {
  const given = givenMarket(market)
  const contracts = { ...given.contracts, trading }
  const served = await startOstium({ market: { ...given, contracts }, env: { OSTIUM_CHECK_INTERVAL_MS: '50', ...env } })
  try {
    await use(served)
  } finally {
    await served.stop()
  }
}

const chainOf = async ({ url }: ServedOstium) => {
  const ready = (await (await fetch(`${url}/readyz`)).json()) as { dependencies: Record<string, unknown> }
  return ready.dependencies['ostium-chain']
}

it('stop the operations that need the function, and no others; readiness names it', { timeout: 60_000 }, () =>
  withServed({}, async (served) => {
    await eventually(async () =>
      expect(await chainOf(served)).toMatchObject({ up: false, error: 'the deployed contracts lack openTrade' }),
    )
    const opened = await served.post('/v1/exchange/open', TRADER, OPEN)
    expect([opened.status, opened.body.errorCode]).toStrictEqual([503, 'SERVICE_UNAVAILABLE'])
    expect(opened.body.error).toContain('openTrade')
    const cancelled = await served.post('/v1/exchange/cancel', TRADER, { cancels: [{ t: 'limit', a: 1, i: 0 }] })
    expect(cancelled.status).toBe(200)
    const { messages, send, socket } = await served.socket('/v1/exchange/ws')
    send({ action: 'open', headers: { 'X-Trader-Address': TRADER }, payload: OPEN })
    await eventually(() => expect(messages).toMatchObject([{ ok: false, error: { code: 503 } }]))
    socket.terminate()
  }),
)

it('stop nothing where nobody is to look', { timeout: 60_000 }, () =>
  withServed({ OSTIUM_CHECK_SELECTORS: 'false' }, async (served) => {
    await eventually(async () => expect(await chainOf(served)).toMatchObject({ up: true }))
    expect((await served.post('/v1/exchange/open', TRADER, OPEN)).status).toBe(200)
  }),
)
