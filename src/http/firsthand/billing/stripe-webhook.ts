/**
 * POST /firsthand/stripe/webhook: what Stripe says of sessions and charges. The body counts byte for byte, since its signature
 * is over it: what is held of them is bounded, and so is how often an address may send what is not signed. What cannot be
 * taken in now is answered with 503, and Stripe sends it again.
 */
import { type Context, Hono } from 'hono'
import { ForgedPaymentEvent, PaymentsUnavailable } from '../../../adapters/payments/payments.ts'
import { takePaymentEvent } from '../../../processes/firsthand/purchasing.ts'
import { rawBody, readBody } from '../../body.ts'
import { clientAddress } from '../../client-address.ts'
import { plainCommand } from '../../command.ts'
import { refuse, type SharedRuntime } from '../../context.ts'
import type { AppEnv } from '../../environment.ts'
import { Problem } from '../../errors.ts'
import { CALLERS_MAX, createWindow, refuseBeyond } from '../../rate-limit.ts'
import type { FirsthandParts } from '../access.ts'
import { errors } from '../errors.ts'
import { orUnavailable } from './unavailable.ts'

type Parts = Pick<FirsthandParts, 'bus' | 'payments' | 'clock' | 'log'>

/** Stripe's events are a few kB. */
const EVENT_MAX_BYTES = 262_144

/** Beside the contract: what the payment provider calls. */
export function paymentRoutes(parts: Parts, runtime: SharedRuntime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, c) => refuse(c.get('exchange'), error, errors, runtime))
  const { bounds, limits, nowMs } = runtime
  const body = readBody(rawBody(), EVENT_MAX_BYTES)
  const forged = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const countForged = (c: Context<AppEnv>): void => {
    const counted = forged.add(clientAddress(c, limits.trustProxy))
    const detail = 'Too many events from this address are not signed with the secret of this endpoint.'
    const refusal = refuseBeyond(limits.authFailuresPerMinuteMax, counted, detail)
    if (refusal) throw refusal
  }
  app.post('/firsthand/stripe/webhook', async (c) => {
    c.get('exchange').releaseBody = bounds.holdBody(c, EVENT_MAX_BYTES)
    const bytes = (await body(c)) as Uint8Array | undefined
    const signature = c.req.header('stripe-signature') ?? ''
    const signed = await orUnavailable(async () => verified(parts, bytes ?? new Uint8Array(), signature))
    if (!signed) {
      countForged(c)
      throw new Problem('malformed_request', 'The event is not signed with the secret of this endpoint, or is too old.')
    }
    const { environment, event } = signed
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
 * Whose secret the event is signed with; undefined: nobody's, or it was signed too long ago. Throws PaymentsUnavailable where
 * neither environment has a provider.
 */
function verified({ payments, clock }: Parts, bytes: Uint8Array, signature: string) {
  const missing: PaymentsUnavailable[] = []
  for (const environment of ENVIRONMENTS) {
    try {
      return { environment, event: payments(environment).readEvent(bytes, signature, clock()) }
    } catch (error) {
      if (error instanceof PaymentsUnavailable) missing.push(error)
      else if (!(error instanceof ForgedPaymentEvent)) throw error
    }
  }
  if (missing.length === ENVIRONMENTS.length) throw missing[0]
  return undefined
}

const ENVIRONMENTS = ['live', 'test'] as const
