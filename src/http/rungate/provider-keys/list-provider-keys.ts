/** GET /api/provider-keys: the account's keys, newest first. */
import { z } from '@hono/zod-openapi'
import { lastUsesOf } from '../../../projections/rungate/key-use.ts'
import { providerKeysOf } from '../../../projections/rungate/provider-key.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { boundedText } from '../../schemas.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { listOfData } from '../schemas.ts'
import { keyResponse, keyView } from './key-view.ts'

export const listProviderKeys = read({
  path: '/api/provider-keys',
  id: 'listProviderKeys',
  tags: ['ProviderKeys'],
  summary: 'The account’s provider keys',
  description: 'Answers with the keys, newest first, masked. Deleted ones come only where they are asked for.',
  access: dashboard('read'),
  query: z.object({
    provider: boundedText(100).optional(),
    status: z.enum(['active', 'disabled', 'deleted']).optional(),
  }),
  isList: true,
  answer: json(listOfData(keyResponse), 'The keys, masked.'),
  async handle({ db, principal: { accountId }, query, ...parts }) {
    await accountShown(parts, accountId)
    const { rows, total } = await listed(db, providerKeysOf, { accountId, ...query })
    const lastUses = await lastUsesOf(
      db,
      rows.map(({ key_id }) => key_id),
    )
    return { data: rows.map((row) => keyView(row, lastUses.get(row.key_id))), total }
  },
})
