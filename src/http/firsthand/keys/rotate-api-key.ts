/** POST /v1/api_keys/{key_id}/rotate: another key in the place of this one, which works on for a while. */
import { z } from '@hono/zod-openapi'
import { organization } from '../../../commands/firsthand/organization.ts'
import { environmentOfKey } from '../../../commands/firsthand/organization-keys.ts'
import { json, withHeaders } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, write } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { keyParams, newKeyResponse, newKeyView } from './key-view.ts'
import { madeKey, newKey } from './new-key.ts'

const answer = z.object({ new_key: newKeyResponse, old_key_expires_at: z.string() }).openapi('RotateApiKeyResponse')

export const rotateApiKey = write({
  path: '/v1/api_keys/{key_id}/rotate',
  id: 'rotateApiKey',
  tags: ['API Keys'],
  summary: 'Replace an API key, which works on for a day',
  description: 'Makes a key with the same name and scopes. The former one works for a day more.',
  access: buyerKey('keys:manage'),
  params: keyParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 200: withHeaders(json(answer, 'The new key, shown this once.'), 'cache-control') },
  refuses: ['api_key_not_found', 'api_key_ended', 'key_beyond_own', 'api_key_limit_reached', 'organization_not_found'],
  async handle({ principal, params: { key_id: keyId }, command, ...parts }) {
    const { bus, keysMax, keyOverlapMs } = parts
    const { at } = command
    // Another process may have made the key.
    const buyer = await bus.current(organization, principal.organizationId)
    const replacement = newKey(parts, environmentOfKey(buyer, keyId), command)
    const validUntil = new Date(Date.parse(at) + keyOverlapMs).toISOString()
    const rotation = { kind: 'rotateKey', keyId, replacement, validUntil, by: principal, keysMax, at } as const
    const handled = await bus.handle(organization, principal.organizationId, rotation, command)
    const { made, secret } = await madeKey(parts, handled.events, command)
    const rotated = handled.events.find((event) => event.type === 'firsthand.ApiKeyRotated.v1')
    const body = { new_key: newKeyView(made, secret), old_key_expires_at: rotated?.data.validUntil ?? validUntil }
    return { status: 200, headers: { 'cache-control': 'no-store' }, body, handled }
  },
})
