/**
 * POST credits/purchase/x402, and its alias deposit/x402: credit that a program pays by signing what a 402 asks for. A 402 says that
 * nothing was taken and nothing will be; as long as that is not certain, the answer is 503, and the same payment is sent again.
 */
import { z } from '@hono/zod-openapi'
import { requirementsOf, type X402Network } from '../../../adapters/x402/chain.ts'
import {
  type BroughtPayment,
  PaymentMalformed,
  readPayment,
  requiredHeader,
  responseHeader,
} from '../../../adapters/x402/headers.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { BALANCE_MAX_MICROS, microsOfCents, numberOf } from '../../../commands/killatamata/money.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import { bindAtCheckout } from '../../../processes/killatamata/referring.ts'
import type { X402Outcome } from '../../../processes/killatamata/x402.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import type { Caller } from '../../operation.ts'
import { accountKey, type Customer, change, type KillatamataParts } from '../access.ts'
import { code } from '../affiliates/affiliate-view.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'

const CENTS_MIN = 100
/** Of which the micro-dollars are still a whole number of JSON. */
const CENTS_MAX = 900_719_925_474

const request = z
  .strictObject({ usdCents: z.int().min(CENTS_MIN).max(CENTS_MAX), affiliateCode: code.optional() })
  .openapi('X402CreditPurchaseRequest')
const answer = z
  .object({
    ...{ ok: z.literal(true), provider: z.literal('x402'), purchaseId: z.string(), usdCents: z.int() },
    ...{ depositUsdMicros: z.int(), currentBalanceUsdMicros: z.int(), transaction: z.string(), network: z.string() },
    ...{ payer: z.string(), replayed: z.boolean() },
  })
  .openapi('X402CreditPurchaseResponse')

const REQUIRED = 'payment-required'
const RESPONSE = 'payment-response'
const says = {
  [RESPONSE]: 'What became of the payment, as base64 of JSON by x402.',
  'Cache-Control': '`no-store`: the answer is for this payment alone.',
} as const
const saysRequired = { [REQUIRED]: 'What has to be signed, as base64 of JSON by x402.', ...says } as const
const noStore = { 'Cache-Control': 'no-store' } as const

type Parts = Pick<KillatamataParts, 'x402' | 'ledgers' | 'referring' | 'apiUrl'>

interface Asked {
  usdCents: number
  affiliateCode?: string | undefined
}

interface Offer {
  networks: readonly X402Network[]
  /** In the token's units, of which a dollar has a million. */
  amount: string
  /** Of what is bought. */
  url: string
}

const required = ({ networks, amount, url }: Offer, error: string): string =>
  requiredHeader({
    error,
    resource: { url, description: 'Prepaid dollar credit', mimeType: 'application/json' },
    accepts: networks.map((network) => requirementsOf(network, amount)),
  })

function rejected(offer: Offer, { accepted, authorization }: BroughtPayment, reason: string): Problem<KillatamataCode> {
  const response = { success: false, errorReason: reason, transaction: '', payer: authorization.from }
  return new Problem<KillatamataCode>('payment_rejected', `The payment is not good: ${reason}.`, {
    headers: {
      ...{
        [REQUIRED]: required(offer, reason),
        [RESPONSE]: responseHeader({ ...response, network: accepted.network }),
      },
      ...noStore,
    },
  })
}

const isSame = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase()

/** What the payment differs in from what was asked for; undefined: nothing. */
function differenceOf({ networks, amount }: Offer, { accepted, authorization }: BroughtPayment): string | undefined {
  const network = networks.find((each) => each.network === accepted.network)
  if (!network) return 'invalid_network'
  if (accepted.scheme !== 'exact') return 'invalid_scheme'
  const isOurs = isSame(accepted.asset, network.asset) && isSame(accepted.payTo, network.payTo)
  if (!isOurs || accepted.amount !== amount) return 'invalid_payment_requirements'
  if (!isSame(authorization.to, network.payTo)) return 'invalid_exact_evm_payload_recipient_mismatch'
  return BigInt(authorization.value) === BigInt(amount)
    ? undefined
    : 'invalid_exact_evm_payload_authorization_value_mismatch'
}

function read(header: string): BroughtPayment {
  try {
    return readPayment(header)
  } catch (error) {
    if (!(error instanceof PaymentMalformed)) throw error
    throw new Problem<KillatamataCode>('payment_malformed', 'The header PAYMENT-SIGNATURE cannot be read.')
  }
}

