/** The account of an agent: it does what its owner's key has signed for its trader, once, in time, and nothing else. */
import { concat, pad, size, slice, toFunctionSelector, toHex } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  type Act,
  actTransaction,
  addressOfKey,
  newAgentKey,
  randomActNonce,
  signAct,
} from '../../../src/adapters/chain/account.ts'
import { CallReverted } from '../../../src/adapters/chain/reverts.ts'
import { calldata, opening, startTestMarket, type TestMarket, type TestTrader } from '../../support/chain.ts'

let market: TestMarket
let trader: TestTrader
const owner = newAgentKey()
const salt = pad('0x5a17', { size: 32 })
let account: `0x${string}`

beforeAll(async () => {
  market = await startTestMarket()
  market.setPrice(0, '1000')
  trader = await market.trader()
  account = await market.client.accountAddress({ owner: owner.address, trader: trader.address, salt })
  const { trading } = market.contracts
  await market.send(trader.key, { to: trading, data: calldata('setDelegate', account) })
})
afterAll(() => market.stop())

const inAMinute = async () => (await market.client.latestBlock()).timestampS + 60
const updateTp = calldata('updateTp', 0, 0, 0n)

/** What the owner's key signs, and the transaction that carries it out. */
async function signed(
  act: Partial<Act> & { isDeployed?: boolean; by?: `0x${string}`; change?: (s: `0x${string}`) => `0x${string}` },
) {
  const { isDeployed = false, by = owner.privateKey, change = (same) => same } = act
  const wanted = { inner: updateTp, nonce: randomActNonce(), deadlineS: await inAMinute(), ...act }
  const made = await signAct({ ...wanted, privateKey: by, account, chainId: 31_337 })
  const place = { owner: owner.address, trader: trader.address, salt }
  const to = { factory: market.contracts.agentFactory, account, isDeployed }
  return actTransaction({ ...wanted, ...place, ...to, signature: change(made) })
}

/** Why the chain would refuse it. */
const refusal = async (transaction: { to: `0x${string}`; data: `0x${string}` }): Promise<string> => {
  const from = addressOfKey(market.chain.keyOf(2))
  const error = await market.client.call({ from, ...transaction }).catch((fault: unknown) => fault)
  if (!(error instanceof CallReverted)) return 'nothing'
  return error.revert.name === null ? error.revert.text : `${error.revert.name}(${error.revert.args.join(',')})`
}
const send = async (transaction: { to: `0x${string}`; data: `0x${string}` }) =>
  market.send(market.chain.keyOf(2), transaction)

/** The other s that signs the same. */
const twin = (signature: `0x${string}`): `0x${string}` => {
  const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
  const s = order - BigInt(slice(signature, 32, 64))
  return concat([slice(signature, 0, 32), toHex(s, { size: 32 }), slice(signature, 64) === '0x1b' ? '0x1c' : '0x1b'])
}

