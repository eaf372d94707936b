/** POST keys/revoke: a key works no more. Without a body it is the key that signs the request. */
import { z } from '@hono/zod-openapi'
import { account, type KeyNamed, NAMING_PREFIX_MIN, namedKey } from '../../../commands/killatamata/account.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { text, timeOut } from '../../schemas.ts'
import { accountKey, change } from '../access.ts'
import { isKnownHere } from '../known-here.ts'
import { requestKey } from '../request-key.ts'

const ID_LENGTH_MAX = 64
const PREFIX_LENGTH_MAX = 80
const request = z
  .strictObject({
    keyId: text(ID_LENGTH_MAX, 1).optional(),
    keyPrefix: text(PREFIX_LENGTH_MAX, NAMING_PREFIX_MIN).optional(),
  })
  .refine(({ keyId, keyPrefix }) => keyId === undefined || keyPrefix === undefined, {
    ...{ message: 'name the key by its id or by its prefix, not by both', path: ['keyPrefix'] },
  })
const answer = z
  .object({ ok: z.literal(true), keyId: z.string(), status: z.literal('revoked'), revokedAt: timeOut })
  .openapi('RevokedKeyResponse')

export const revokeKey = change({
  path: '/api/v1/keys/revoke',
  id: 'revokeKey',
  tags: ['keys'],
  summary: 'Revoke API key',
  description: 'The key that signs, or the one that `keyId` or `keyPrefix` names. Repeating it changes nothing.',
  access: accountKey,
  key: requestKey,
  body: optionalBody(request),
  answers: { 200: json(answer, 'The key works no more.') },
  refuses: ['key_not_found', 'key_prefix_ambiguous'],
  async handle({ bus, credentials, knownWaitMs, principal: { accountId, keyId: own }, body, command }) {
    const { keyId = own, keyPrefix } = body ?? {}
    const wanted: KeyNamed = keyPrefix === undefined ? { keyId } : { keyPrefix }
    const before = await bus.current(account, accountId)
    if (before.status !== 'active') throw new Rejected('key_not_found', 'There is no such key.')
    const revoke = { kind: 'revokeKey', accountId, named: wanted, at: command.at } as const
    const handled = await bus.handle(account, accountId, revoke, command)
    // A repeat is about the key of the first time, whatever else begins like it by now.
    const revoked = handled.events.find((event) => event.type === 'killatamata.ApiKeyRevoked.v1')
    const meant = namedKey(before, revoked ? { keyId: revoked.data.keyId } : wanted)
    await isKnownHere(knownWaitMs, () => credentials.find(meant.textId)?.key.status !== 'active')
    const key = handled.state.status === 'absent' ? undefined : handled.state.keys.get(meant.keyId)
    const revokedAt = key?.endedAt ?? command.at
    return {
      status: 200,
      body: { ok: true as const, keyId: meant.keyId, status: 'revoked' as const, revokedAt },
      handled,
    }
  },
})
