/** Money that comes in: a provider's event until the balance shows it, and purchases by x402 against the protocol's library alone. */
import { randomUUID } from 'node:crypto'
import { requirementsOf } from '../../src/adapters/x402/chain.ts'
import { signatureOf } from '../../src/embedded/stripe/delivery.ts'
import { openFacilitator, readSandbox } from '../../test/http/killatamata/sandbox.ts'
import { createPayer, type SignedPayment } from '../../test/http/killatamata/x402-payer.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call } from '../instance.ts'
import { compare, figuresOf, pace, type Round, timed, within } from '../measure.ts'
import { apiOf, type Customer, type Google, newCustomers } from './ground.ts'
import { PER_SECOND, untilSeen } from './jobs.ts'

/** So many that the payments of one hardly ever overtake each other. */
const ACCOUNTS = 32
const PACKAGE = { packageCode: 'starter_500' }
const PACKAGE_MICROS = 5_000_000
const WARM_UP_S = 2
const OPENED_AT_ONCE = 8

interface Opened {
  customer: Customer
  sessionId: string
}

/** Checkouts that nobody has paid, of the accounts in turn. */
async function openCheckouts(instance: BenchInstance, customers: readonly Customer[], count: number) {
  const opened: Opened[] = []
  const open = async (n: number) => {
    const customer = customers[n % customers.length] as Customer
    const { apiKey } = customer
    const url = `${apiOf(instance)}/checkout/stripe`
    const { sessionId } = JSON.parse(await call('POST', url, { apiKey, body: PACKAGE, expect: [201] }))
    opened[n] = { customer, sessionId }
  }
  const numbers = Array.from({ length: count }, (_, n) => n).values()
  const worker = async () => {
    for (const n of numbers) await open(n)
  }
  await Promise.all(Array.from({ length: OPENED_AT_ONCE }, worker))
  return opened
}

/** The event that Stripe sends of this session, as text, with one of another session as its model. */
function eventOf(model: string, { sessionId }: Opened, other: Opened): string {
  const { data } = JSON.parse(model)
  return model
    .replaceAll(other.sessionId, sessionId)
    .replaceAll(data.object.payment_intent, `pi_${randomUUID().replaceAll('-', '')}`)
}

async function balanceOf(instance: BenchInstance, { apiKey }: Customer): Promise<number> {
  return JSON.parse(await call('GET', `${apiOf(instance)}/balance`, { apiKey, expect: [200] })).usdBalanceMicros
}

/** From the provider's event until a GET shows the balance with it. */
export async function webhooks(instance: BenchInstance, { seconds, rounds }: SuiteOptions, google: Google) {
  const { standins, stripe } = readSandbox(instance.directory)
  const customers = await newCustomers(instance, google, ACCOUNTS)
  const [model] = (await openCheckouts(instance, customers, 1)) as [Opened]
  const paid = await fetch(`${standins}/control/stripe/sessions/${model.sessionId}/pay`, {
    ...{ method: 'POST', body: JSON.stringify({ deliver: false }) },
  })
  const text = JSON.stringify(((await paid.json()) as { event: object }).event)
  const owed = new Map(customers.map(({ accountId }) => [accountId, 0]))

  async function run(length: number): Promise<Round> {
    const opened = await openCheckouts(instance, customers, Math.ceil(PER_SECOND * length))
    return pace(PER_SECOND, length, async (turn) => {
      const payment = opened[turn] as Opened
      const { customer } = payment
      const body = eventOf(text, payment, model)
      const signature = signatureOf(body, stripe.webhook_secret, Math.floor(Date.now() / 1_000))
      const expected = (owed.get(customer.accountId) ?? 0) + PACKAGE_MICROS
      owed.set(customer.accountId, expected)
      const headers = { 'stripe-signature': signature, 'content-type': 'application/json' }
      await call('POST', `${apiOf(instance)}/webhooks/stripe`, { headers, text: body, expect: [200] })
      await untilSeen(async () => (await balanceOf(instance, customer)) >= expected)
    })
  }

  await run(WARM_UP_S)
  const measured: Round[] = []
  for (let round = 0; round < rounds; round++) measured.push(await run(seconds))
  const ours = figuresOf(measured)
  const bounds = { measured: ours.p99Ms ?? Number.POSITIVE_INFINITY, atMost: 80, wanted: 30, best: 12 }
  return [within(`an event of Stripe until the balance shows it, ${PER_SECOND} a second, p99 ms`, ours, bounds)]
}

const UNDER_WAY = 20
const PURCHASES = 100
const SETTLEMENTS = 40
const USD_CENTS = 100
/** Of a wallet of the sandbox: it pays the gas of the library's transactions. */
const GAS_WALLET = 2
const inTurn = async <T>(count: number, make: () => Promise<T>): Promise<T[]> => {
  const made: T[] = []
  for (let n = 0; n < count; n++) made.push(await make())
  return made
}

/** From the signed request to the credit, several under way, against settling alone, one after the other. */
export async function purchases(instance: BenchInstance, { rounds }: SuiteOptions, google: Google) {
  const sandbox = readSandbox(instance.directory)
  const { rpc_url = '', chain_id = 0, wallets = [] } = sandbox.chain ?? {}
  const payer = createPayer(sandbox)
  const [facilitator, customers] = await Promise.all([
    openFacilitator(rpc_url, chain_id, wallets[GAS_WALLET]?.private_key ?? '0x'),
    newCustomers(instance, google, UNDER_WAY),
  ])
  const sign = () => payer.sign(USD_CENTS)
  const url = `${apiOf(instance)}/credits/purchase/x402`

  const buy = (payment: SignedPayment, n: number) => async () => {
    const { apiKey } = customers[n % UNDER_WAY] as Customer
    const headers = { 'payment-signature': payment.header }
    await call('POST', url, { apiKey, headers, body: { usdCents: USD_CENTS }, expect: [201] })
  }
  const settle =
    ({ header, message }: SignedPayment) =>
    async () => {
      const requirements = requirementsOf(payer.network, String(message.value))
      const payload = JSON.parse(Buffer.from(header, 'base64').toString('utf8'))
      const { success, errorReason } = await facilitator.settle(payload, requirements)
      if (!success) throw new Error(`a payment is not settled: ${errorReason}`)
    }
  const ours = async (count = PURCHASES) => timed(UNDER_WAY, (await inTurn(count, sign)).map(buy))
  const bare = async (count = SETTLEMENTS) => timed(1, (await inTurn(count, sign)).map(settle))
  await ours(UNDER_WAY)
  await bare(UNDER_WAY)
  const name = `purchases by x402, ${UNDER_WAY} under way, against settling one after the other`
  return [await compare(name, rounds, ours, bare, { floor: 0.5, goal: 0.8, moonshot: 1 })]
}
