/** GET /api/admin-tokens/{id}. */
import { adminTokenNotFound } from '../../../commands/rungate/admin-token.ts'
import { findAdminToken } from '../../../projections/rungate/admin-token.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { tokenResponse, tokenView } from './token-view.ts'

export const getAdminToken = read({
  path: '/api/admin-tokens/{id}',
  id: 'getAdminToken',
  tags: ['AdminTokens'],
  summary: 'An admin token',
  description: 'Answers with one token, without its text.',
  access: dashboard('admin'),
  params: idParams,
  answer: json(dataOf(tokenResponse), 'The token.'),
  refuses: ['admin_token_not_found'],
  async handle({ db, principal: { accountId }, params: { id } }) {
    const found = await findAdminToken(db, accountId, id)
    if (!found) throw adminTokenNotFound()
    return { data: tokenView(found) }
  },
})
