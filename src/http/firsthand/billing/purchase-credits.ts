/** POST /v1/billing/credits/purchase: opens a checkout, in which a pack of credits is paid. The credits come with the payment. */
import { z } from '@hono/zod-openapi'
import { openCheckout } from '../../../processes/firsthand/purchasing.ts'
import { json } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, write } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { orUnavailable } from './unavailable.ts'

const request = z
  .object({
    amount_cents: z.union([z.literal(1_000), z.literal(2_500), z.literal(5_000), z.literal(10_000), z.literal(25_000)]),
  })
  .openapi('PurchaseCreditsRequest')
const answer = z.object({ checkout_url: z.string(), session_id: z.string() }).openapi('PurchaseCreditsResponse')

export const DONE_PATH = '/firsthand/checkout/done'

export const purchaseCredits = write({
  path: '/v1/billing/credits/purchase',
  id: 'purchaseCredits',
  tags: ['Billing'],
  summary: 'Buy credits on a page of Stripe',
  description:
    'Answers the link of a page on which a pack is paid. Its credits come when it is paid, good for 12 months.',
  access: buyerKey('billing:write'),
  headers: idempotencyHeader,
  key: headerKey(),
  body: request,
  answers: { 200: json(answer, 'The checkout is open for a day.') },
  async handle({ bus, payments, publicUrl, principal: { organizationId, environment }, body, caller, command, log }) {
    const successUrl = new URL(DONE_PATH, publicUrl ?? caller.url).href
    const order = { organizationId, environment, amountCents: String(body.amount_cents), successUrl }
    const opened = await orUnavailable(() =>
      openCheckout({ bus, payments: payments(environment), log }, order, command),
    )
    const { sessionId: session_id, checkoutUrl: checkout_url, handled } = opened
    return { status: 200, body: { checkout_url, session_id }, handled }
  },
})
