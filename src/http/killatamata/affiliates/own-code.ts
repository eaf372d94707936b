/** GET affiliates/me/code: the code of the affiliate, made where there is none yet. */
import { z } from '@hono/zod-openapi'
import { affiliate, affiliateNotFound } from '../../../commands/killatamata/affiliate.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import { ownCode } from '../../../processes/killatamata/referring.ts'
import { json } from '../../answers.ts'
import { accountKey, operation } from '../access.ts'

const answer = z
  .object({ ok: z.literal(true), code: z.string(), shareUrl: z.string() })
  .openapi('AffiliateCodeResponse')

export const getAffiliateCode = operation({
  method: 'get',
  path: '/api/v1/affiliates/me/code',
  id: 'getAffiliateCode',
  tags: ['affiliates'],
  summary: 'Get or create the authenticated affiliate referral code',
  description: 'The first request makes the code; every one answers with the same.',
  access: accountKey,
  answers: { 200: json(answer, 'The code, and the link that counts clicks.') },
  refuses: ['affiliate_not_found', 'affiliate_pending'],
  isIdempotent: true,
  async handle({ bus, apiUrl, principal: { accountId }, command }) {
    const state = await bus.current(affiliate, accountId)
    if (state.status === 'absent') throw affiliateNotFound()
    if (state.status === 'pending') throw new Rejected('affiliate_pending', 'The affiliate is not approved yet.')
    const { code, position } = await ownCode({ bus }, accountId, command)
    const shareUrl = `${apiUrl()}/killatamata/api/v1/affiliates/r?code=${code}`
    return { status: 200, body: { ok: true as const, code, shareUrl }, handled: { position, replayed: false } }
  },
})
