/** A chain by its client: what is read of it, what becomes of what is sent, and whether its contracts are the right ones. */

import { privateKeyToAccount } from 'viem/accounts'
import { concat, encodeAbiParameters, keccak256, pad, slice, toBytes, toHex } from 'viem/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { functions } from '../../../src/adapters/chain/abi/v3.ts'
import { newAgentKey, readTransaction, signTransaction } from '../../../src/adapters/chain/account.ts'
import { checksummed, isAddress, ZERO_ADDRESS } from '../../../src/adapters/chain/address.ts'
import { type ChainClient, openChain } from '../../../src/adapters/chain/client.ts'
import { networks } from '../../../src/adapters/chain/networks.ts'
import { calldata, included, startTestMarket, type TestMarket, type TestTrader } from '../../support/chain.ts'

type Hex = `0x${string}`
let market: TestMarket
let client: ChainClient
let trader: TestTrader
beforeAll(async () => {
  market = await startTestMarket()
  client = market.client
  trader = await market.trader()
})
afterAll(() => market.stop())

const clientFor = (contracts: Partial<TestMarket['contracts']>) =>
  openChain({
    ...{ rpcUrl: market.chain.rpcUrl, chainId: 31_337, timeoutMs: 5_000, answerMaxBytes: 100_000 },
    contracts: { ...market.contracts, ...contracts },
  })

/** A contract whose whole code is this, and its address. */
async function placed(code: Hex): Promise<Hex> {
  const address = newAgentKey().address
  await market.commands.setCode({ address, bytecode: code })
  return address
}

describe('addresses', () => {
  it('come in any case, and leave in the one that checks them', () => {
    const { trading } = networks.arbitrum
    const written = [trading, trading.toLowerCase(), `0x${trading.slice(2).toUpperCase()}`]
    expect(written.map(checksummed)).toEqual([trading, trading, trading])
    expect(Object.values(networks).flatMap(({ chainId, ...addresses }) => Object.values(addresses))).toSatisfy(
      (all: string[]) => all.every((each) => checksummed(each) === each),
    )
    expect([isAddress(trading), isAddress(trading.slice(2)), isAddress(`${trading}0`), isAddress('0xg')]).toEqual([
      ...[true, false, false, false],
    ])
  })
})

describe('what is read', () => {
  it('is a trader’s standing, in two rounds', async () => {
    const account = newAgentKey().address
    await market.send(trader.key, { to: market.contracts.trading, data: calldata('setDelegate', account) })
    const { number } = await client.latestBlock()
    expect(await client.standingOf(trader.address)).toEqual({
      ...{ delegatedTo: account, allowance: 2n ** 256n - 1n, blockNumber: number },
    })
    expect(await client.standingOf(account)).toMatchObject({ delegatedTo: ZERO_ADDRESS, allowance: 0n })
  })

  it('is a block, or none', async () => {
    const latest = await client.latestBlock()
    expect(await client.blockAt(latest.number)).toEqual(latest)
    expect(await client.blockAt(latest.number + 1_000n)).toBeUndefined()
    expect([typeof latest.baseFee, latest.timestampS]).toEqual(['bigint', expect.any(Number)])
  })

  it('is a factory, where there is one', async () => {
    const place = { owner: trader.address, trader: trader.address, salt: pad('0x1', { size: 32 }) }
    const without = clientFor({ agentFactory: undefined as never })
    const wrong = clientFor({ agentFactory: trader.address })
    expect([await client.hasFactory(), await without.hasFactory(), await wrong.hasFactory()]).toEqual([
      true,
      false,
      false,
    ])
    await expect(without.accountAddress(place)).rejects.toThrow('there is no factory')
    await expect(wrong.accountAddress(place)).rejects.toThrow('something else than its function has')
    await Promise.all([without.close(), wrong.close()])
  })
})

