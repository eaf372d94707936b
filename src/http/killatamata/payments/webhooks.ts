/**
 * POST webhooks/stripe and webhooks/crypto: what the providers say of payments. The body counts byte for byte, since its signature is
 * over it. An event is not marked as seen: what makes its effect once is the settlement's stream. What cannot be taken in now is
 * answered with 503, and the provider sends it again.
 */
import { z } from '@hono/zod-openapi'
import { ForgedPaymentEvent } from '../../../adapters/payments/payments.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import type { CheckoutProvider } from '../../../events/killatamata/vocabulary.ts'
import { takeShopEvent } from '../../../processes/killatamata/purchasing.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { rawBody } from '../../body.ts'
import { Problem } from '../../errors.ts'
import { type KillatamataParts, write } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { orUnavailable } from './unavailable.ts'

/** Providers' events are a few kB. */
const EVENT_MAX_BYTES = 262_144

const received = json(z.object({ received: z.literal(true) }).openapi('WebhookReceivedResponse'), 'It was taken in.')

interface Posted {
  provider: CheckoutProvider
  body: Uint8Array
  signature: string
  vouch: (name: string) => void
}

async function take(
  { purchasing, clock }: Pick<KillatamataParts, 'purchasing' | 'clock'>,
  { provider, body, signature, vouch }: Posted,
  command: CommandContext,
): Promise<void> {
  await orUnavailable(async () => {
    const shop = purchasing.shopOf(provider)
    try {
      const event = shop.readEvent(body, signature, clock())
      vouch(`killatamata ${provider}`)
      return await takeShopEvent(purchasing, provider, event, command)
    } catch (error) {
      if (!(error instanceof ForgedPaymentEvent)) throw error
      throw new Problem<KillatamataCode>('signature_invalid', 'The event is not signed with our secret, or is too old.')
    }
  })
}

const answered = {
  status: 200,
  body: { received: true },
  handled: { position: undefined, replayed: false },
} as const

export const stripeWebhook = write({
  path: '/api/v1/webhooks/stripe',
  id: 'stripeWebhook',
  tags: ['webhooks'],
  summary: 'Stripe webhook',
  description: 'Takes signed events of Stripe: payments, refunds and disputes. Others are ignored.',
  access: publicAccess,
  body: rawBody(),
  bodyMaxBytes: EVENT_MAX_BYTES,
  answers: { 200: received },
  refuses: ['signature_invalid'],
  async handle({ body, caller, command, ...parts }) {
    const { header, vouch } = caller
    await take(parts, { provider: 'stripe', body, signature: header('stripe-signature') ?? '', vouch }, command)
    return answered
  },
})

export const cryptoWebhook = write({
  path: '/api/v1/webhooks/crypto',
  id: 'cryptoWebhook',
  tags: ['webhooks'],
  summary: 'Coinbase webhook',
  description: 'Takes signed events of Coinbase Commerce about charges.',
  access: publicAccess,
  body: rawBody(),
  bodyMaxBytes: EVENT_MAX_BYTES,
  answers: { 200: received },
  refuses: ['signature_invalid'],
  async handle({ body, caller, command, ...parts }) {
    const { header, vouch } = caller
    await take(parts, { provider: 'coinbase', body, signature: header('x-cc-webhook-signature') ?? '', vouch }, command)
    return answered
  },
})
