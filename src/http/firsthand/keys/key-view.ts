/** An API key as the contract shows it: with its secret once, and without it from then on. */
import { z } from '@hono/zod-openapi'
import { prefixOf } from '../../../commands/firsthand/api-key.ts'
import type { OrganizationEvent } from '../../../events/firsthand/organization.ts'
import { environment, scope } from '../../../events/firsthand/vocabulary.ts'
import type { ApiKeyRow } from '../../../projections/firsthand/api-key.ts'
import { id } from '../schemas.ts'

export const keyParams = z.object({ key_id: id })

const shared = {
  id: z.string(),
  object: z.literal('api_key'),
  name: z.string(),
  prefix: z.string(),
  scopes: z.array(scope),
  environment,
  status: z.enum(['active', 'rotating', 'revoked']),
  created_at: z.string(),
  expires_at: z.string().nullable(),
}
export const newKeyResponse = z.object({ ...shared, secret: z.string() }).openapi('ApiKeyCreatedResponse')
export const keyResponse = z
  .object({ ...shared, hint: z.string(), last_used_at: z.string().nullable() })
  .openapi('ApiKeyResponse')

type Created = Extract<OrganizationEvent, { type: 'firsthand.ApiKeyCreated.v1' }>['data']

/** As it is when it is made. */
export const newKeyView = (key: Created, secret: string): z.input<typeof newKeyResponse> => ({
  ...{ id: key.keyId, object: 'api_key', name: key.name, prefix: prefixOf(key.environment, key.textId), secret },
  ...{ scopes: key.scopes, environment: key.environment, status: 'active' },
  ...{ created_at: key.occurredAt, expires_at: key.expiresAt },
})

/** By the clock: a key past its end reads as revoked, and so does one whose successor has taken over. */
export function keyView(row: ApiKeyRow, now: Date): z.input<typeof keyResponse> {
  const hasPassed = (time: string | null) => time !== null && Date.parse(time) <= now.getTime()
  const isEnded = row.revoked_at !== null || hasPassed(row.expires_at) || hasPassed(row.valid_until)
  const { key_id, name, environment, text_id, hint, scopes, last_used_at, created_at, expires_at } = row
  return {
    ...{ id: key_id, object: 'api_key', name, prefix: prefixOf(environment, text_id), hint, scopes, environment },
    status: isEnded ? 'revoked' : row.valid_until === null ? 'active' : 'rotating',
    ...{ last_used_at, created_at, expires_at },
  }
}
