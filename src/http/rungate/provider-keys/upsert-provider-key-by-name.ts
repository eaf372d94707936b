/** PUT /api/provider-keys/by-name/{name}: makes the key of this name, or changes it. */
import { ownerOf } from '../../../commands/rungate/naming.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { dashboard, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, nameParams, refuseElsewhere } from '../schemas.ts'
import { addKey, changeKey } from './adding.ts'
import { upsertInput } from './inputs.ts'
import { keyResponse, keyRowOf, keyView, usedKeyView } from './key-view.ts'

const missing = (member: string) => {
  const detail = 'is needed for a new key'
  const errors = [{ pointer: `/${member}`, code: 'missing', detail }]
  return new Problem<RungateCode>('member_missing', `${member}: ${detail}`, { errors })
}

export const upsertProviderKeyByName = write({
  method: 'put',
  path: '/api/provider-keys/by-name/{name}',
  id: 'upsertProviderKeyByName',
  tags: ['ProviderKeys'],
  summary: 'Make or change the provider key of a name',
  description:
    'Makes the key where there is none of this name, else changes what is sent. Deleted keys do not count. Another `base_url` needs the `api_key` with it.',
  example: { provider: 'openai', api_key: 'sk-example-0123456789' },
  access: dashboard('write'),
  params: nameParams,
  body: upsertInput,
  answers: {
    200: json(dataOf(keyResponse), 'The key as it is now, masked.'),
    201: json(dataOf(keyResponse), 'The new key, masked.'),
  },
  refuses: [
    ...(['name_taken', 'base_url_refused', 'provider_key_not_found', 'provider_differs'] as const),
    ...(['member_missing', 'account_elsewhere', 'secret_needed', 'not_own'] as const),
  ],
  async handle({ principal, params: { name }, body, command, ...parts }) {
    refuseElsewhere(body, principal)
    const keyId = await ownerOf(parts.bus, principal.accountId, 'providerKey', name)
    if (keyId !== undefined) {
      const handled = await changeKey(parts, keyId, body, principal, command)
      return { status: 200, body: { data: await usedKeyView(parts, keyRowOf(handled.state)) }, handled }
    }
    const { provider, api_key, base_url } = body
    if (provider === undefined) throw missing('provider')
    if (api_key === undefined) throw missing('api_key')
    const handled = await addKey(parts, { provider, api_key, base_url, name }, principal, command)
    return { status: 201, body: { data: keyView(keyRowOf(handled.state)) }, handled }
  },
})
