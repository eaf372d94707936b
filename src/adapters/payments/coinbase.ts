/**
 * Charges of Coinbase Commerce, over plain HTTP: made, looked up, and told of by signed events. The service knows no idempotency
 * keys, so that a charge whose answer was lost is looked for among the newest ones before another one is made.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { ForgedPaymentEvent, PaymentsUnavailable } from './payments.ts'

export interface CoinbaseAccess {
  apiKey: string
  /** Undefined: no event can be verified, so none is taken. */
  webhookSecret: string | undefined
  /** `https://api.commerce.coinbase.com`, or a stand-in's address. */
  url: string
}

export interface ChargeRequest {
  checkoutId: string
  amountCents: bigint
  title: string
  redirectUrl: string | undefined
  cancelUrl: string | undefined
  /** It was asked for before, and its answer may have been lost. */
  isRepeat: boolean
}

export interface Charge {
  chargeId: string
  url: string
  expiresAt: string
  /** What it was made for, which is what is paid where it is confirmed. */
  amountCents: bigint
  /** ISO 4217 in lower case. */
  currency: string
  isPaid: boolean
  hasEnded: boolean
  /** The id of ours that it was made with; null: it is nobody's of this house. */
  checkoutId: string | null
}

export interface Charges {
  create(request: ChargeRequest): Promise<Charge>
  /** Undefined: the provider does not know it. */
  find(chargeId: string): Promise<Charge | undefined>
  /** Undefined: an event about nothing that concerns us. `body` as it came. Throws ForgedPaymentEvent. */
  readEvent(body: Uint8Array, signature: string): Charge | undefined
}

/** The service answers within a second or two. */
const TIMEOUT_MS = 10_000
/** A hundred charges have a few hundred kB. */
const ANSWER_MAX_LENGTH = 1_048_576
const API_VERSION = '2018-03-22'
/** Charges that are looked through for one whose answer was lost. */
const LOOKED_AT = 100

/** More decimals than a cent has are no amount that we have asked for. */
const AMOUNT = /^(\d{1,15})(?:\.(\d{1,2})0*)?$/
const timeline = z.array(z.object({ status: z.string() }))
const charge = z.object({
  id: z.string(),
  hosted_url: z.string(),
  expires_at: z.iso.datetime({ offset: true }),
  pricing: z.object({ local: z.object({ amount: z.string().regex(AMOUNT), currency: z.string() }) }),
  timeline,
  metadata: z.record(z.string(), z.unknown()).nullish(),
})
const one = z.object({ data: charge })
const many = z.object({ data: z.array(charge) })
const posted = z.object({ event: z.object({ type: z.string(), data: z.unknown() }) })

/** Statuses after which it is paid in full, and those after which it never will be by itself. */
const PAID = ['COMPLETED', 'RESOLVED']
const ENDED = ['EXPIRED', 'CANCELED']

export function createCharges({ apiKey, webhookSecret, url }: CoinbaseAccess): Charges {
  async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<unknown> {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: { 'x-cc-api-key': apiKey, 'x-cc-version': API_VERSION, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      ...{ signal: AbortSignal.timeout(TIMEOUT_MS), redirect: 'error' },
    })
    if (answer.status === 404) return undefined
    const text = await answer.text()
    if (!answer.ok || text.length > ANSWER_MAX_LENGTH) throw new Error(`it answers ${answer.status}`)
    return JSON.parse(text)
  }
  const asked = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw new PaymentsUnavailable('the provider of crypto payments does not answer as it should', { cause })
    }
  }
  const lost = async (checkoutId: string): Promise<Charge | undefined> => {
    const { data } = many.parse(await ask('GET', `/charges?limit=${LOOKED_AT}&order=desc`))
    return data.map(chargeOf).find((each) => each.checkoutId === checkoutId)
  }
  return {
    create: (request) =>
      asked(async () => {
        const before = request.isRepeat ? await lost(request.checkoutId) : undefined
        return before ?? chargeOf(one.parse(await ask('POST', '/charges', orderOf(request))).data)
      }),
    find: (chargeId) =>
      asked(async () => {
        const found = await ask('GET', `/charges/${encodeURIComponent(chargeId)}`)
        return found === undefined ? undefined : chargeOf(one.parse(found).data)
      }),
    readEvent(body, signature) {
      if (webhookSecret === undefined || !isSigned(body, signature, webhookSecret)) {
        throw new ForgedPaymentEvent('the event is not signed with our secret')
      }
      return chargeIn(Buffer.from(body).toString('utf8'))
    },
  }
}

function orderOf({ checkoutId, amountCents, title, redirectUrl, cancelUrl }: ChargeRequest) {
  const cents = String(amountCents).padStart(3, '0')
  return {
    ...{ name: title, description: title, pricing_type: 'fixed_price' },
    local_price: { amount: `${cents.slice(0, -2)}.${cents.slice(-2)}`, currency: 'USD' },
    metadata: { checkout_id: checkoutId },
    ...(redirectUrl !== undefined && { redirect_url: redirectUrl }),
    ...(cancelUrl !== undefined && { cancel_url: cancelUrl }),
  }
}

function chargeOf({ id, hosted_url, expires_at, pricing, timeline: steps, metadata }: z.output<typeof charge>): Charge {
  const { amount, currency } = pricing.local
  const checkoutId = metadata?.checkout_id
  const has = (wanted: readonly string[]) => steps.some(({ status }) => wanted.includes(status.toUpperCase()))
  return {
    ...{ chargeId: id, url: hosted_url, expiresAt: new Date(expires_at).toISOString() },
    ...{ amountCents: centsOf(amount), currency: currency.toLowerCase() },
    ...{ isPaid: has(PAID), hasEnded: has(ENDED) },
    checkoutId: typeof checkoutId === 'string' ? checkoutId : null,
  }
}

/** `12.5` → 1250, of an amount that was read. */
function centsOf(amount: string): bigint {
  const [, whole, fraction = ''] = AMOUNT.exec(amount) ?? []
  if (whole === undefined) throw new Error(`${amount} is no amount of cents`)
  return BigInt(whole) * 100n + BigInt(fraction.padEnd(2, '0'))
}

const SIGNATURE = /^[0-9a-f]{64}$/i

function isSigned(body: Uint8Array, signature: string, secret: string): boolean {
  if (!SIGNATURE.test(signature)) return false
  return timingSafeEqual(createHmac('sha256', secret).update(body).digest(), Buffer.from(signature, 'hex'))
}

/** What an event says of its charge. `charge:confirmed` and `charge:resolved` are paid, whatever the timeline lacks. */
function chargeIn(text: string): Charge | undefined {
  let told: z.output<typeof posted>['event']
  try {
    told = posted.parse(JSON.parse(text)).event
  } catch (cause) {
    throw new ForgedPaymentEvent('the event cannot be read', { cause })
  }
  const { type, data } = told
  const read = charge.safeParse(data)
  if (!type.startsWith('charge:') || !read.success) return undefined
  const known = chargeOf(read.data)
  return { ...known, isPaid: known.isPaid || type === 'charge:confirmed' || type === 'charge:resolved' }
}
