/** POST affiliates/me/bind-code: the account says by whose link it came, once for ever. */
import { z } from '@hono/zod-openapi'
import { bindReferral, requireReferrer } from '../../../processes/killatamata/referring.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { text, timeOut } from '../../schemas.ts'
import { accountKey, change, type KillatamataParts } from '../access.ts'
import type { KillatamataCode } from '../errors.ts'
import { requestKey } from '../request-key.ts'
import { code } from './affiliate-view.ts'

const TOKEN_LENGTH = { min: 24, max: 4_096 }

const answer = z
  .object({ ok: z.literal(true), code: z.string(), bound: z.literal(true), boundAt: timeOut })
  .openapi('AffiliateBindCodeResponse')

/** When the link of this code was followed; null: no token says so. Throws where the token is not good for the code. */
async function capturedAt(
  { referring, clock }: Pick<KillatamataParts, 'referring' | 'clock'>,
  token: string | undefined,
  wanted: string,
): Promise<string | null> {
  if (token === undefined) return null
  const read = await referring.captureTokens.read(token, clock())
  if (read?.claims.code === wanted) return read.at.toISOString()
  throw new Problem<KillatamataCode>('capture_token_invalid', 'The token is not of this code, or has ended.', {
    errors: [{ pointer: '/captureToken', code: 'capture_token_invalid', detail: 'It does not belong to the code.' }],
  })
}

export const bindAffiliateCode = change({
  path: '/api/v1/affiliates/me/bind-code',
  id: 'bindAffiliateCode',
  tags: ['affiliates'],
  summary: 'Bind affiliate code to authenticated user',
  description: 'Once for ever. Deposits from then on bring the affiliate commission.',
  access: accountKey,
  key: requestKey,
  body: z
    .strictObject({ code, captureToken: text(TOKEN_LENGTH.max, TOKEN_LENGTH.min).optional() })
    .openapi('AffiliateBindCodeRequest'),
  answers: { 200: json(answer, 'The account is bound.') },
  refuses: [
    ...(['affiliate_code_not_found', 'affiliate_already_bound'] as const),
    ...(['affiliate_self_referral', 'capture_token_invalid'] as const),
  ],
  isIdempotent: true,
  async handle({ bus, referring, clock, principal: { accountId }, body, command }) {
    const referrer = await requireReferrer({ bus }, body.code, '/code')
    const captured = await capturedAt({ referring, clock }, body.captureToken, referrer.code)
    const binding = { accountId, code: referrer.code, capturedAt: captured }
    const { facts, position, replayed } = await bindReferral(referring, binding, command)
    const shown = { ok: true as const, code: facts.code, bound: true as const, boundAt: facts.occurredAt }
    return { status: 200, body: shown, handled: { position, replayed } }
  },
})
