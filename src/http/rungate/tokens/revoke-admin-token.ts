/** POST /api/admin-tokens/{id}/revoke: the token opens nothing any more, nor does what was made with it. It may be the one that asks. */
import { z } from '@hono/zod-openapi'
import { revokeToken } from '../../../commands/rungate/tokens.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { isKnownHere } from '../keys.ts'
import { dataOf, idParams } from '../schemas.ts'
import { tokenRowOf } from './token-view.ts'

export const revokeAdminToken = write({
  path: '/api/admin-tokens/{id}/revoke',
  id: 'revokeAdminToken',
  isIdempotent: true,
  tags: ['AdminTokens'],
  summary: 'Revoke an admin token',
  description:
    'Ends the token for good, and the tokens that were made with it: nobody knows who made them with one that has leaked. The ' +
    'token that asks stays, with what it has made. Repeating it changes nothing.',
  access: dashboard('admin'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The token is revoked, now or before.') },
  refuses: ['admin_token_not_found'],
  async handle({ bus, tokens, keyKnownWaitMs, principal, params: { id }, command }) {
    const handled = await revokeToken(bus, id, principal, command)
    const { text_id } = tokenRowOf(handled.state)
    await isKnownHere(keyKnownWaitMs, () => tokens.find(text_id)?.token.status !== 'active')
    const { length } = handled.taken
    const also = length === 0 ? '' : `; tokens that were made with it, and are revoked too: ${length}`
    return { status: 200, body: { data: { message: `The token is revoked${also}.` } }, handled }
  },
})
