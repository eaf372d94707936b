/** Payments by x402 of accounts that are contracts, by a facilitator over HTTP, and by processes that share the key of a relayer. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { concatHex, encodeAbiParameters, type Hex, parseAbiParameters } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openFacilitator } from './sandbox.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'
import { createPayer, type SignedPayment, type X402Payer } from './x402-payer.ts'

let served: ServedKillatamata
let payer: X402Payer
let ada: Customer
const PATH = 'credits/purchase/x402'
const ETHER = '0x56bc75e2d63100000'

beforeAll(async () => {
  served = await startKillatamata({ env: { X402_POLL_MS: '20', X402_WAIT_MAX_MS: '18000' } })
  payer = createPayer(served.sandbox)
  ada = await served.customer('ada')
}, 60_000)
afterAll(() => served.stop())

const decoded = (header: string | null) => JSON.parse(Buffer.from(header ?? '', 'base64').toString('utf8'))
const buyAt = (at: ServedKillatamata, key: string, usdCents: number, payment: string) =>
  at.post(PATH, { usdCents }, key, { 'payment-signature': payment })
const buy = (usdCents: number, payment: string) => buyAt(served, ada.key, usdCents, payment)

/** The payment with another payer and signature. */
function by({ header }: SignedPayment, from: Hex, signature: Hex): string {
  const payment = decoded(header)
  const authorization = { ...payment.payload.authorization, from }
  return Buffer.from(JSON.stringify({ ...payment, payload: { signature, authorization } })).toString('base64')
}

const WORD = `5e${'c0'.repeat(31)}`
/** Three words: no signature of a key has that length. */
const GOOD: Hex = `0x${WORD}${'00'.repeat(64)}`
const BAD: Hex = `0x${'ff'.repeat(32)}${'00'.repeat(64)}`
/** isValidSignature(bytes32,bytes) of EIP-1271: its magic value where the signature begins with the word, else zeros. */
const ACCOUNT: Hex = `0x6064357f${WORD}14631626ba7e0260e01b60005260206000f3`
const MAGIC_6492 = `0x${'6492'.repeat(16)}` as Hex

/** As EIP-6492 wraps it, for an account that a factory makes first. */
const wrapped = (signature: Hex): Hex => {
  const factory = privateKeyToAddress(generatePrivateKey())
  const shown = encodeAbiParameters(parseAbiParameters('address, bytes, bytes'), [factory, '0x12345678', signature])
  return concatHex([shown, MAGIC_6492])
}

/** An address with ten dollars, and with an account's code where it is deployed. */
async function contractAccount({ isDeployed = true } = {}): Promise<Hex> {
  const address = privateKeyToAddress(generatePrivateKey())
  if (isDeployed) await payer.rpc('anvil_setCode', [address, ACCOUNT])
  await served.order('/control/chain/faucet', { address, usdMicros: 10_000_000 })
  return address
}

describe('an account that is a contract', () => {
  it('pays by a signature of EIP-1271, once', async () => {
    const address = await contractAccount()
    const treasury = await payer.treasury()
    const payment = by(await payer.sign(500), address, GOOD)
    expect(await buy(500, payment)).toMatchObject({ status: 201, body: { payer: address, replayed: false } })
    expect(await buy(500, payment)).toMatchObject({ status: 200, body: { payer: address, replayed: true } })
    expect(await payer.treasury()).toBe(treasury + 5_000_000n)
    expect(await payer.balanceOf(address)).toBe(5_000_000n)
  })

  it('pays by a signature that is wrapped for its factory, once it is deployed', async () => {
    const address = await contractAccount()
    const payment = by(await payer.sign(500), address, wrapped(GOOD))
    expect(await buy(500, payment)).toMatchObject({ status: 201, body: { payer: address, replayed: false } })
    expect(await buy(500, payment)).toMatchObject({ status: 200, body: { payer: address, replayed: true } })
    expect(await payer.balanceOf(address)).toBe(5_000_000n)
  })

  it.each([
    ['by a signature that it does not take', true, BAD],
    ['by such a signature that is wrapped', true, wrapped(BAD)],
    ['by a wrapping that cannot be read', true, concatHex(['0x12', MAGIC_6492])],
    ['while it is not deployed, and nobody knows its factory', false, wrapped(GOOD)],
  ])('does not pay %s', async (_, isDeployed, signature) => {
    const address = await contractAccount({ isDeployed })
    const answer = await buy(500, by(await payer.sign(500), address, signature))
    expect(answer).toMatchObject({ status: 402, body: { code: 'payment_rejected' } })
    expect(decoded(answer.headers.get('payment-response'))).toMatchObject({ success: false, payer: address })
    expect(await payer.balanceOf(address)).toBe(10_000_000n)
  })
})

