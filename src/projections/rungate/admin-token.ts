/** Admin tokens: what may be shown of them, and the hash that a presented one is compared with. */
import type { AdminTokenEvent } from '../../events/rungate/admin-token.ts'
import type { Scope } from '../../events/rungate/vocabulary.ts'
import { snake } from '../../runtime/letter-case.ts'
import { text, time, uuid } from '../columns.ts'
import { defineProjection, defineTable, patch, type RowOf, upsert } from '../projection.ts'
import { preparedOne, type Query, rungateTables } from './tables.ts'

export const adminTokens = defineTable({
  name: 'rungate_admin_tokens',
  key: ['token_id'],
  columns: {
    token_id: uuid,
    account_id: uuid,
    /** The id in the token's own text. */
    text_id: text,
    /** SHA-256 of the token, hex. */
    key_hash: text,
    key_prefix: text,
    name: text,
    description: text.orNull,
    scopes: text.of<Scope>().array,
    expires_at: time.orNull,
    status: text.of<'active' | 'revoked'>(),
    last_used_at: time.orNull,
    created_at: time,
    updated_at: time,
  },
  indexes: ['(account_id, created_at DESC, token_id DESC)'],
})
export type AdminTokenRow = RowOf<typeof adminTokens>

export const adminTokenProjection = defineProjection<AdminTokenEvent>({
  name: 'rungate.adminToken',
  version: 1,
  onPoison: 'park',
  tables: [adminTokens],
  handlers: {
    'rungate.AdminTokenIssued.v1': ({ data }) => {
      const { occurred_at: created_at, author: _, ...facts } = snake(data)
      const times = { last_used_at: null, created_at, updated_at: created_at }
      return [upsert(adminTokens, { ...facts, status: 'active', ...times })]
    },
    'rungate.AdminTokenRevoked.v1': ({ data }) => [
      patch(adminTokens, snake(data, 'tokenId'), { status: 'revoked', updated_at: data.occurredAt }),
    ],
    'rungate.AdminTokenUseNoted.v1': ({ data }) => [
      patch(adminTokens, snake(data, 'tokenId'), { last_used_at: data.usedAt }),
    ],
  },
})

export const findAdminToken = preparedOne((db, accountId: string, tokenId: string) =>
  db.selectFrom('rungate_admin_tokens').selectAll().where('account_id', '=', accountId).where('token_id', '=', tokenId),
)

export const adminTokensOf: Query<
  'rungate_admin_tokens',
  { accountId: string; status?: AdminTokenRow['status'] | undefined }
> = (db, { accountId, status }) => {
  const query = rungateTables(db).selectFrom('rungate_admin_tokens').selectAll().where('account_id', '=', accountId)
  return (status ? query.where('status', '=', status) : query).orderBy('created_at', 'desc').orderBy('token_id', 'desc')
}
