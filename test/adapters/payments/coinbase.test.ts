/** Charges of Coinbase Commerce, against a server on loopback that answers as the service does. */
import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Charges, createCharges } from '../../../src/adapters/payments/coinbase.ts'
import { ForgedPaymentEvent, PaymentsUnavailable } from '../../../src/adapters/payments/payments.ts'

const SECRET = 'a secret of ours'
let server: Server
let charges: Charges
let kept: Record<string, unknown>[] = []
let asked: string[] = []
let status = 200

const chargeOf = (id: string, order: Record<string, unknown>, statuses: readonly string[] = ['NEW']) => ({
  ...{ id, hosted_url: `https://commerce.example/${id}`, expires_at: '2026-09-01T11:00:00Z' },
  pricing: { local: order.local_price },
  timeline: statuses.map((each) => ({ time: '2026-09-01T10:00:00Z', status: each })),
  metadata: order.metadata,
})

beforeAll(async () => {
  server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const path = request.url ?? ''
      asked.push(`${request.method} ${path}`)
      const id = /^\/charges\/(\w+)$/.exec(path)?.[1]
      const found = id === undefined ? undefined : kept.find((each) => each.id === id)
      if (request.method === 'POST') {
        kept.unshift(chargeOf(`c${kept.length + 1}`, JSON.parse(Buffer.concat(parts).toString())))
      }
      const data = request.method === 'POST' ? kept[0] : id === undefined ? kept : found
      response.writeHead(data === undefined ? 404 : status, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ data }))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  charges = createCharges({ apiKey: 'k', webhookSecret: SECRET, url: `http://127.0.0.1:${port}` })
})
beforeEach(() => {
  kept = []
  asked = []
  status = 200
})
afterAll(() => new Promise((resolve) => server.close(resolve)))

const order = {
  ...{ checkoutId: 'checkout 1', amountCents: 2_005n, title: 'Builder' },
  ...{ redirectUrl: undefined, cancelUrl: undefined, isRepeat: false },
}

describe('a charge', () => {
  it('is made with the exact amount, and found again', async () => {
    const made = await charges.create(order)
    expect(made).toStrictEqual({
      ...{ chargeId: 'c1', url: 'https://commerce.example/c1', expiresAt: '2026-09-01T11:00:00.000Z' },
      ...{ amountCents: 2_005n, currency: 'usd', isPaid: false, hasEnded: false, checkoutId: 'checkout 1' },
    })
    expect(await charges.find('c1')).toStrictEqual(made)
    expect(await charges.find('c9')).toBeUndefined()
  })

  it('whose answer was lost is found before another one is made', async () => {
    const made = await charges.create(order)
    expect(await charges.create({ ...order, isRepeat: true })).toStrictEqual(made)
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(1)
    await charges.create({ ...order, checkoutId: 'checkout 2', isRepeat: true })
    expect(asked.filter((each) => each.startsWith('POST'))).toHaveLength(2)
  })

  it.each([
    [['NEW', 'PENDING', 'COMPLETED'], true, false],
    [['NEW', 'EXPIRED', 'UNRESOLVED', 'RESOLVED'], true, true],
    [['NEW', 'PENDING'], false, false],
    [['NEW', 'PENDING', 'DELAYED'], false, false],
    [['NEW', 'EXPIRED'], false, true],
    [['NEW', 'CANCELED'], false, true],
  ])('with the timeline %j is paid: %s, and over: %s', async (statuses, isPaid, hasEnded) => {
    kept = [chargeOf('c1', { local_price: { amount: '5.00', currency: 'USD' } }, statuses)]
    expect(await charges.find('c1')).toMatchObject({ isPaid, hasEnded, amountCents: 500n, checkoutId: null })
  })

  it('cannot be asked for where the service fails', async () => {
    status = 503
    await expect(charges.create(order)).rejects.toThrow(PaymentsUnavailable)
  })
})

describe('an event', () => {
  const eventOf = (type: string, statuses: readonly string[]) => {
    const data = chargeOf('c1', { local_price: { amount: '5.00', currency: 'USD' } }, statuses)
    return Buffer.from(JSON.stringify({ event: { type, data } }))
  }
  const signed = (body: Buffer, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex')

  it('is taken with our signature alone', () => {
    const body = eventOf('charge:confirmed', ['NEW'])
    expect(charges.readEvent(body, signed(body))).toMatchObject({ chargeId: 'c1', isPaid: true })
    const other = Buffer.from(body.toString().replace('5.00', '6.00'))
    for (const [text, signature] of [
      [other, signed(body)],
      [body, signed(body, 'another secret')],
      [body, ''],
      [body, 'ab'],
    ] as const) {
      expect(() => charges.readEvent(text, signature)).toThrow(ForgedPaymentEvent)
    }
  })

  it.each(['charge:created', 'charge:pending', 'charge:delayed', 'charge:failed'])('%s pays nothing', (type) => {
    const body = eventOf(type, ['NEW'])
    expect(charges.readEvent(body, signed(body))).toMatchObject({ isPaid: false })
  })

  it('about anything else, or about an amount that has no whole cents, concerns nobody', () => {
    const data = chargeOf('c1', { local_price: { amount: '5.005', currency: 'USD' } }, ['COMPLETED'])
    for (const event of [
      { type: 'invoice:paid', data: {} },
      { type: 'charge:confirmed', data },
    ]) {
      const body = Buffer.from(JSON.stringify({ event }))
      expect(charges.readEvent(body, signed(body))).toBeUndefined()
    }
  })
})
