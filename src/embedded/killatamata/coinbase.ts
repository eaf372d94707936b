/**
 * Stands in for Coinbase Commerce: charges, the page on which one is paid, and signed events. `POST /control/coinbase/charges/<id>/confirm`
 * does what a payer and the network would do.
 */
import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import {
  type Answering,
  deliveryOf,
  jsonAnswer,
  jsonOf,
  postEvent,
  type StandInAnswer,
  type StandInPart,
  StandInRefusal,
  type StandInRequest,
} from './exchange.ts'
import type { StandInStore } from './store.ts'

interface Charge {
  id: string
  code: string
  name: string
  hosted_url: string
  created_at: string
  expires_at: string
  pricing: { local: { amount: string; currency: string } }
  redirect_url: string | null
  metadata: Record<string, unknown>
  timeline: { status: string; time: string; context?: string }[]
}

export interface CoinbaseOptions {
  /** Of the server, without a slash at its end. */
  url: string
  store: StandInStore
  apiKey: string
  webhookSecret: string
  /** Where events go. */
  target: () => string
}

const KIND = 'coinbase charge'
const LIVES_MS = 3_600_000
const LISTED_MAX = 100
/** What an event of this type does to the timeline of its charge. */
const STATUSES: Readonly<Record<string, { status: string; context?: string }>> = {
  'charge:pending': { status: 'PENDING' },
  'charge:confirmed': { status: 'COMPLETED' },
  'charge:delayed': { status: 'UNRESOLVED', context: 'DELAYED' },
  'charge:failed': { status: 'EXPIRED' },
  'charge:resolved': { status: 'RESOLVED' },
}

export function coinbasePart({ url, store, apiKey, webhookSecret, target }: CoinbaseOptions): StandInPart {
  function chargeOf(id: string): Charge {
    const found = store.get<Charge>(KIND, id)
    if (!found) throw new StandInRefusal(404, `There is no charge ${id}.`)
    return found.value
  }

  function create(request: StandInRequest): Charge {
    const { name, local_price, metadata = {}, redirect_url = null } = jsonOf(request)
    const { amount, currency } = (local_price ?? {}) as Record<string, unknown>
    if (typeof name !== 'string' || typeof amount !== 'string' || typeof currency !== 'string') {
      throw new StandInRefusal(400, 'A charge has a name and a local_price.')
    }
    const [id, now] = [randomUUID(), Date.now()]
    const made: Charge = {
      ...{ id, code: randomBytes(4).toString('hex').toUpperCase(), name, hosted_url: `${url}/coinbase/pay/${id}` },
      ...{ created_at: new Date(now).toISOString(), expires_at: new Date(now + LIVES_MS).toISOString() },
      pricing: { local: { amount, currency } },
      redirect_url: typeof redirect_url === 'string' ? redirect_url : null,
      metadata: metadata as Record<string, unknown>,
      timeline: [{ status: 'NEW', time: new Date(now).toISOString() }],
    }
    store.put(KIND, id, made)
    return made
  }

  /** Notes what has happened to a charge, and sends its event so often. */
  async function happen(id: string, type: string, times: number) {
    const step = STATUSES[type]
    if (!step) throw new StandInRefusal(400, `type is one of ${Object.keys(STATUSES).join(', ')}.`)
    const before = chargeOf(id)
    const at = new Date().toISOString()
    const isNews = before.timeline.at(-1)?.status !== step.status
    const charge = isNews ? { ...before, timeline: [...before.timeline, { ...step, time: at }] } : before
    store.put(KIND, id, charge)
    const event = {
      ...{ id: randomUUID(), scheduled_for: at, attempt_number: 1 },
      event: { id: randomUUID(), resource: 'event', type, api_version: '2018-03-22', created_at: at, data: charge },
    }
    const json = JSON.stringify(event)
    const signature = createHmac('sha256', webhookSecret).update(json).digest('hex')
    const deliveries = await postEvent(target(), () => ({ 'x-cc-webhook-signature': signature }), json, times)
    return { charge, event, deliveries }
  }

  async function page(request: StandInRequest, id: string): Promise<StandInAnswer> {
    const charge = chargeOf(id)
    if (request.method === 'POST') {
      await happen(id, 'charge:confirmed', 1)
      return { status: 303, headers: { location: charge.redirect_url ?? charge.hosted_url } }
    }
    const { amount, currency } = charge.pricing.local
    const isPaid = charge.timeline.some(({ status }) => status === 'COMPLETED')
    const form = isPaid ? '<p>It is paid.</p>' : '<form method="post"><button>Pay</button></form>'
    // A browser holds where the form leads to against it as well.
    const after = new URL(charge.redirect_url ?? url).origin
    const policy = `default-src 'none'; form-action 'self' ${after}; frame-ancestors 'none'; base-uri 'none'`
    return {
      ...{ status: 200, headers: { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': policy } },
      body: `<!doctype html><title>Charge</title><p>${Number(amount)} ${/^\w{3}$/.exec(currency)?.[0] ?? ''}</p>${form}`,
    }
  }

  const api: Answering = (request) => {
    const [, place, id] = /^\/(charges|pay)(?:\/([\w-]+))?$/.exec(request.path) ?? []
    if (place === 'pay' && id !== undefined) return page(request, id)
    if (place !== 'charges') return undefined
    if (request.headers['x-cc-api-key'] !== apiKey) throw new StandInRefusal(401, 'The API key is unknown.')
    if (id !== undefined) return jsonAnswer({ data: chargeOf(id) })
    if (request.method === 'POST') return jsonAnswer({ data: create(request) }, 201)
    const limit = Math.min(LISTED_MAX, Number(request.query.get('limit') ?? LISTED_MAX) || LISTED_MAX)
    return jsonAnswer({ data: store.list<Charge>(KIND, limit).map(({ value }) => value) })
  }

  const control: Answering = async (request) => {
    const [, id] = /^\/charges\/([\w-]+)\/confirm$/.exec(request.path) ?? []
    if (id === undefined || request.method !== 'POST') return undefined
    const { type = 'charge:confirmed', ...order } = jsonOf(request)
    return jsonAnswer(await happen(id, String(type), deliveryOf(order)))
  }

  return { routes: { '/coinbase': api, '/control/coinbase': control } }
}
