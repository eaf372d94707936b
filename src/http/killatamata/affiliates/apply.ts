/** POST affiliates/me/apply: an account becomes an affiliate. */
import { z } from '@hono/zod-openapi'
import { affiliate } from '../../../commands/killatamata/affiliate.ts'
import { json } from '../../answers.ts'
import { text } from '../../schemas.ts'
import { accountKey, change } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { affiliateAnswer, affiliateView, profileMembers } from './affiliate-view.ts'

const TERMS_LENGTH_MAX = 64
const { displayName, contactEmail, countryCode, payoutAddress } = profileMembers
const request = z
  .strictObject({
    displayName,
    contactEmail,
    countryCode: countryCode.optional(),
    payoutAddress: payoutAddress.optional(),
    termsVersion: text(TERMS_LENGTH_MAX, 1).optional(),
  })
  .openapi('AffiliateApplyRequest')

export const applyAsAffiliate = change({
  path: '/api/v1/affiliates/me/apply',
  id: 'applyAsAffiliate',
  tags: ['affiliates'],
  summary: 'Apply for affiliate account',
  description:
    'The same application again changes nothing. Where applications are reviewed, the affiliate is pending at first.',
  access: accountKey,
  key: requestKey,
  body: request,
  answers: {
    200: json(affiliateAnswer, 'The account has applied before, with these facts.'),
    201: json(affiliateAnswer, 'The account is an affiliate.'),
  },
  refuses: ['affiliate_exists'],
  async handle({ bus, referring, principal: { accountId }, body, command }) {
    const application = {
      ...{ displayName: body.displayName, contactEmail: body.contactEmail },
      ...{ countryCode: body.countryCode ?? null, payoutAddress: body.payoutAddress ?? null },
      termsVersion: body.termsVersion ?? null,
    }
    const { isReviewed } = referring.terms
    const apply = { kind: 'apply', accountId, application, isReviewed, at: command.at } as const
    const handled = await bus.handle(affiliate, accountId, apply, command)
    if (handled.state.status === 'absent') throw new Error('an application was neither recorded nor refused')
    const shown = affiliateView(handled.state)
    return { status: handled.events.length > 0 ? 201 : 200, body: shown, handled }
  },
})
