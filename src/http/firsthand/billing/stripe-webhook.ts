/**
 * POST /firsthand/stripe/webhook: what Stripe says of sessions and charges. The body counts byte for byte, since its signature
 * is over it. What cannot be taken in now is answered with 503, and Stripe sends it again.
 */
import { Hono } from 'hono'
import { ForgedPaymentEvent, type PaymentEvent, PaymentsUnavailable } from '../../../adapters/payments/payments.ts'
import type { Environment } from '../../../events/firsthand/vocabulary.ts'
import { takePaymentEvent } from '../../../processes/firsthand/purchasing.ts'
import { rawBody, readBody } from '../../body.ts'
import { plainCommand } from '../../command.ts'
import { refuse } from '../../context.ts'
import type { AppEnv, Runtime } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import type { FirsthandParts } from '../access.ts'
import { errors } from '../errors.ts'
import { orUnavailable } from './unavailable.ts'

type Parts = Pick<FirsthandParts, 'bus' | 'payments' | 'clock' | 'log'>

/** Stripe's events are a few kB. */
const EVENT_MAX_BYTES = 262_144

/** Beside the contract: what the payment provider calls. */
export function paymentRoutes(parts: Parts, runtime: Runtime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))
  const body = readBody(rawBody(), EVENT_MAX_BYTES)
  app.post('/firsthand/stripe/webhook', async (c) => {
    const bytes = (await body(c)) as Uint8Array | undefined
    const signature = c.req.header('stripe-signature') ?? ''
    const { environment, event } = await orUnavailable(async () =>
      verified(parts, bytes ?? new Uint8Array(), signature),
    )
    const caller = {
      requestId: c.get('exchange').requestId,
      header: (name: string) => c.req.header(name),
    }
    const { bus, clock, payments, log } = parts
    const context = plainCommand({ principal: undefined, caller, clock })
    await orUnavailable(() => takePaymentEvent({ bus, log, payments: payments(environment) }, event, context))
    return c.json({ received: true })
  })
  return app
}

/**
 * Whose secret the event is signed with. Throws a Problem (400) where it is nobody's, or was signed too long ago, and
 * PaymentsUnavailable where there is no secret at all: whoever sends it sends it again, once there is one.
 */
function verified({ payments, clock }: Parts, bytes: Uint8Array, signature: string) {
  const missing: PaymentsUnavailable[] = []
  const worlds = ['live', 'test'] as const
  for (const environment of worlds) {
    const event = readAs(environment)
    if (event) return { environment, event }
  }
  if (missing.length === worlds.length) throw missing[0]
  throw new Problem('malformed_request', 'The event is not signed with the secret of this endpoint, or is too old.')

  function readAs(environment: Environment): PaymentEvent | undefined {
    try {
      return payments(environment).readEvent(bytes, signature, clock())
    } catch (error) {
      if (error instanceof PaymentsUnavailable) missing.push(error)
      else if (!(error instanceof ForgedPaymentEvent)) throw error
      return undefined
    }
  }
}
