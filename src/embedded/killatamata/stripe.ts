/**
 * Stripe of the sandbox: the house’s stand-in for it at an address of this server, and what a buyer and the dashboard would do. What is
 * ordered here is told by events that this part sends, so that whoever orders says how often.
 */
import { signatureOf } from '../stripe/delivery.ts'
import type { StripeStandIn } from '../stripe/server.ts'
import {
  type Answering,
  deliveryOf,
  jsonAnswer,
  jsonOf,
  postEvent,
  type StandInPart,
  StandInRefusal,
} from './exchange.ts'

export interface StripePartOptions {
  standIn: Pick<StripeStandIn, 'url' | 'keys'>
  /** Where events go. */
  target: () => string
}

const TIMEOUT_MS = 30_000

export function stripePart({ standIn: { url, keys }, target }: StripePartOptions): StandInPart {
  const { secretKey, webhookSecret } = keys.test
  const authorization = `Bearer ${secretKey}`

  const api: Answering = async ({ method, path, query, headers, body }) => {
    const text = query.toString()
    const isRead = method === 'GET' || method === 'HEAD'
    const passed = ['authorization', 'content-type', 'idempotency-key', 'stripe-version'] as const
    const answer = await fetch(`${url}${path}${text && `?${text}`}`, {
      method,
      headers: Object.fromEntries(passed.flatMap((name) => (headers[name] ? [[name, String(headers[name])]] : []))),
      ...(!isRead && { body: new Uint8Array(body) }),
      ...{ redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT_MS) },
    })
    const kept = ['content-type', 'location', 'content-security-policy'].flatMap((name): [string, string][] => {
      const value = answer.headers.get(name)
      return value === null ? [] : [[name, value]]
    })
    return { status: answer.status, headers: Object.fromEntries(kept), body: await answer.text() }
  }

  /** Carried out by the stand-in, which tells nobody of it. Throws StandInRefusal. */
  async function ordered(name: string, form: Record<string, string>): Promise<Record<string, unknown>> {
    const answer = await fetch(`${url}/_test/${name}`, {
      ...{ method: 'POST', headers: { authorization }, body: new URLSearchParams({ ...form, livemode: 'false' }) },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    const said = (await answer.json()) as Record<string, unknown>
    if (answer.ok) return said
    const { message } = (said.error ?? {}) as { message?: string }
    throw new StandInRefusal(answer.status, message ?? 'Stripe’s stand-in refuses it.')
  }

  async function sessionOf(id: string): Promise<Record<string, unknown>> {
    const answer = await fetch(`${url}/v1/checkout/sessions/${id}`, { headers: { authorization } })
    if (!answer.ok) throw new StandInRefusal(404, `There is no session ${id}.`)
    return (await answer.json()) as Record<string, unknown>
  }

  const deliver = (event: unknown, times: number): Promise<number[]> => {
    const json = JSON.stringify(event)
    const headers = () => ({ 'stripe-signature': signatureOf(json, webhookSecret, Math.floor(Date.now() / 1_000)) })
    return postEvent(target(), headers, json, times)
  }

  const control: Answering = async (request) => {
    const [, id, action] = /^\/sessions\/(cs_\w+)\/(pay|refund)$/.exec(request.path) ?? []
    if (id === undefined || request.method !== 'POST') return undefined
    const { usdCents, ...order } = jsonOf(request)
    const times = deliveryOf(order)
    if (action === 'pay') {
      const { session, event } = await ordered('pay', { session: id })
      return jsonAnswer({ session, event, deliveries: await deliver(event, times) })
    }
    const { payment_intent: payment } = await sessionOf(id)
    if (typeof payment !== 'string') throw new StandInRefusal(409, `${id} is not paid.`)
    const form: Record<string, string> = { payment_intent: payment }
    if (usdCents !== undefined) form.amount = String(usdCents)
    const { event } = await ordered('refund_untold', form)
    return jsonAnswer({ event, deliveries: await deliver(event, times) })
  }

  return { routes: { '/stripe': api, '/control/stripe': control } }
}
