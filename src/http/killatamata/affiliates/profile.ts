/** GET and PATCH affiliates/me: what an affiliate says of itself. */
import { z } from '@hono/zod-openapi'
import { affiliate, affiliateNotFound } from '../../../commands/killatamata/affiliate.ts'
import { json } from '../../answers.ts'
import { accountKey, change, read } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { affiliateAnswer, affiliateView, profileMembers } from './affiliate-view.ts'

export const getAffiliate = read({
  path: '/api/v1/affiliates/me',
  id: 'getAffiliate',
  tags: ['affiliates'],
  summary: 'Get affiliate profile',
  description: 'What the affiliate says of itself, and whether it is approved.',
  access: accountKey,
  answer: json(affiliateAnswer, 'The affiliate.'),
  refuses: ['affiliate_not_found'],
  async handle({ bus, principal: { accountId } }) {
    const state = await bus.current(affiliate, accountId)
    if (state.status === 'absent') throw affiliateNotFound()
    return affiliateView(state)
  },
})

const { displayName, contactEmail, countryCode, payoutAddress } = profileMembers
const changes = z
  .strictObject({
    displayName: displayName.optional(),
    contactEmail: contactEmail.optional(),
    countryCode: countryCode.optional(),
    payoutAddress: payoutAddress.optional(),
  })
  .openapi('AffiliateUpdateRequest')

export const updateAffiliate = change({
  method: 'patch',
  path: '/api/v1/affiliates/me',
  id: 'updateAffiliate',
  tags: ['affiliates'],
  summary: 'Update affiliate profile',
  description: 'What is not sent stays as it is.',
  access: accountKey,
  key: requestKey,
  body: changes,
  answers: { 200: json(affiliateAnswer, 'The affiliate.') },
  refuses: ['affiliate_not_found'],
  isIdempotent: true,
  async handle({ bus, principal: { accountId }, body, command }) {
    const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined))
    const update = { kind: 'update', accountId, changes: given, at: command.at } as const
    const handled = await bus.handle(affiliate, accountId, update, command)
    if (handled.state.status === 'absent') throw affiliateNotFound()
    return { status: 200, body: affiliateView(handled.state), handled }
  },
})
