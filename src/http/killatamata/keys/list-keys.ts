/** GET keys: the keys of the account, those that have ended too. */
import { z } from '@hono/zod-openapi'
import { listApiKeys } from '../../../projections/killatamata/account.ts'
import { json } from '../../answers.ts'
import { nullableTimeOut, timeOut } from '../../schemas.ts'
import { accountKey, read } from '../access.ts'

const key = z
  .object({
    ...{ keyId: z.string(), keyPrefix: z.string(), label: z.string().nullable() },
    status: z.enum(['active', 'revoked', 'expired']),
    ...{ createdAt: timeOut, lastUsedAt: nullableTimeOut, expiresAt: nullableTimeOut, revokedAt: nullableTimeOut },
    current: z.boolean(),
  })
  .openapi('ApiKey')
const answer = z.object({ ok: z.literal(true), keys: z.array(key) }).openapi('ApiKeyListResponse')

/** More are not listed: the oldest that have ended are left out. */
const LISTED_MAX = 500

export const listKeys = read({
  path: '/api/v1/keys',
  id: 'listKeys',
  tags: ['keys'],
  summary: 'List API keys',
  description: 'Newest first. `lastUsedAt` is true to the day.',
  access: accountKey,
  answer: json(answer, 'The keys, never their text.'),
  async handle({ db, principal: { accountId, keyId: own } }) {
    const rows = await listApiKeys(db, accountId, LISTED_MAX)
    const keys = rows.map((row) => ({
      ...{ keyId: row.key_id, keyPrefix: row.key_prefix, label: row.label, status: row.status },
      ...{ createdAt: row.created_at, lastUsedAt: row.last_used_at, expiresAt: null, revokedAt: row.revoked_at },
      current: row.key_id === own,
    }))
    return { ok: true as const, keys }
  },
})
