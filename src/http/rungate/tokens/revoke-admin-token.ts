/** POST /api/admin-tokens/{id}/revoke: the token opens nothing any more. It may be the one that asks. */
import { z } from '@hono/zod-openapi'
import { revokeToken } from '../../../commands/rungate/changing.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { isKnownHere } from '../keys.ts'
import { dataOf, idParams } from '../schemas.ts'
import { tokenRowOf } from './token-view.ts'

export const revokeAdminToken = write({
  path: '/api/admin-tokens/{id}/revoke',
  id: 'revokeAdminToken',
  tags: ['AdminTokens'],
  summary: 'Revoke an admin token',
  description: 'Ends the token for good. Repeating it changes nothing.',
  access: dashboard('admin'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The token is revoked, now or before.') },
  refuses: ['admin_token_not_found'],
  async handle({ bus, tokens, keyKnownWaitMs, principal, params: { id }, command }) {
    const handled = await revokeToken(bus, id, principal, command)
    const { text_id } = tokenRowOf(handled.state)
    await isKnownHere(keyKnownWaitMs, () => tokens.find(text_id)?.token.status !== 'active')
    return { status: 200, body: { data: { message: 'The token is revoked.' } }, handled }
  },
})
