/** GET /v1/api_keys: the organization's keys, newest first; a key of the test world sees those of that world alone. */
import { type ApiKeyRow, listApiKeys as query } from '../../../projections/firsthand/api-key.ts'
import { json } from '../../answers.ts'
import { buyerKey, list } from '../access.ts'
import { newestFirst, pageBody, pageOf } from '../schemas.ts'
import { keyResponse, keyView } from './key-view.ts'

export const listApiKeys = list({
  path: '/v1/api_keys',
  id: 'listApiKeys',
  tags: ['API Keys'],
  summary: 'The organization’s API keys, newest first, without their secrets',
  description: 'Answers the keys that work or worked, a page at a time.',
  access: buyerKey('keys:manage'),
  answer: json(pageOf('ApiKeyListResponse', keyResponse), 'A page of keys.'),
  paging: newestFirst<ApiKeyRow, 'key_id'>('key_id'),
  async rows({ db, principal: { organizationId, environment }, clock, after: before, limit }) {
    const seen = environment === 'live' ? (['live', 'test'] as const) : (['test'] as const)
    return { rows: await query(db, organizationId, seen, { before, limit }), now: clock() }
  },
  page: (page, { now }) =>
    pageBody(
      page.rows.map((row) => keyView(row, now)),
      page,
    ),
})