/** A further instance on the same chain. */
const another = (env: Record<string, string>) =>
  startKillatamata({
    env: {
      ...{ X402_NETWORKS: JSON.stringify([payer.network]), KILLATAMATA_SANDBOX: 'off' },
      ...{ X402_POLL_MS: '20', X402_WAIT_MAX_MS: '18000', ...env },
    },
  })

async function relayerKey(): Promise<Hex> {
  const key = generatePrivateKey()
  await payer.rpc('anvil_setBalance', [privateKeyToAddress(key), ETHER])
  return key
}

/** The protocol's facilitator, as others run it: the library behind two routes. */
async function startFacilitator() {
  const { rpcUrl, network } = payer.network
  const scheme = await openFacilitator(rpcUrl, Number(network.split(':')[1]), await relayerKey())
  const asked: string[] = []
  const server = createServer(async (request, response) => {
    const { paymentPayload, paymentRequirements } = (await json(request)) as Record<string, never>
    asked.push(String(request.url))
    const answer = request.url?.endsWith('/verify')
      ? await scheme.verify(paymentPayload as never, paymentRequirements as never)
      : await scheme.settle(paymentPayload as never, paymentRequirements as never)
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () => {
    server.closeAllConnections()
    server.close()
  }
  return { url: `http://127.0.0.1:${port}`, asked, close }
}

describe('a facilitator over HTTP', () => {
  it('verifies and settles in the place of a relayer; the chain says what became of it', async () => {
    const facilitator = await startFacilitator()
    const over = await another({ X402_FACILITATOR_URL: facilitator.url, X402_WAIT_MAX_MS: '3000' })
    try {
      const carl = await over.customer('carl')
      const payment = await payer.sign(300)
      expect(await buyAt(over, carl.key, 300, payment.header)).toMatchObject({ status: 201 })
      expect(await buyAt(over, carl.key, 300, payment.header)).toMatchObject({ status: 200 })
      expect(facilitator.asked.map((path) => path.split('/').at(-1))).toStrictEqual(['verify', 'settle'])
      const poor = await payer.sign(300, { isPoor: true })
      expect(await buyAt(over, carl.key, 300, poor.header)).toMatchObject({ status: 402 })
      // As one that has gone, or lost its answer.
      facilitator.close()
      const late = await payer.sign(300)
      expect(await buyAt(over, carl.key, 300, late.header)).toMatchObject({
        ...{ status: 503, body: { code: 'settlement_pending' } },
      })
      expect((await over.get('balance', carl.key)).body.usdBalanceMicros).toBe(3_000_000)
    } finally {
      await over.stop()
      facilitator.close()
    }
  }, 60_000)
})

describe('two instances with one relayer', () => {
  it('settle 20 payments at once, each once, though they take each other’s numbers', async () => {
    const X402_RELAYER_KEY = await relayerKey()
    const instances = [await another({ X402_RELAYER_KEY }), await another({ X402_RELAYER_KEY })]
    try {
      const customers = await Promise.all(instances.map((each) => each.customer('carl')))
      const treasury = await payer.treasury()
      const payments = await Promise.all(Array.from({ length: 20 }, () => payer.sign(100)))
      const answers = await Promise.all(
        payments.map(({ header }, n) => buyAt(instances[n % 2]!, customers[n % 2]!.key, 100, header)),
      )
      expect(answers.map(({ status }) => status)).toStrictEqual(Array(20).fill(201))
      expect(await payer.treasury()).toBe(treasury + 20_000_000n)
      for (const [n, each] of instances.entries()) {
        expect((await each.get('balance', customers[n]!.key)).body.usdBalanceMicros).toBe(10_000_000)
      }
    } finally {
      for (const each of instances) await each.stop()
    }
  }, 90_000)
})
