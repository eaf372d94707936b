/** POST /v1/api_keys: a new key, shown this once. */
import { z } from '@hono/zod-openapi'
import { organization } from '../../../commands/firsthand/organization.ts'
import { environment, scope } from '../../../events/firsthand/vocabulary.ts'
import { json, withHeaders } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { boundedText, listOf, text, timeInput } from '../../schemas.ts'
import { buyerKey, write } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { newKeyResponse, newKeyView } from './key-view.ts'
import { madeKey, newKey } from './new-key.ts'

/** More than there are, for those who repeat themselves. */
const SCOPES_MAX = 100

/** Longer than a time that anybody means. */
const TIME_LENGTH_MAX = 100

/** The contract leaves its form open: RFC 3339. */
const expiresAt = boundedText(TIME_LENGTH_MAX).transform((given, context) => {
  const time = timeInput.safeParse(given)
  if (time.success) return time.data
  context.addIssue('must be a date and time such as 2026-03-02T09:00:00Z')
  return z.NEVER
})

const request = z
  .object({
    name: text(100, 1),
    scopes: listOf(scope, SCOPES_MAX)
      .refine((scopes) => scopes.length > 0, 'must name a scope')
      .transform((scopes) => [...new Set(scopes)])
      .openapi({ minItems: 1 }),
    environment,
    expires_at: expiresAt.optional(),
  })
  .openapi('CreateApiKeyRequest')

export const createApiKey = write({
  path: '/v1/api_keys',
  id: 'createApiKey',
  tags: ['API Keys'],
  summary: 'Make an API key',
  description:
    'Makes a key with a part of your own key’s scopes. Its secret is shown in this answer alone. Revoking your own key revokes it ' +
    'as well.',
  access: buyerKey('keys:manage'),
  headers: idempotencyHeader,
  key: headerKey(),
  body: request,
  answers: { 201: withHeaders(json(newKeyResponse, 'The key, shown this once.'), 'cache-control') },
  refuses: [
    'key_beyond_own',
    'api_key_limit_reached',
    'api_key_expiry_passed',
    'api_key_ended',
    'organization_not_found',
  ],
  async handle({ principal, body, command, ...parts }) {
    const { name, scopes, environment: of, expires_at = null } = body
    const key = { ...newKey(parts, of, command), name, scopes, environment: of, expiresAt: expires_at }
    const creating = { kind: 'createKey', key, by: principal, keysMax: parts.keysMax, at: command.at } as const
    const handled = await parts.bus.handle(organization, principal.organizationId, creating, command)
    const { made, secret } = await madeKey(parts, handled.events, command)
    return { status: 201, headers: { 'cache-control': 'no-store' }, body: newKeyView(made, secret), handled }
  },
})
