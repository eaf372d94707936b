/** Credit that is paid by x402, on a chain: what the answers are, and what the chain has afterwards. */
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'
import { createPayer, type X402Payer } from './x402-payer.ts'

let served: ServedKillatamata
let payer: X402Payer
let ada: Customer
const PATH = 'credits/purchase/x402'

beforeAll(async () => {
  served = await startKillatamata({ env: { X402_POLL_MS: '20', X402_WAIT_MAX_MS: '18000' } })
  payer = createPayer(served.sandbox)
  ada = await served.customer('ada')
}, 60_000)
afterAll(() => served.stop())

const decoded = (header: string | null) => JSON.parse(Buffer.from(header ?? '', 'base64').toString('utf8'))
const buy = (usdCents: number, payment?: string, key = ada.key, path = PATH) =>
  served.post(path, { usdCents }, key, payment === undefined ? {} : { 'payment-signature': payment })
const available = async (key = ada.key) => (await served.get('balance', key)).body.usdBalanceMicros

describe('a purchase by x402', () => {
  it('is asked to be paid first, with what has to be signed', async () => {
    const answer = await buy(500)
    expect(answer).toMatchObject({ status: 402, body: { code: 'payment_required' } })
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const { chain } = served.sandbox
    expect(decoded(answer.headers.get('payment-required'))).toMatchObject({
      x402Version: 2,
      resource: { mimeType: 'application/json' },
      accepts: [
        {
          ...{ scheme: 'exact', network: chain?.network, amount: '5000000', asset: chain?.token, payTo: chain?.pay_to },
          ...{ maxTimeoutSeconds: 300, extra: { name: 'USD Coin', version: '2' } },
        },
      ],
    })
  })

  it('is settled on the chain and credited, and shown again where it is sent again', async () => {
    const before = await available()
    const treasury = await payer.treasury()
    const payment = await payer.sign(500)
    const answer = await buy(500, payment.header)
    expect(answer).toMatchObject({
      status: 201,
      body: {
        ...{ ok: true, provider: 'x402', usdCents: 500, depositUsdMicros: 5_000_000, replayed: false },
        ...{ currentBalanceUsdMicros: before + 5_000_000, network: 'eip155:84532', payer: payment.from },
      },
    })
    expect(decoded(answer.headers.get('payment-response'))).toMatchObject({
      ...{ success: true, transaction: answer.body.transaction, network: 'eip155:84532', payer: payment.from },
    })
    const again = await buy(500, payment.header)
    expect(again).toMatchObject({ status: 200, body: { ...answer.body, replayed: true } })
    expect(await available()).toBe(before + 5_000_000)
    expect(await payer.treasury()).toBe(treasury + 5_000_000n)
  })

  it('is the first account’s alone', async () => {
    const payment = await payer.sign(500)
    await buy(500, payment.header)
    const ben = await served.customer('ben')
    expect(await buy(500, payment.header, ben.key)).toMatchObject({
      ...{ status: 409, body: { code: 'payment_already_used' } },
    })
    expect(await available(ben.key)).toBe(0)
  })

  it('of 20 payments at once is settled 20 times, one transaction after the other', async () => {
    const before = await available()
    const payments = await Promise.all(Array.from({ length: 20 }, () => payer.sign(100)))
    const answers = await Promise.all(payments.map(({ header }) => buy(100, header)))
    expect(answers.map(({ status }) => status)).toStrictEqual(Array(20).fill(201))
    expect(await available()).toBe(before + 20 * 1_000_000)
  })

  it('that comes ten times at once is settled once', async () => {
    const before = await available()
    const { header } = await payer.sign(100)
    const answers = await Promise.all(Array.from({ length: 10 }, () => buy(100, header)))
    expect(answers.map(({ status }) => status).toSorted()).toStrictEqual([...Array(9).fill(200), 201])
    expect(await available()).toBe(before + 1_000_000)
  })

  it.each(['not base64!', Buffer.from('{"x402Version":2}').toString('base64')])(
    'is refused where the payment cannot be read: %s',
    async (header) => {
      expect(await buy(500, header)).toMatchObject({ status: 400, body: { code: 'payment_malformed' } })
    },
  )

  it('is rejected where it is not what was asked for, not signed by the payer, without money, or over', async () => {
    const cases = [
      ['another value', await payer.sign(400), 'invalid_payment_requirements'],
      ['another payee', await payer.sign(500, { to: payer.stranger }), 'recipient'],
      ['another signature', await payer.sign(500, { signedFor: 400 }), 'signature'],
      ['no money', await payer.sign(500, { isPoor: true }), 'balance|simulation|funds'],
      ['over', await payer.sign(500, { validBefore: 1_000 }), 'valid_before'],
      ['another network', await payer.sign(500, { network: 'eip155:1' }), 'network'],
    ] as const
    for (const [about, { header }, reason] of cases) {
      const answer = await buy(500, header)
      expect(answer, about).toMatchObject({ status: 402, body: { code: 'payment_rejected' } })
      const response = decoded(answer.headers.get('payment-response'))
      expect(response, about).toMatchObject({ success: false, errorReason: expect.stringMatching(reason) })
      expect(decoded(answer.headers.get('payment-required')).accepts).toHaveLength(1)
    }
  })

  it('is rejected where the payer has taken it back', async () => {
    const before = await available()
    const payment = await payer.sign(500)
    await payer.cancel(payment)
    expect(await buy(500, payment.header)).toMatchObject({ status: 402, body: { code: 'payment_rejected' } })
    expect(await available()).toBe(before)
  })

  it('goes by an older name as well, which says that it is old', async () => {
    const { header } = await payer.sign(100)
    for (const answer of [
      await buy(100, undefined, ada.key, 'deposit/x402'),
      await buy(100, header, ada.key, 'deposit/x402'),
    ]) {
      expect(answer.headers.get('deprecation')).toBe('true')
      expect(answer.headers.get('link')).toContain(
        '</killatamata/api/v1/credits/purchase/x402>; rel="successor-version"',
      )
    }
  })

  it('is refused where the balance would be larger than an account may have', async () => {
    const rich = await served.customer('rich')
    await served.credited(rich, 9_007_199_254_740_991n - 1_000_000n)
    expect(await buy(200, undefined, rich.key)).toMatchObject({ status: 400, body: { code: 'balance_limit_exceeded' } })
    expect(await buy(100, undefined, rich.key)).toMatchObject({ status: 402 })
  })
})

