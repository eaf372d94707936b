/** PUT /api/provider-keys/{id}: another name, address or secret. */
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { changeKey } from './adding.ts'
import { updateInput } from './inputs.ts'
import { keyResponse, keyRowOf, usedKeyView } from './key-view.ts'

export const updateProviderKey = write({
  method: 'put',
  path: '/api/provider-keys/{id}',
  id: 'updateProviderKey',
  tags: ['ProviderKeys'],
  summary: 'Change a provider key',
  description:
    'Changes what is sent. A new `api_key` takes the place of the former one; calls under way keep that. Another `base_url` needs the `api_key` with it.',
  example: { name: 'main' },
  access: dashboard('write'),
  params: idParams,
  body: updateInput,
  answers: { 200: json(dataOf(keyResponse), 'The key as it is now, masked.') },
  refuses: ['provider_key_not_found', 'name_taken', 'base_url_refused', 'provider_differs', 'secret_needed', 'not_own'],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    const handled = await changeKey(parts, id, body, principal, command)
    return { status: 200, body: { data: await usedKeyView(parts, keyRowOf(handled.state)) }, handled }
  },
})