describe('what is sent', () => {
  async function signed(changes: Partial<Parameters<typeof signTransaction>[1]> = {}) {
    const [nonce, fees] = await Promise.all([client.nonceOf(trader.address, 'pending'), client.fees()])
    const to = market.contracts.usdc
    const data = calldata('approve', trader.address, 0n)
    return signTransaction(trader.key, { chainId: 31_337, nonce, to, data, gas: 100_000n, ...fees, ...changes })
  }

  it('has a receipt once it is in a block, and is known from then on', async () => {
    const { raw, hash } = await signed()
    expect([await client.receipt(hash), await client.transaction(hash)]).toEqual([undefined, undefined])
    expect(await client.sendRaw(raw)).toBe('sent')
    const receipt = await included(client, hash)
    expect(receipt).toMatchObject({ hash, isSuccess: true, logs: [{ address: market.contracts.usdc }] })
    expect(receipt.gasUsed * receipt.gasPrice).toBeGreaterThan(0n)
    expect(await client.transaction(hash)).toMatchObject({ hash, blockNumber: receipt.blockNumber })
    expect(['known', 'nonce_too_low']).toContain(await client.sendRaw(raw))
  })

  it('is the same bytes for the same content, which can be read from it', async () => {
    const fields = { nonce: 7, gas: 50_000n, maxFeePerGas: 9n, maxPriorityFeePerGas: 2n, value: 5n }
    const [once, again] = await Promise.all([signed(fields), signed(fields)])
    expect(again).toEqual(once)
    const { usdc: to } = market.contracts
    expect(readTransaction(once.raw)).toMatchObject({ ...fields, data: calldata('approve', trader.address, 0n) })
    expect(checksummed(readTransaction(once.raw).to)).toBe(to)
  })

  it('waits in no block as long as none is made, and is known all the same', async () => {
    await market.commands.setAutomine(false)
    const { raw, hash } = await signed()
    expect([await client.sendRaw(raw), await client.sendRaw(raw)]).toEqual(['sent', 'known'])
    expect(await client.receipt(hash)).toBeUndefined()
    expect(await client.transaction(hash)).toMatchObject({ hash, blockNumber: undefined })
    const higher = await client.fees()
    const { raw: cheaper } = await signed({ nonce: readTransaction(raw).nonce, maxFeePerGas: higher.maxFeePerGas - 1n })
    expect(await client.sendRaw(cheaper)).toEqual({ refused: expect.stringMatching(/underpriced/i) })
    await market.commands.mine({ blocks: 1 })
    await market.commands.setAutomine(true)
    expect(await included(client, hash)).toMatchObject({ isSuccess: true })
  })

  it('is refused with the node’s words where nobody could pay for it', async () => {
    const { privateKey } = newAgentKey()
    const fields = { chainId: 31_337, nonce: 0, to: trader.address, data: '0x', gas: 21_000n } as const
    const { raw } = await signTransaction(privateKey, { ...fields, ...(await client.fees()) })
    expect(await client.sendRaw(raw)).toEqual({ refused: expect.stringMatching(/insufficient funds/i) })
  })

  it('has a reason where it was included and did nothing', async () => {
    const failing = { from: trader.address, to: market.contracts.trading, data: calldata('updateTp', 3, 2, 0n) }
    await expect(client.estimateGas(failing)).rejects.toMatchObject({ revert: { name: 'NoTradeFound' } })
    const { hash, isSuccess, blockNumber } = await market.send(trader.key, failing)
    expect(isSuccess).toBe(false)
    expect(await client.revertOf({ ...failing, hash, blockNumber })).toMatchObject({
      ...{ name: 'NoTradeFound', args: [trader.address, '3', '2'] },
    })
    const { raw, hash: short } = await signed({ gas: 23_000n })
    await client.sendRaw(raw)
    const late = await included(client, short)
    const approve = { from: trader.address, to: market.contracts.usdc, data: calldata('approve', trader.address, 0n) }
    expect(await client.revertOf({ ...approve, hash: short, blockNumber: late.blockNumber })).toMatchObject({
      text: 'ran out of gas',
    })
  })

  it('has no receipt any more where its block was taken back, and another one later', async () => {
    const { raw, hash } = await signed()
    await client.sendRaw(raw)
    const before = await included(client, hash)
    await market.ask('anvil_rollback', 1)
    expect([await client.receipt(hash), (await client.latestBlock()).number]).toEqual([
      ...[undefined, before.blockNumber - 1n],
    ])
    await market.commands.mine({ blocks: 1 })
    expect(['sent', 'known']).toContain(await client.sendRaw(raw))
    const after = await included(client, hash)
    expect([after.isSuccess, after.blockHash === before.blockHash]).toEqual([true, false])
  })
})

