/** DELETE /api/provider-keys/{id}: the secret is destroyed for good; the row stays. */
import { z } from '@hono/zod-openapi'
import { deleteProviderKey as remove } from '../../../commands/rungate/changing.ts'
import { finishDeletion } from '../../../processes/rungate/completion.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { requireOwnKey } from './adding.ts'

const answer = z.object({ message: z.string(), remapped_agents: z.number() })

export const deleteProviderKey = write({
  method: 'delete',
  path: '/api/provider-keys/{id}',
  id: 'deleteProviderKey',
  tags: ['ProviderKeys'],
  summary: 'Delete a provider key',
  description: 'Destroys the secret. With `remap_to`, agents that name the key name that one from now on.',
  access: dashboard('write'),
  params: idParams,
  query: z.object({ remap_to: uuid.optional() }),
  answers: { 200: json(dataOf(answer), 'The key is deleted, now or before.') },
  refuses: ['provider_key_not_found', 'provider_key_unusable', 'not_own'],
  async handle({ bus, db, providerSecrets, principal, params: { id }, query: { remap_to: to = null }, command }) {
    await requireOwnKey({ bus }, id, principal)
    const handled = await remove(bus, id, to, principal, command)
    const { author } = principal
    const { remapped, position = handled.position } = await finishDeletion(
      { bus, db, providerSecrets },
      { keyId: id, accountId: principal.accountId, remapTo: to, author },
      command,
    )
    const data = { message: 'The provider key is deleted.', remapped_agents: remapped }
    return { status: 200, body: { data }, handled: { ...handled, position } }
  },
})