async function purchase(
  { x402, ledgers, referring, apiUrl }: Parts,
  { accountId }: Customer,
  { usdCents, affiliateCode }: Asked,
  caller: Pick<Caller, 'header'>,
  command: CommandContext,
) {
  if (!x402) throw new Problem('dependency_unavailable', 'No chain is given on which payments are made.')
  await bindAtCheckout(referring, accountId, affiliateCode, command)
  const micros = microsOfCents(BigInt(usdCents))
  const { availableMicros, heldMicros } = await ledgers.balance(accountId)
  if (availableMicros + heldMicros + micros > BALANCE_MAX_MICROS) {
    throw new Rejected('balance_limit_exceeded', 'The balance would be larger than an account may have.')
  }
  const url = `${apiUrl()}/killatamata/api/v1/credits/purchase/x402`
  const offer = { networks: x402.networks, amount: micros.toString(), url }
  const header = caller.header('payment-signature')
  if (header === undefined) {
    const detail = 'Sign what PAYMENT-REQUIRED asks for, and send it as PAYMENT-SIGNATURE.'
    const headers = { [REQUIRED]: required(offer, 'payment_required'), ...noStore }
    throw new Problem<KillatamataCode>('payment_required', detail, { headers })
  }
  const brought = read(header)
  const difference = differenceOf(offer, brought)
  if (difference !== undefined) throw rejected(offer, brought, difference)
  const order = { accountId, authorization: brought.authorization, usdCents: BigInt(usdCents) }
  const outcome = await x402.payments.pay(order, command)
  if (outcome.as === 'rejected') throw rejected(offer, brought, outcome.reason)
  if (outcome.as === 'pending') {
    const detail =
      'The chain has not settled the payment yet. Send the same request again; sign no other payment for it.'
    throw new Problem<KillatamataCode>('settlement_pending', detail)
  }
  return credited(outcome, outcome.availableMicros ?? (await ledgers.balance(accountId)).availableMicros)
}

function credited({ state, isReplay, position }: Extract<X402Outcome, { as: 'credited' }>, availableMicros: bigint) {
  const { claim, transaction } = state
  const { network, from: payer } = claim.authorization
  if (transaction === null) throw new Error('a payment is credited, and nobody knows its transaction')
  const usdCents = BigInt(claim.usdCents)
  const headers = { [RESPONSE]: responseHeader({ success: true, transaction, network, payer }), ...noStore }
  const body = {
    ...{ ok: true as const, provider: 'x402' as const, purchaseId: claim.purchaseId, usdCents: Number(usdCents) },
    ...{ depositUsdMicros: numberOf(microsOfCents(usdCents)), currentBalanceUsdMicros: numberOf(availableMicros) },
    ...{ transaction, network, payer, replayed: isReplay },
  }
  const handled = { position, replayed: isReplay }
  return isReplay ? { status: 200 as const, headers, body, handled } : { status: 201 as const, headers, body, handled }
}

const refuses = [
  ...(['payment_required', 'payment_malformed', 'payment_rejected', 'settlement_pending'] as const),
  ...(['payment_already_used', 'affiliate_code_not_found', 'affiliate_self_referral'] as const),
  ...(['balance_limit_exceeded'] as const),
]

const replayed = json(answer, 'Credit purchase replay recognized (already applied).')
const settled = json(answer, 'Credit purchase settled and applied.')
const unpaid = { kind: 'empty' as const, description: 'A payment is required, or the one that came is not good.' }
/** Another payment is another request: it is not taken for the one that its key stands for. */
const fingerprint = (_: undefined, { body, caller }: { body: Asked; caller: Caller }) => ({
  ...body,
  payment: caller.header('payment-signature') ?? null,
})
const shared = { tags: ['credits'], access: accountKey, key: requestKey, fingerprint, body: request, refuses }

export const purchaseByX402 = change({
  ...shared,
  path: '/api/v1/credits/purchase/x402',
  id: 'purchaseByX402',
  summary: 'Purchase prepaid $ credits using x402 (API key required)',
  description:
    'Without `PAYMENT-SIGNATURE` it answers 402 with what has to be signed. With it the payment is settled on its chain, and ' +
    'credited once. The same payment sent again is answered with 200.',
  answers: { 200: { ...replayed, says }, 201: { ...settled, says }, 402: { ...unpaid, says: saysRequired } },
  handle: ({ principal, body, caller, command, ...parts }) => purchase(parts, principal, body, caller, command),
})

const SUCCESSOR = '</killatamata/api/v1/credits/purchase/x402>; rel="successor-version"'
const saysOld = {
  Deprecation: '`true`: another route has taken the place of this one.',
  Link: 'With `rel="successor-version"`: that route.',
} as const
const old = { Deprecation: 'true', Link: SUCCESSOR } as const

export const depositByX402 = change({
  ...shared,
  path: '/api/v1/deposit/x402',
  id: 'depositByX402',
  summary: 'Legacy alias for x402 prepaid $ credit purchase',
  description: 'Deprecated: it does the same as `POST credits/purchase/x402`, which its header `Link` names.',
  answers: {
    200: { ...replayed, says: { ...says, ...saysOld } },
    201: { ...settled, says: { ...says, ...saysOld } },
    402: { ...unpaid, says: { ...saysRequired, ...saysOld } },
  },
  async handle({ principal, body, caller, command, ...parts }) {
    try {
      const done = await purchase(parts, principal, body, caller, command)
      return { ...done, headers: { ...done.headers, ...old } }
    } catch (error) {
      if (!(error instanceof Problem) || error.code === 'internal_error') throw error
      const { code, message, errors, details, headers, cause } = error
      const extra = { errors, headers: { ...headers, deprecation: 'true', link: SUCCESSOR }, cause }
      throw new Problem<KillatamataCode>(code as KillatamataCode, message, details ? { ...extra, details } : extra)
    }
  },
})
