/** A chain with a trader, and ostium on it: what tests of agents and actions begin with. */
import { privateKeyToAccount } from 'viem/accounts'
import { KEYS } from '../../../src/embedded/market/deployment.ts'
import { startTestMarket, type TestMarket, type TestTrader } from '../../support/chain.ts'
import { startFaultyNode } from '../../support/faulty-node.ts'
import { type Answer, type GivenMarket, type OstiumOptions, startOstium } from './serving.ts'

export type Hex = `0x${string}`

export const givenMarket = ({ chain, contracts }: TestMarket): GivenMarket => ({
  ...{ rpcUrl: chain.rpcUrl, chainId: chain.chainId, contracts },
  sponsorKey: chain.keyOf(KEYS.sponsor),
})

export const ALL_PROCESSES = ['ostium-submitter', 'ostium-receipts', 'ostium-delegations', 'ostium-expiry'] as const

/** As quick as tests want them. */
const QUICK = {
  OSTIUM_RATE_LIMIT_PER_MINUTE_MAX: '0',
  OSTIUM_ACTIONS_PER_MINUTE_MAX: '100000',
  OSTIUM_RECEIPT_POLL_MS: '10',
  OSTIUM_SWEEP_INTERVAL_MS: '100',
}

export type TradingGround = Awaited<ReturnType<typeof startTradingGround>>

/** `isFaulty`: everything that ostium asks of the chain goes by way of `node`, which a test can meddle with. */
export async function startTradingGround({ isFaulty, ...options }: OstiumOptions & { isFaulty?: true } = {}) {
  const market = await startTestMarket()
  const node = await startFaultyNode(market.chain.rpcUrl)
  const env = { ...QUICK, ...options.env }
  const given = { ...givenMarket(market), ...(isFaulty && { rpcUrl: node.url }) }
  const served = await startOstium({ ...options, market: given, env })
  const { contracts } = market

  interface Transaction {
    to: Hex
    data: Hex
  }

  /** An agent that its trader has made a delegate, and its key. */
  async function agentOf(trader: TestTrader): Promise<{ key: string; account: Hex }> {
    const { body } = await served.post('/v1/auth/create', trader.address)
    await market.send(trader.key, body.delegateApprovalTx)
    const { body: verified } = await served.post('/v1/auth/verify-auth', trader.address, undefined, {
      key: body.apiKey,
    })
    if (verified.verified !== true) throw new Error(`the agent was not verified: ${JSON.stringify(verified)}`)
    return { key: body.apiKey, account: body.smartAccountAddress }
  }

  return {
    ...{ market, node, served, agentOf, contracts },
    /** Signs and sends what was built, in its order; throws where one reverts. */
    async execute(trader: TestTrader, { body }: Answer): Promise<void> {
      for (const transaction of body.transactions as Transaction[]) {
        const { isSuccess, hash } = await market.send(trader.key, transaction)
        if (!isSuccess) throw new Error(`${hash} has reverted`)
      }
    },
    sign: ({ key }: TestTrader, message: string): Promise<Hex> => privateKeyToAccount(key).signMessage({ message }),
    async stop() {
      await served.stop()
      await node.close()
      await market.stop()
    },
  }
}