describe('an agent’s account', () => {
  it('is deployed by its first action at the address that was promised, and trades for the trader without his gas', async () => {
    const before = await market.client.etherOf(trader.address)
    expect(await market.client.hasCode(account)).toBe(false)
    const inner = opening({ trader: trader.address, price: '1000' })
    const receipt = await send(await signed({ inner }))
    expect([receipt.isSuccess, await market.client.hasCode(account)]).toEqual([true, true])
    await market.settle()
    expect(await market.client.openTrade(trader.address, 0, 0)).toMatchObject({
      trader: trader.address,
      leverage: 1000,
    })
    expect(await market.client.etherOf(trader.address)).toBe(before)
  })

  it('acts by the factory or directly, in any order of nonces', async () => {
    const acts = await Promise.all([
      signed({ nonce: 9n }),
      signed({ nonce: 2n, isDeployed: true }),
      signed({ nonce: 2n ** 128n - 1n, isDeployed: true }),
    ])
    const receipts = []
    for (const act of acts) receipts.push(await send(act))
    expect(receipts.map(({ isSuccess }) => isSuccess)).toEqual([true, true, true])
    expect(await refusal(acts[1]!)).toBe('NonceUsed(2)')
  })

  it('takes no act after its deadline', async () => {
    const { timestampS } = await market.client.latestBlock()
    const late = await signed({ deadlineS: timestampS + 1_000, isDeployed: true })
    await market.commands.setNextBlockTimestamp({ timestamp: BigInt(timestampS + 1_000) })
    await market.commands.mine({ blocks: 1 })
    await market.commands.mine({ blocks: 1, interval: 1 })
    expect(await refusal(late)).toBe(`Expired(${timestampS + 1_000})`)
  })

  it.each<[string, Parameters<typeof signed>[0]]>([
    ['of another key', { by: newAgentKey().privateKey }],
    ['of the high s', { change: twin }],
    ['that is cut', { change: (whole) => slice(whole, 0, 64) }],
    ['that recovers nobody', { change: (whole) => concat([slice(whole, 0, 64), '0x05']) }],
    ['that is empty', { change: () => '0x' }],
  ])('takes no signature %s', async (_, act) => {
    expect(await refusal(await signed({ ...act, isDeployed: true }))).toBe('BadSignature()')
  })

  it('takes no signature for another account, though the key is the same', async () => {
    const other = await market.trader()
    const place = { owner: owner.address, trader: other.address, salt }
    const act = { inner: updateTp, nonce: 77n, deadlineS: await inAMinute() }
    const signature = await signAct({ ...act, privateKey: owner.privateKey, account, chainId: 31_337 })
    const to = { factory: market.contracts.agentFactory, account, isDeployed: false, signature }
    expect(await refusal(actTransaction({ ...act, ...place, ...to }))).toBe('BadSignature()')
  })

  it('lets the contract’s own refusals come out as they are', async () => {
    expect(await refusal(await signed({ inner: calldata('updateTp', 5, 1, 0n) }))).toBe(
      `NoTradeFound(${trader.address},5,1)`,
    )
    const wrongTrader = opening({ trader: account, price: '1000' })
    expect(await refusal(await signed({ inner: wrongTrader }))).toBe('DelegatedActionFailed()')
    const unknown = toFunctionSelector('withdraw()')
    expect(await refusal(await signed({ inner: unknown }))).toBe('DelegatedActionFailed()')
  })

  it('shows in its trace what it did', async () => {
    const { hash } = await send(await signed({ isDeployed: true }))
    const trace = JSON.stringify(await market.traceOf(hash)).toLowerCase()
    const { trading } = market.contracts
    expect(trace).toContain(`"from":"${account.toLowerCase()}","gas"`)
    expect(trace).toContain(calldata('delegatedAction', trader.address, updateTp))
    expect(trace).toContain(`"to":"${trading.toLowerCase()}"`)
  })

  it('moves no token, whatever its key signs', async () => {
    const stolen = concat([toFunctionSelector('transfer(address,uint256)'), pad(owner.address), pad('0x1')])
    expect(size(stolen)).toBe(68)
    expect(await refusal(await signed({ inner: stolen }))).toBe('DelegatedActionFailed()')
  })

  it('is refused once the trader has another delegate, or none', async () => {
    const { trading } = market.contracts
    const act = await signed({})
    const other = newAgentKey().address
    await market.send(trader.key, { to: trading, data: calldata('setDelegate', other) })
    expect(await refusal(act)).toBe(`NotDelegate(${trader.address},${account})`)
    await market.send(trader.key, { to: trading, data: calldata('removeDelegate') })
    expect([await refusal(act), await market.client.delegateOf(trader.address)]).toEqual([
      ...[`NotDelegate(${trader.address},${account})`, '0x0000000000000000000000000000000000000000'],
    ])
  })
})

describe('delegates', () => {
  it('are set and removed by the trader, and each change can be read', async () => {
    const mine = await market.trader()
    const { trading } = market.contracts
    const ask = (data: `0x${string}`) => market.client.call({ from: mine.address, to: trading, data })
    await expect(ask(calldata('removeDelegate'))).rejects.toMatchObject({
      revert: { name: 'NoDelegate', args: [mine.address] },
    })
    await expect(ask(calldata('setDelegate', `0x${'0'.repeat(40)}`))).rejects.toMatchObject({
      revert: { name: 'NullAddr' },
    })
    const { number: fromBlock } = await market.client.latestBlock()
    await market.send(mine.key, { to: trading, data: calldata('setDelegate', account) })
    await market.send(mine.key, { to: trading, data: calldata('removeDelegate') })
    const { number: toBlock } = await market.client.latestBlock()
    const changes = (traders: `0x${string}`[]) => market.client.delegationsChanged({ fromBlock, toBlock, traders })
    expect(await changes([trader.address, mine.address])).toMatchObject([
      { trader: mine.address, delegate: account, isAdded: true },
      { trader: mine.address, delegate: account, isAdded: false, blockNumber: toBlock },
    ])
    expect(await changes([trader.address])).toEqual([])
    expect(await changes([])).toEqual([])
  })
})
