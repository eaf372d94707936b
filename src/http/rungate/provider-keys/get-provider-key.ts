/** GET /api/provider-keys/{id}; a deleted one is found as well. */
import { providerKeyNotFound } from '../../../commands/rungate/provider-key.ts'
import { findProviderKey } from '../../../projections/rungate/provider-key.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { accountShown } from '../runs/up-to-date.ts'
import { dataOf, idParams } from '../schemas.ts'
import { keyResponse, usedKeyView } from './key-view.ts'

export const getProviderKey = read({
  path: '/api/provider-keys/{id}',
  id: 'getProviderKey',
  tags: ['ProviderKeys'],
  summary: 'A provider key',
  description: 'Answers with one key, masked.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(keyResponse), 'The key, masked.'),
  refuses: ['provider_key_not_found'],
  async handle({ db, principal: { accountId }, params: { id }, ...parts }) {
    await accountShown(parts, accountId)
    const found = await findProviderKey(db, accountId, id)
    if (!found) throw providerKeyNotFound()
    return { data: await usedKeyView({ db }, found) }
  },
})