describe('deployed contracts', () => {
  const slot = (name: string, minus: bigint): Hex => toHex(BigInt(keccak256(toBytes(name))) - minus, { size: 32 })

  it('have every selector, ours as the real ones', async () => {
    expect(await client.missingSelectors()).toEqual([])
  })

  it('that lack one are told by its name, and all of it where there is none at all', async () => {
    const { openTrade, closeTradeMarket } = functions
    const code = (await client.getCode(market.contracts.trading)).replaceAll(openTrade.selector.slice(2), 'deadbeef')
    const [moved, away] = [
      clientFor({ trading: await placed(code as Hex) }),
      clientFor({ usdc: newAgentKey().address }),
    ]
    expect(code).toContain(closeTradeMarket.selector.slice(2))
    expect(await moved.missingSelectors()).toEqual(['openTrade'])
    expect(await away.missingSelectors()).toEqual(['approve', 'allowance', 'balanceOf'])
    await Promise.all([moved.close(), away.close()])
  })

  it.each([
    ['EIP-1967', 'eip1967.proxy.implementation', 1n],
    ['ZeppelinOS, as USDC is', 'org.zeppelinos.proxy.implementation', 0n],
  ])('are looked for behind a proxy by %s', async (_, name, minus) => {
    const proxy = await placed('0x6000')
    const behind = clientFor({ trading: proxy })
    expect(await behind.missingSelectors()).toContain('openTrade')
    const value = pad(market.contracts.trading, { size: 32 })
    await market.commands.setStorageAt({ address: proxy, index: slot(name, minus), value })
    expect(await behind.missingSelectors()).toEqual([])
    await behind.close()
  })
})

describe('a signed text', () => {
  const message = 'Cancel the unverified agent wallet\nline two'
  const sign = (key: Hex, text = message) => privateKeyToAccount(key).signMessage({ message: text })
  const proves = (signature: Hex, address = trader.address) => client.isSignedBy({ address, message, signature })
  const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

  it('is proved by the key of the address, and by no other', async () => {
    const mine = await sign(trader.key)
    expect([
      await proves(mine),
      await proves(mine, newAgentKey().address),
      await proves(await sign(newAgentKey().privateKey)),
      await proves(await sign(trader.key, `${message} `)),
    ]).toEqual([true, false, false, false])
  })

  it('is not proved by the twin of its signature, nor by what is none', async () => {
    const mine = await sign(trader.key)
    const twin = concat([
      ...[slice(mine, 0, 32), toHex(ORDER - BigInt(slice(mine, 32, 64)), { size: 32 })],
      slice(mine, 64) === '0x1b' ? '0x1c' : '0x1b',
    ])
    const none: Hex[] = ['0x', '0x12', slice(mine, 0, 64), concat([slice(mine, 0, 64), '0x07']), `0x${'ff'.repeat(65)}`]
    expect(await Promise.all([twin, ...none].map((each) => proves(each)))).toEqual([false, ...none.map(() => false)])
  })

  /** Answers isValidSignature(bytes32,bytes) with the value that means yes, whatever it is asked. */
  const YES: Hex = concat(['0x7f', pad('0x1626ba7e', { dir: 'right', size: 32 }), '0x60005260206000f3'])

  it('is proved by a contract that says so', async () => {
    const [yes, no] = [await placed(YES), await placed('0x60006000fd')]
    const anything: Hex = `0x${'42'.repeat(40)}`
    expect([await proves(anything, checksummed(yes)), await proves(anything, checksummed(no))]).toEqual([true, false])
  })

  it('is proved by a contract that is not deployed yet, where its factory would make it say so', async () => {
    // It deploys by CREATE2, salt 0, what it is called with: code that gives back the one above.
    const creates = await placed('0x36600060003760003660006000f500')
    const size = toHex((YES.length - 2) / 2)
    const deploying = concat(['0x60', size, '0x600c60003960', size, '0x6000f3', YES])
    const salted = keccak256(concat(['0xff', creates, pad('0x0', { size: 32 }), keccak256(deploying)]))
    const wallet = checksummed(slice(salted, 12))
    const wrapped = concat([
      encodeAbiParameters(
        [{ type: 'address' }, { type: 'bytes' }, { type: 'bytes' }],
        [creates, deploying, `0x${'42'.repeat(65)}`],
      ),
      `0x${'6492'.repeat(16)}`,
    ])
    expect([await proves(wrapped, wallet), await proves(wrapped, newAgentKey().address)]).toEqual([true, false])
    expect(await client.hasCode(wallet)).toBe(false)
  })
})
