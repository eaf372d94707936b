/** POST /api/provider-keys. */
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, refuseElsewhere } from '../schemas.ts'
import { addKey } from './adding.ts'
import { createInput } from './inputs.ts'
import { keyResponse, keyRowOf, keyView } from './key-view.ts'

export const createProviderKey = write({
  path: '/api/provider-keys',
  id: 'createProviderKey',
  tags: ['ProviderKeys'],
  summary: 'Add a provider key',
  description: 'Keeps the key sealed. Only a few of its characters are ever shown.',
  access: dashboard('write'),
  body: createInput,
  answers: { 201: json(dataOf(keyResponse), 'The key, masked.') },
  refuses: ['name_taken', 'base_url_refused', 'provider_key_not_found', 'account_elsewhere'],
  async handle({ principal, body, command, ...parts }) {
    refuseElsewhere(body, principal)
    const handled = await addKey(parts, body, principal, command)
    return { status: 201, body: { data: keyView(keyRowOf(handled.state)) }, handled }
  },
})
