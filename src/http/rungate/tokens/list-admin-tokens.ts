/** GET /api/admin-tokens: the account's tokens, newest first. */
import { z } from '@hono/zod-openapi'
import { adminTokensOf } from '../../../projections/rungate/admin-token.ts'
import { listed } from '../../../projections/rungate/tables.ts'
import { json } from '../../answers.ts'
import { dashboard, read } from '../access.ts'
import { listOfData } from '../schemas.ts'
import { tokenResponse, tokenView } from './token-view.ts'

export const listAdminTokens = read({
  path: '/api/admin-tokens',
  id: 'listAdminTokens',
  tags: ['AdminTokens'],
  summary: 'The account’s admin tokens',
  description: 'Answers with the tokens, newest first, without their texts.',
  access: dashboard('admin'),
  query: z.object({ status: z.enum(['active', 'revoked']).optional() }),
  isList: true,
  answer: json(listOfData(tokenResponse), 'The tokens.'),
  async handle({ db, principal: { accountId }, query: { status } }) {
    const { rows, total } = await listed(db, adminTokensOf, { accountId, status })
    return { data: rows.map(tokenView), total }
  },
})
