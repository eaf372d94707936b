/** POST /api/admin-tokens: a token, shown this once, that may do as much as the one that asks, at most. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { generateKey } from '../../../commands/rungate/keys.ts'
import { issueToken } from '../../../commands/rungate/tokens.ts'
import { scope } from '../../../events/rungate/vocabulary.ts'
import { json, withHeaders } from '../../answers.ts'
import { boundedText, listOf } from '../../schemas.ts'
import { dashboard, write } from '../access.ts'
import { isKnownHere, noStore } from '../keys.ts'
import { description, entityName } from '../schemas.ts'
import { tokenResponse, tokenRowOf, tokenView } from './token-view.ts'

const SCOPES_MAX = 10
const DURATION = /^(\d{1,4})([mhd])$/
const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }
const DURATION_MAX_MS = 3_650 * 86_400_000

/** `30d` in milliseconds. */
const duration = boundedText(10).transform((text, context) => {
  const [, count = '', unit = ''] = DURATION.exec(text) ?? []
  const ms = Number(count) * (UNIT_MS[unit] ?? 0)
  if (ms > 0 && ms <= DURATION_MAX_MS) return ms
  context.addIssue('must be a duration of at most 3,650 days, such as 30d, 12h or 90m')
  return z.NEVER
})

const request = z
  .object({
    name: entityName,
    scopes: listOf(scope, SCOPES_MAX)
      .refine((scopes) => scopes.length > 0, 'must name a scope')
      .transform((scopes) => [...new Set(scopes)])
      .openapi({ minItems: 1 }),
    description: description.optional(),
    expires_in: duration.optional(),
  })
  .openapi('CreateAdminTokenInput')

const answer = z.object({ data: tokenResponse, token: z.string() })

export const createAdminToken = write({
  path: '/api/admin-tokens',
  id: 'createAdminToken',
  tags: ['AdminTokens'],
  summary: 'Make an admin token',
  description:
    'Makes a token with your own scopes or fewer. Its text is shown in this answer alone. Revoking the token that asks revokes ' +
    'this one as well.',
  rate: 'newTokens',
  example: { description: 'CI', expires_in: '30d' },
  access: dashboard('admin'),
  body: request,
  answers: { 201: withHeaders(json(answer, 'The token, with its text shown this once.'), 'cache-control') },
  refuses: ['token_beyond_own', 'name_taken', 'admin_token_limit_reached', 'admin_token_not_found'],
  async handle({ bus, tokens, adminTokensMax: tokensMax, keyKnownWaitMs, principal, body, command }) {
    const { at, commandId } = command
    const { secret, facts: key } = generateKey('adm')
    const { name, scopes, description: about = null, expires_in: ms } = body
    const expiresAt = ms === undefined ? null : new Date(Date.parse(at) + ms).toISOString()
    const { accountId, author } = principal
    const facts = { tokenId: deterministicId('rungate.adminToken', commandId), accountId, author, occurredAt: at }
    const issued = { ...facts, ...key, name, scopes, description: about, expiresAt }
    const handled = await issueToken(bus, issued, { mayGrant: principal.scopes, tokensMax }, command)
    await isKnownHere(keyKnownWaitMs, () => tokens.find(key.textId) !== undefined)
    const shown = { data: tokenView(tokenRowOf(handled.state)), token: secret }
    return { status: 201, headers: noStore, body: shown, handled }
  },
})
