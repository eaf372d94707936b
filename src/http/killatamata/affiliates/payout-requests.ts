/** GET and POST affiliates/me/payout-requests: what can be paid now, and asking for it. */
import { z } from '@hono/zod-openapi'
import { affiliate, affiliateNotFound, payoutObstacles } from '../../../commands/killatamata/affiliate.ts'
import { numberOf } from '../../../commands/killatamata/money.ts'
import { listPayoutRequests } from '../../../projections/killatamata/affiliate.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { text, timeOut } from '../../schemas.ts'
import { accountKey, read, write } from '../access.ts'
import { listLimit } from '../list-limit.ts'
import { requestKey } from '../request-key.ts'

const DEFAULT = 20
const NOTE_LENGTH_MAX = 512
const obstacle = z.enum([
  ...['affiliate_pending', 'payout_request_open', 'payout_address_missing', 'payout_below_minimum'],
] as const)

const payoutRequest = z
  .object({
    ...{ payoutRequestId: z.string(), amountUsdMicros: z.int() },
    status: z.enum(['requested', 'paid', 'rejected']),
    note: z.string().nullable(),
    createdAt: timeOut,
  })
  .openapi('AffiliatePayoutRequest')
const eligibility = z
  .object({
    ...{ eligible: z.boolean(), reasons: z.array(obstacle), availableUsdMicros: z.int(), minimumUsdMicros: z.int() },
    ...{ hasPayoutAddress: z.boolean(), openRequestId: z.string().nullable() },
  })
  .openapi('AffiliatePayoutEligibility')
const listed = z
  .object({ ok: z.literal(true), eligibility, payoutRequests: z.array(payoutRequest) })
  .openapi('AffiliatePayoutRequestListResponse')

export const listAffiliatePayoutRequests = read({
  path: '/api/v1/affiliates/me/payout-requests',
  id: 'listAffiliatePayoutRequests',
  tags: ['affiliates'],
  summary: 'List affiliate payout requests and eligibility state',
  description: 'Newest first. `reasons` are the codes with which a request would be refused now.',
  access: accountKey,
  query: z.object({ limit: listLimit }),
  isList: true,
  answer: json(listed, 'The requests, and whether another one is taken now.'),
  refuses: ['affiliate_not_found'],
  async handle({ bus, db, referring, principal: { accountId }, query: { limit = DEFAULT } }) {
    const { payoutMinimumMicros } = referring.terms
    const [state, rows] = await Promise.all([
      bus.current(affiliate, accountId),
      listPayoutRequests(db, accountId, limit),
    ])
    if (state.status === 'absent') throw affiliateNotFound()
    const reasons = payoutObstacles(state, payoutMinimumMicros)
    return {
      ok: true as const,
      eligibility: {
        ...{ eligible: reasons.length === 0, reasons },
        availableUsdMicros: numberOf(BigInt(state.standing.availableMicros)),
        minimumUsdMicros: numberOf(payoutMinimumMicros),
        ...{ hasPayoutAddress: state.profile.payoutAddress !== null, openRequestId: state.openRequestId },
      },
      payoutRequests: rows.map((row) => ({
        ...{ payoutRequestId: row.payout_request_id, amountUsdMicros: numberOf(BigInt(row.usd_micros)) },
        ...{ status: row.status, note: row.note, createdAt: row.created_at },
      })),
    }
  },
})

const answer = z.object({ ok: z.literal(true), payoutRequest }).openapi('AffiliatePayoutRequestResponse')

export const requestAffiliatePayout = write({
  path: '/api/v1/affiliates/me/payout-requests',
  id: 'requestAffiliatePayout',
  tags: ['affiliates'],
  summary: 'Create affiliate payout request',
  description: 'Asks for everything that can be paid. One request is decided before the next one is taken.',
  access: accountKey,
  key: requestKey,
  body: optionalBody(
    z.strictObject({ note: text(NOTE_LENGTH_MAX, 1).optional() }).openapi('AffiliatePayoutRequestCreateRequest'),
  ),
  answers: { 201: json(answer, 'It was requested.') },
  refuses: [
    ...(['affiliate_not_found', 'affiliate_pending', 'payout_address_missing'] as const),
    ...(['payout_below_minimum', 'payout_request_open'] as const),
  ],
  async handle({ bus, referring, principal: { accountId }, body, command }) {
    const { at, commandId } = command
    const payoutRequestId = prefixedId('prq', at, commandId)
    const { payoutMinimumMicros: minimumMicros } = referring.terms
    const asked = { kind: 'requestPayout', accountId, payoutRequestId, minimumMicros, at } as const
    const handled = await bus.handle(affiliate, accountId, { ...asked, note: body?.note ?? null }, command)
    const [requested] = handled.events
    if (requested?.type !== 'killatamata.PayoutRequested.v1') {
      throw new Error('a payout was neither requested nor refused')
    }
    const { data } = requested
    const shown = {
      ...{ payoutRequestId: data.payoutRequestId, amountUsdMicros: numberOf(BigInt(data.usdMicros)) },
      ...{ status: 'requested' as const, note: data.note, createdAt: data.occurredAt },
    }
    return { status: 201, body: { ok: true as const, payoutRequest: shown }, handled }
  },
})
