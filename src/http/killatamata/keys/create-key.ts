/** POST keys: another key, for who has one, who is signed in with a browser, or whom Google vouches for. */
import { randomUUID } from 'node:crypto'
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { account } from '../../../commands/killatamata/account.ts'
import type { KeySource } from '../../../events/killatamata/vocabulary.ts'
import type { Entered } from '../../../processes/killatamata/signing-in.ts'
import { isSameSecret } from '../../../runtime/secret.ts'
import { json, withHeaders } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { keyedIdentity } from '../../command.ts'
import { Problem } from '../../errors.ts'
import type { Caller } from '../../operation.ts'
import { accountKeyOrNone, type Customer, type KillatamataParts, write } from '../access.ts'
import { enterByToken, idToken } from '../auth/google.ts'
import { sessionOf } from '../auth/session.ts'
import type { KillatamataCode } from '../errors.ts'
import { noStore } from '../known-here.ts'
import { requestKey, sentRequestKey } from '../request-key.ts'
import { label, makeKey, newKeyAnswer } from './new-key.ts'

const request = z.strictObject({ label: label.optional(), idToken: idToken.optional() }).openapi('CreateKeyRequest')

type Parts = Pick<KillatamataParts, 'bus' | 'db' | 'clock' | 'google' | 'signIn' | 'limits' | 'sessions'>

/** Who asks, by the first of the three that the request has. */
async function asking(
  parts: Parts,
  principal: Customer | undefined,
  token: string | undefined,
  caller: Caller,
  command: CommandContext,
): Promise<Entered & { source: KeySource; hasRoom: boolean }> {
  if (principal) {
    const { accountId } = principal
    const state = await parts.bus.load(account, accountId)
    const email = state.status === 'absent' ? '' : state.email
    return { accountId, email, isNew: false, source: 'key', hasRoom: false }
  }
  if (token !== undefined) {
    const entered = await enterByToken(parts, { token, use: 'key' }, caller, command)
    return { ...entered, source: 'google', hasRoom: true }
  }
  const living = sessionOf(parts, caller)
  if (!living) {
    throw new Problem('credential_missing', 'Send an API key, a session’s cookie or an ID token.', {
      headers: { 'www-authenticate': 'Bearer realm="killatamata"' },
    })
  }
  const wanted = await parts.signIn.digests.csrfTokenOf(living.cookie.value)
  if (!isSameSecret(wanted, caller.header('x-csrf-token') ?? '')) {
    throw new Problem<KillatamataCode>('csrf_token_invalid', 'The header x-csrf-token is not that of the session.')
  }
  const { account_id: accountId, email } = living.account
  return { accountId, email: email ?? '', isNew: false, source: 'session', hasRoom: false }
}

/**
 * By what the repeat of a request without an API key is known. A session names its account, so that the key of its request counts
 * as one that an API key of the account signs. To a token, whose account may be new, the key of a request says nothing.
 */
function identityOf(
  caller: Caller,
  source: KeySource,
  { accountId }: Pick<Entered, 'accountId'>,
  request: object = {},
) {
  const key = source === 'session' ? sentRequestKey(caller) : undefined
  if (key === undefined) return { commandId: randomUUID(), fingerprint: undefined }
  const principal = { tenantId: accountId, environment: '' }
  return keyedIdentity({ context: 'killatamata', principal, action: CREATE, scope: '', key, request })
}

const CREATE = 'createKey'
export const createKey = write({
  path: '/api/v1/keys',
  id: CREATE,
  tags: ['keys'],
  summary: 'Create API key (API key auth or Google ID token bootstrap)',
  description: 'By a key, by a session’s cookie with `x-csrf-token`, or by an ID token of Google.',
  access: accountKeyOrNone,
  key: requestKey,
  body: optionalBody(request),
  answers: { 201: withHeaders(json(newKeyAnswer, 'The key, shown this once.'), 'cache-control') },
  refuses: [
    ...(['csrf_token_invalid', 'id_token_invalid', 'id_token_used', 'sign_in_unavailable'] as const),
    ...(['key_limit_reached', 'account_gone', 'secret_already_shown'] as const),
  ],
  async handle({ principal, body, caller, command, ...parts }) {
    const { source, hasRoom, ...entered } = await asking(parts, principal, body?.idToken, caller, command)
    const wanted = { label: body?.label, source, hasRoom }
    const own = { ...command, ...(principal ? {} : identityOf(caller, source, entered, body)) }
    return { status: 201, headers: noStore, ...(await makeKey(parts, entered, wanted, own)) }
  },
})
