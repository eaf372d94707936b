/** The stand-in for Stripe as tests use it: with the library that the house uses, and with what they order to go wrong. */
import { expect } from 'vitest'
import type { Payments } from '../../src/adapters/payments/payments.ts'
import { createStripePayments } from '../../src/adapters/payments/stripe.ts'
import { signatureOf } from '../../src/embedded/stripe/delivery.ts'
import { type StripeStandIn, startStripeStandIn } from '../../src/embedded/stripe/server.ts'
import { temporaryDirectory } from './services.ts'

type World = 'live' | 'test'
/** As the stand-in answers. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
type Answered = Record<string, any>

export interface PaymentStandIn {
  url: string
  payments(world: World): Payments
  /** Chooses on the checkout page; answers with the status and where it leads. */
  pay(
    checkoutUrl: string,
    outcome: 'success' | 'decline' | 'late' | 'late_failure',
  ): Promise<{ status: number; to: string | null }>
  /** As Stripe's API is asked. */
  ask(
    method: string,
    path: string,
    form?: Record<string, string>,
    world?: World,
  ): Promise<{ status: number; body: Answered }>
  /** An order to go wrong, or something that people do in the dashboard. */
  order(name: string, form?: Record<string, string>): Promise<Answered>
  /** A body of an event with its signature; `atMs` is when it was signed. */
  signed(event: object, world?: World, atMs?: number): { body: string; signature: string }
  close(): Promise<void>
}

/** `target` is where it sends its events. */
export async function startPaymentStandIn(
  target: () => string | undefined,
  directory = temporaryDirectory(),
): Promise<PaymentStandIn> {
  const { close, ...at } = await startStripeStandIn({ directory: directory.path, target })
  return {
    ...paymentStandInAt(at),
    async close() {
      await close()
      directory.remove()
    },
  }
}

/** One that runs already, in whatever process. */
export function paymentStandInAt({ url, keys }: Pick<StripeStandIn, 'url' | 'keys'>): Omit<PaymentStandIn, 'close'> {
  const payments = {
    live: createStripePayments({ ...keys.live, url }),
    test: createStripePayments({ ...keys.test, url }),
  }
  const ask = async (method: string, path: string, form: Record<string, string> = {}, world: World = 'live') => {
    const text = new URLSearchParams(form).toString()
    const response = await fetch(method === 'GET' ? `${url}${path}?${text}` : `${url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${keys[world].secretKey}`,
        'content-type': 'application/x-www-form-urlencoded',
      },
      ...(method !== 'GET' && { body: text }),
    })
    return { status: response.status, body: (await response.json()) as Answered }
  }
  return {
    url,
    payments: (world) => payments[world],
    async pay(checkoutUrl, outcome) {
      const body = new URLSearchParams({ outcome })
      const response = await fetch(`${checkoutUrl}/pay`, { method: 'POST', body, redirect: 'manual' })
      return { status: response.status, to: response.headers.get('location') }
    },
    ask,
    async order(name, form = {}) {
      const { status, body } = await ask('POST', `/_test/${name}`, form)
      expect(status, JSON.stringify(body)).toBe(200)
      return body
    },
    signed(event, world = 'live', atMs = Date.now()) {
      const body = JSON.stringify(event)
      return { body, signature: signatureOf(body, keys[world].webhookSecret, Math.floor(atMs / 1_000)) }
    },
  }
}
