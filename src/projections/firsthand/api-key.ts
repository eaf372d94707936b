/** Buyers' API keys: what may be shown of them, and the hash that a presented key is compared with. */
import type { OrganizationEvent } from '../../events/firsthand/organization.ts'
import type { Environment, Scope } from '../../events/firsthand/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { byBeginning, text, time } from '../columns.ts'
import { newestFirst, type Page } from '../keyset.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { firsthandTables } from './tables.ts'

export const apiKeys = defineTable({
  name: 'firsthand_api_keys',
  key: ['key_id'],
  columns: {
    key_id: text,
    organization_id: text,
    /** The id in the key's own text. */
    text_id: text,
    /** SHA-256 of the key, hex. */
    key_hash: text,
    hint: text,
    name: text,
    scopes: text.of<Scope>().array,
    environment: text.of<Environment>(),
    expires_at: time.orNull,
    revoked_at: time.orNull,
    /** Set once another key has replaced it: it works until then. */
    valid_until: time.orNull,
    last_used_at: time.orNull,
    created_at: time,
  },
  indexes: [byBeginning('key_id'), '(organization_id, created_at DESC, key_id DESC)'],
})
export type ApiKeyRow = RowOf<typeof apiKeys>

export const apiKeyProjection = defineProjection<OrganizationEvent>({
  name: 'firsthand.apiKey',
  version: 2,
  onPoison: 'park',
  tables: [apiKeys],
  handlers: {
    'firsthand.ApiKeyCreated.v1': ({ data }) => [
      upsert(apiKeys, {
        ...snake(data),
        revoked_at: null,
        valid_until: null,
        last_used_at: null,
        created_at: data.occurredAt,
      }),
    ],
    'firsthand.ApiKeyRotated.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), snake(data, 'validUntil'))],
    'firsthand.ApiKeyRevoked.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), { revoked_at: data.occurredAt })],
    'firsthand.ApiKeyUseNoted.v1': ({ data }) => [patch(apiKeys, snake(data, 'keyId'), { last_used_at: data.usedAt })],
  },
})

/** Keys of these environments, revoked and replaced ones too, newest first. */
export function listApiKeys(
  db: ReadModels,
  organizationId: string,
  environments: readonly Environment[],
  page: Page<'created_at' | 'key_id'>,
): Promise<ApiKeyRow[]> {
  const query = firsthandTables(db)
    .selectFrom('firsthand_api_keys')
    .selectAll()
    .where('organization_id', '=', organizationId)
    .where('environment', 'in', environments)
  return newestFirst(query, ['created_at', 'key_id'], page).execute()
}
