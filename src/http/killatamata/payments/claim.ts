/** POST claim/stripe and claim/crypto: credits a payment without waiting for the provider's event. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { checkout } from '../../../commands/killatamata/checkout.ts'
import { settlementIdOf } from '../../../commands/killatamata/ids.ts'
import { numberOf } from '../../../commands/killatamata/money.ts'
import { isOurs, type SettlementState, settlement } from '../../../commands/killatamata/settlement.ts'
import type { CheckoutProvider } from '../../../events/killatamata/vocabulary.ts'
import { settle } from '../../../processes/killatamata/purchasing.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { accountKey, change, type KillatamataParts } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'
import { orUnavailable } from './unavailable.ts'

const ID_LENGTH_MAX = 255
const providerId = z
  .string()
  .min(1)
  .refine((given) => given.length <= ID_LENGTH_MAX, `must have at most ${ID_LENGTH_MAX} characters`)

const answer = z
  .strictObject({
    provider: z.enum(['stripe', 'coinbase']),
    sessionId: z.string().nullable().optional(),
    chargeId: z.string().nullable().optional(),
    ...{ packageCode: z.string(), depositUsdCents: z.int(), currentBalanceUsdMicros: z.int() },
  })
  .openapi('ClaimSettlementResponse')

const refusal = (code: KillatamataCode, detail: string) => new Problem<KillatamataCode>(code, detail)
const notFound = () => refusal('checkout_not_found', 'The account has no such checkout.')

type Parts = Pick<KillatamataParts, 'bus' | 'purchasing'>

/** The settlement, as the provider says now where it is not credited yet. Throws where it is not this account's. */
async function settled(
  { bus, purchasing }: Parts,
  { accountId, provider, id }: { accountId: string; provider: CheckoutProvider; id: string },
  command: CommandContext,
): Promise<SettlementState> {
  const known = await bus.current(settlement, settlementIdOf(provider, id))
  if (isOurs(known) && known.notice.accountId !== accountId) throw notFound()
  if (known.status === 'confirmed' && known.credit.isCredited) return known
  const payment = await orUnavailable(() => purchasing.shopOf(provider).find(id))
  if (!payment) throw notFound()
  if (!isOurs(known)) {
    // Its checkout's own answer was not recorded yet; whose it is says our record of what was asked for.
    const opened = payment.checkoutId === null ? undefined : await bus.current(checkout, payment.checkoutId)
    if (!opened || opened.status === 'absent' || opened.facts.accountId !== accountId) throw notFound()
  }
  return orUnavailable(() => settle(purchasing, provider, payment, command))
}

async function claim(
  parts: Parts & Pick<KillatamataParts, 'ledgers'>,
  of: { accountId: string; provider: CheckoutProvider; id: string },
  command: CommandContext,
) {
  const state = await settled(parts, of, command)
  if (!isOurs(state)) throw notFound()
  if (state.status === 'mismatched') {
    throw refusal('settlement_amount_mismatch', 'What was paid is not what was sold; somebody looks at it.')
  }
  if (state.status === 'lapsed') throw refusal('checkout_expired', 'The checkout ended without a payment.')
  if (state.status !== 'confirmed') throw refusal('checkout_unpaid', 'The checkout is not paid.')
  const { availableMicros } = await parts.ledgers.balance(of.accountId)
  return {
    ...{ provider: of.provider, packageCode: state.notice.packageCode },
    ...{ depositUsdCents: Number(state.credit.usdCents), currentBalanceUsdMicros: numberOf(availableMicros) },
  }
}

const refuses = ['checkout_not_found', 'checkout_unpaid', 'checkout_expired', 'settlement_amount_mismatch'] as const
const handled = { position: undefined, replayed: false }

export const claimStripe = change({
  path: '/api/v1/claim/stripe',
  id: 'claimStripe',
  tags: ['claim'],
  summary: 'Finalize Stripe checkout settlement (API key required)',
  description: 'Asks Stripe, and credits a payment that was not credited yet. Claiming again changes nothing.',
  access: accountKey,
  key: requestKey,
  body: z.strictObject({ sessionId: providerId }).openapi('ClaimStripeRequest'),
  answers: { 200: json(answer, 'Stripe settlement finalized for the authenticated account.') },
  refuses,
  async handle({ principal: { accountId }, body: { sessionId }, command, ...parts }) {
    const claimed = await claim(parts, { accountId, provider: 'stripe', id: sessionId }, command)
    return { status: 200, body: { ...claimed, sessionId, chargeId: null }, handled }
  },
})

export const claimCrypto = change({
  path: '/api/v1/claim/crypto',
  id: 'claimCrypto',
  tags: ['claim'],
  summary: 'Finalize Coinbase checkout settlement (API key required)',
  description: 'Asks Coinbase, and credits a payment that was not credited yet. Claiming again changes nothing.',
  access: accountKey,
  key: requestKey,
  body: z.strictObject({ chargeId: providerId }).openapi('ClaimCryptoRequest'),
  answers: { 200: json(answer, 'Coinbase settlement finalized for the authenticated account.') },
  refuses,
  async handle({ principal: { accountId }, body: { chargeId }, command, ...parts }) {
    const claimed = await claim(parts, { accountId, provider: 'coinbase', id: chargeId }, command)
    return { status: 200, body: { ...claimed, sessionId: null, chargeId }, handled }
  },
})
