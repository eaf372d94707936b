/** What a payment by x402 asks of the chain's node: each question costs a purchase a millisecond of the event loop, and providers charge. */
import { type Hex, keccak256, parseGwei } from 'viem'
import { generatePrivateKey, privateKeyToAccount, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { openX402Chain } from '../../../src/adapters/x402/chain.ts'
import { type FaultyNode, startFaultyNode } from '../../support/faulty-node.ts'
import { type ServedKillatamata, startKillatamata } from './serving.ts'
import { createPayer, type SignedPayment, type X402Payer } from './x402-payer.ts'

const ETHER = '0x56bc75e2d63100000'

let served: ServedKillatamata
let node: FaultyNode
let payer: X402Payer
const asked: string[] = []
beforeAll(async () => {
  served = await startKillatamata()
  payer = createPayer(served.sandbox)
  node = await startFaultyNode(payer.network.rpcUrl)
  node.meddle(({ method }) => {
    asked.push(method)
    return undefined
  })
}, 60_000)
afterAll(async () => {
  vi.useRealTimers()
  await served.stop()
  await node.close()
})

const authorizationOf = ({ message, signature }: SignedPayment) => ({
  ...{ network: payer.network.network, asset: payer.network.asset, from: message.from, to: message.to, signature },
  ...{ value: String(message.value), nonce: message.nonce, validAfterS: '0' },
  validBeforeS: String(message.validBefore),
})

async function fundedKey(): Promise<Hex> {
  const key = generatePrivateKey()
  await payer.rpc('anvil_setBalance', [privateKeyToAddress(key), ETHER])
  return key
}
const openChain = (relayerKey: Hex) =>
  openX402Chain({
    ...{ network: { ...payer.network, rpcUrl: node.url }, relayerKey, facilitatorUrl: undefined },
    ...{ timeoutMs: 5_000, answerMaxBytes: 1_000_000, sendWaitMs: 5_000 },
  })

it('is sent once, under the next number, where another process with the key was first with its own', async () => {
  const key = await fundedKey()
  const chains = [openChain(key), openChain(key)]
  const authorizations = []
  for (let n = 0; n < 20; n++) authorizations.push(authorizationOf(await payer.sign(100)))
  const sent = await Promise.all(authorizations.map((each, n) => chains[n % 2]?.send(each)))
  expect(new Set(sent.map((each) => each?.transaction)).size).toBe(20)
})

it('is sent again under the next number, where another process’s transaction took the place of its own', async () => {
  const key = await fundedKey()
  const account = privateKeyToAccount(key)
  const chainId = Number(await payer.rpc('eth_chainId', []))
  let given = 0
  node.meddle(async ({ method, params }) => {
    if (method !== 'eth_sendRawTransaction') return undefined
    given += 1
    if (given > 1) return undefined
    const other = { chainId, nonce: 0, to: account.address, value: 1n, gas: 21_000n, maxFeePerGas: parseGwei('100') }
    await payer.rpc('eth_sendRawTransaction', [await account.signTransaction({ ...other, type: 'eip1559' })])
    // The node had it, and let it go.
    return { result: keccak256(params[0] as Hex) }
  })
  const authorization = authorizationOf(await payer.sign(100))
  expect(await openChain(key).send(authorization)).toMatchObject({ transaction: expect.stringMatching(/^0x/) })
  expect([given, await openChain(key).isSigned(authorization)]).toStrictEqual([2, true])
  node.meddle(({ method }) => {
    asked.push(method)
    return undefined
  })
})

it('is verified, sent and settled by few questions, none of them about the log', async () => {
  const chain = openChain(await fundedKey())
  asked.length = 0
  const authorizations = [await payer.sign(100), await payer.sign(100)].map(authorizationOf)
  // Within a moment, however slow the machine is.
  vi.useFakeTimers({ toFake: ['performance'] })
  for (const authorization of authorizations) {
    expect(await chain.faultOf(authorization)).toBeUndefined()
    expect(await chain.send(authorization)).toMatchObject({ transaction: expect.stringMatching(/^0x[0-9a-f]{64}$/) })
  }
  const count = (method: string) => asked.filter((each) => each === method).length
  expect(['eth_getLogs', 'eth_fillTransaction', 'eth_chainId'].map(count)).toStrictEqual([0, 0, 0])
  // The price of gas is asked once for both, and so is the payer's code; the token's is the library's to remember.
  expect(['eth_getBlockByNumber', 'eth_maxPriorityFeePerGas'].map(count)).toStrictEqual([1, 1])
  expect(count('eth_getCode')).toBeLessThanOrEqual(2)
  const each = ['eth_call', 'eth_estimateGas', 'eth_getTransactionCount', 'eth_sendRawTransaction']
  expect([...each, 'eth_getTransactionReceipt'].map(count)).toStrictEqual([2, 2, 2, 2, 2])
})
