/** POST /v1/api_keys/{key_id}/revoke: the key opens nothing any more. It may be the one that asks. */
import { organization } from '../../../commands/firsthand/organization.ts'
import { empty } from '../../answers.ts'
import { headerKey } from '../../command.ts'
import { buyerKey, write } from '../access.ts'
import { idempotencyHeader } from '../schemas.ts'
import { keyParams } from './key-view.ts'

export const revokeApiKey = write({
  path: '/v1/api_keys/{key_id}/revoke',
  id: 'revokeApiKey',
  tags: ['API Keys'],
  summary: 'Revoke an API key at once',
  description:
    'Ends the key, and the keys that were made with it: nobody knows who made them with one that has leaked. Requests that ' +
    'they sign are refused from now on. The key that asks works on, with those that it has made, and so does one that has ' +
    'replaced this one by rotation: where the key has leaked, revoke that one too, unless you have rotated it yourself.',
  access: buyerKey('keys:manage'),
  params: keyParams,
  headers: idempotencyHeader,
  key: headerKey(),
  answers: { 204: empty('The key is revoked, now or before.') },
  refuses: ['api_key_not_found', 'organization_not_found'],
  async handle({ bus, principal, params: { key_id: keyId }, command }) {
    const { organizationId } = principal
    // Who rotates a key and then revokes the old one means to keep the new one.
    const how = { reason: null, sparesSuccessors: true, by: principal }
    const revocation = { kind: 'revokeKey', keyId, ...how, at: command.at } as const
    return { status: 204, handled: await bus.handle(organization, organizationId, revocation, command) }
  },
})
