/**
 * Actions of agents, from the request to the answer with its receipt, beside what a program with the trader's own key does: viem,
 * the transaction, its receipt. Each changes the price of an order that waits, so that there is no end to it.
 */
import { randomBytes } from 'node:crypto'
import { toHex } from 'viem'
import type { Hex } from '../../src/adapters/chain/node.ts'
import { approveCall, modifyCall } from '../../src/commands/ostium/calldata.ts'
import { senderOf } from '../../src/embedded/market/chain-access.ts'
import { fundOnLocalChain } from '../../src/embedded/market/fund.ts'
import { UNLIMITED } from '../../src/processes/ostium/settings.ts'
import type { SuiteOptions } from '../commands.ts'
import { call, startBenchInstance } from '../instance.ts'
import { compare, load, type Measurement, type Round, WARM_UP_S } from '../measure.ts'
import type { OstiumGround } from './ground.ts'

const AT_ONCE = 16
const PAIR = 1
const PRICE = 10n ** 18n
const [LEAST, STEPS] = [1_000, 100]
const LEVELS = { tp: '1500', sl: '900' }

interface Transaction {
  to: Hex
  data: Hex
}

/** Of a receipt on the chain beside, which makes a block for each transaction. */
const RECEIPT_MAX_MS = 10_000
/** Over the estimate, as ours has it: what a transaction takes depends on the second that its block is of. */
const GAS_PERCENT = 120n

type Sender = ReturnType<typeof senderOf>

/** Sends it as a program with the trader's own key does, and waits for its receipt. */
async function execute(sender: Sender, { to, data }: Transaction): Promise<void> {
  const { account } = sender
  const gas = ((await sender.estimateGas({ account, to, data })) * GAS_PERCENT) / 100n
  const hash = await sender.sendTransaction({ to, data, gas })
  const { status } = await sender.waitForTransactionReceipt({ hash, timeout: RECEIPT_MAX_MS })
  if (status !== 'success') throw new Error(`${hash} has reverted`)
}

interface Acting {
  sender: Sender
  headers: Record<string, string>
}

/** A trader with an order that waits, and an agent. */
export async function prepare(url: string, { chain, contracts }: OstiumGround): Promise<Acting> {
  const { rpcUrl } = chain
  const sender = senderOf(rpcUrl, toHex(randomBytes(32)))
  const { address } = sender.account
  await fundOnLocalChain({ rpcUrl, usdc: contracts.usdc, address })
  const named = { 'x-trader-address': address }
  const post = async (path: string, body?: object, headers: Record<string, string> = named) =>
    JSON.parse(await call('POST', `${url}/ostium/v1/${path}`, { headers, ...(body && { body }), expect: [200] }))
  await execute(sender, { to: contracts.usdc, data: approveCall(contracts.tradingStorage, UNLIMITED) })
  const open = { a: PAIR, b: true, t: 'limit', p: String(LEAST), s: '50', l: '5', ...LEVELS }
  const { transactions } = await post('exchange/open', { open })
  const { apiKey, delegateApprovalTx } = await post('auth/create')
  for (const each of [...transactions, delegateApprovalTx]) await execute(sender, each)
  const headers = { ...named, 'x-api-key': apiKey }
  await post('auth/verify-auth', undefined, headers)
  return { sender, headers }
}

export async function acting(ground: OstiumGround, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const { chain, contracts, environment } = ground
  const instance = await startBenchInstance({
    ...{ ...environment, ROLES: 'api,projector,relay', OSTIUM_ACTIONS_PER_MINUTE_MAX: '1000000' },
    ...{ OSTIUM_AGENT_FACTORY: contracts.agentFactory, OSTIUM_SPONSOR_KEY: chain.keyOf(ground.sponsor) },
  })
  try {
    const traders: Acting[] = []
    for (let n = 0; n < AT_ONCE; n++) traders.push(await prepare(instance.url, ground))
    const url = `${instance.url}/ostium/v1/exchange/modify`
    const ours = (atOnce: number, forS = seconds): Promise<Round> =>
      load(atOnce, forS, async (worker, turn) => {
        const body = { a: PAIR, i: 0, p: String(LEAST + (turn % STEPS)), ...LEVELS }
        await call('POST', url, { headers: traders[worker]?.headers ?? {}, body, expect: [200] })
      })
    const bare = (atOnce: number, forS = seconds): Promise<Round> =>
      load(atOnce, forS, async (worker, turn) => {
        const { sender } = traders[worker] as Acting
        const asked = { a: PAIR, i: 0, p: BigInt(LEAST + (turn % STEPS)) * PRICE }
        const data = modifyCall(asked, { tp: 1_500n * PRICE, sl: 900n * PRICE })
        await execute(sender, { to: contracts.trading, data })
      })
    for (const side of [ours, bare]) await side(AT_ONCE, WARM_UP_S)
    const one = await compare(
      'an action with its receipt, one at a time, against bare viem',
      rounds,
      () => ours(1),
      () => bare(1),
      { floor: 0.35, goal: 0.5 },
    )
    const many = await compare(
      `actions of ${AT_ONCE} agents at once, against bare viem`,
      rounds,
      () => ours(AT_ONCE),
      () => bare(AT_ONCE),
      { floor: 0.4, goal: 0.6 },
    )
    return [one, many]
  } finally {
    await instance.stop()
  }
}
