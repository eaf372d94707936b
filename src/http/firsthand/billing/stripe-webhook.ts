/**
 * POST /firsthand/stripe/webhook: what Stripe says of sessions and charges. The body counts byte for byte, since its signature
 * is over it: what is held of them is bounded, and so is how often an address may send what is not signed. No body is read
 * whose header cannot be a signature. What cannot be taken in now is answered with 503, and Stripe sends it again.
 */
import { type Context, Hono } from 'hono'
import { ForgedPaymentEvent, type Payments, PaymentsUnavailable } from '../../../adapters/payments/payments.ts'
import { takePaymentEvent } from '../../../processes/firsthand/purchasing.ts'
import { hasMoreBody, rawBody, readBody } from '../../body.ts'
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

/** Stripe's events are a few kB: what they are about has at most 50 members of metadata of 540 characters. */
const EVENT_MAX_BYTES = 65_536

/** Beside the contract: what the payment provider calls. */
export function paymentRoutes(parts: Parts, runtime: SharedRuntime): Hono<AppEnv> {
  const app = new Hono<AppEnv>()
  app.onError((error, c) => {
    const exchange = c.get('exchange')
    runtime.callers.forget(c.env?.incoming)
    if (c.env?.incoming && hasMoreBody(c.env.incoming)) exchange.headers.connection = 'close'
    return refuse(exchange, error, errors, runtime)
  })
  const { bounds, limits, nowMs, inTurn } = runtime
  const body = readBody(rawBody(), EVENT_MAX_BYTES)
  const forged = createWindow({ keysMax: CALLERS_MAX, nowMs })
  const refuseForged = (c: Context<AppEnv>): never => {
    const counted = forged.add(clientAddress(c, limits.trustProxy))
    const detail = 'Too many events from this address are not signed with the secret of this endpoint.'
    const refusal = refuseBeyond(limits.authFailuresPerMinuteMax, counted, detail)
    if (refusal) throw refusal
    throw new Problem('malformed_request', 'The event is not signed with the secret of this endpoint, or is too old.')
  }
  app.post('/firsthand/stripe/webhook', async (c) => {
    const signature = c.req.header('stripe-signature') ?? ''
    const may = await orUnavailable(async () =>
      ofOne(parts, (payments, now) => (payments.maySign(signature, now) ? true : undefined)),
    )
    // Nobody's signature is worth reading 64 KiB for once he has made up so many.
    const hasForged = forged.count(clientAddress(c, limits.trustProxy)) >= limits.authFailuresPerMinuteMax
    if (!may || hasForged) return refuseForged(c)
    c.get('exchange').releaseBody = bounds.holdBody(c, EVENT_MAX_BYTES)
    const bytes = ((await body(c)) ?? new Uint8Array()) as Uint8Array
    await inTurn(c)
    const signed = await orUnavailable(async () =>
      ofOne(parts, (payments, now, environment) => eventOf(payments, { bytes, signature, now, environment })),
    )
    if (!signed) return refuseForged(c)
    if (c.env?.incoming) runtime.callers.vouch(c.env.incoming, 'firsthand stripe')
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
 * What is found with the provider of one environment or the other; undefined: with neither. Throws PaymentsUnavailable where
 * neither environment has a provider.
 */
function ofOne<Found>({ payments, clock }: Parts, find: Find<Found>): Found | undefined {
  const missing: PaymentsUnavailable[] = []
  for (const environment of ENVIRONMENTS) {
    try {
      const found = find(payments(environment), clock(), environment)
      if (found !== undefined) return found
    } catch (error) {
      if (!(error instanceof PaymentsUnavailable)) throw error
      missing.push(error)
    }
  }
  if (missing.length === ENVIRONMENTS.length) throw missing[0]
  return undefined
}

const ENVIRONMENTS = ['live', 'test'] as const
type Environment = (typeof ENVIRONMENTS)[number]
type Find<Found> = (payments: Payments, now: Date, environment: Environment) => Found | undefined

/** The event, where it is signed with the secret of this environment. */
function eventOf(
  payments: Payments,
  { bytes, signature, now, environment }: { bytes: Uint8Array; signature: string; now: Date; environment: Environment },
) {
  try {
    return { environment, event: payments.readEvent(bytes, signature, now) }
  } catch (error) {
    if (error instanceof ForgedPaymentEvent) return undefined
    throw error
  }
}