describe('an authorization that somebody else brings to the chain', () => {
  it('is credited to whoever brings it here', async () => {
    const payment = await payer.sign(500)
    await payer.submitByStranger(payment)
    expect(await buy(500, payment.header)).toMatchObject({ status: 201, body: { depositUsdMicros: 5_000_000 } })
    expect(await buy(500, payment.header)).toMatchObject({ status: 200 })
  })

  it('of long ago is nobody’s any more', async () => {
    const payment = await payer.sign(500)
    await payer.submitByStranger(payment)
    const late = await another({ X402_FOREIGN_SETTLEMENT_MAX_S: '1' })
    try {
      const carl = await late.customer('carl')
      const answer = await late.post(PATH, { usdCents: 500 }, carl.key, { 'payment-signature': payment.header })
      expect(answer).toMatchObject({ status: 402 })
      expect(decoded(answer.headers.get('payment-response')).errorReason).toBe('nonce_already_used')
    } finally {
      await late.stop()
    }
  })
})

/** A further instance on the same chain. */
async function another(env: Record<string, string>): Promise<ServedKillatamata> {
  const key = generatePrivateKey()
  await payer.rpc('anvil_setBalance', [privateKeyToAddress(key), '0x56bc75e2d63100000'])
  return startKillatamata({
    env: { X402_NETWORKS: JSON.stringify([payer.network]), X402_RELAYER_KEY: key, KILLATAMATA_SANDBOX: 'off', ...env },
  })
}

describe('a chain that does not mine', () => {
  it('leaves the payment pending, never rejected, and it is credited once it does', async () => {
    const hasty = await another({ X402_WAIT_MAX_MS: '600', X402_SEND_WAIT_MS: '200', X402_POLL_MS: '20' })
    try {
      const carl = await hasty.customer('carl')
      const { header } = await payer.sign(100)
      const bring = () => hasty.post(PATH, { usdCents: 100 }, carl.key, { 'payment-signature': header })
      await payer.rpc('evm_setAutomine', [false])
      try {
        const answer = await bring()
        expect(answer).toMatchObject({ status: 503, body: { code: 'settlement_pending' } })
        expect(answer.headers.get('retry-after')).not.toBeNull()
      } finally {
        await payer.rpc('evm_setAutomine', [true])
        await payer.rpc('evm_mine', [])
      }
      await vi.waitFor(async () => expect([200, 201]).toContain((await bring()).status), { timeout: 10_000 })
      expect((await hasty.get('balance', carl.key)).body.usdBalanceMicros).toBe(1_000_000)
    } finally {
      await hasty.stop()
    }
  }, 40_000)
})
