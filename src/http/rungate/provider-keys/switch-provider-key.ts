/** POST /api/provider-keys/{id}/disable and …/enable: whether calls may be made with the key. */
import { providerKey } from '../../../commands/rungate/provider-key.ts'
import { json } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { requireOwnKey } from './adding.ts'
import { keyResponse, keyRowOf, usedKeyView } from './key-view.ts'

const switching = (kind: 'disable' | 'enable', summary: string, description: string) =>
  write({
    path: `/api/provider-keys/{id}/${kind}`,
    id: `${kind}ProviderKey`,
    tags: ['ProviderKeys'],
    ...{ summary, description },
    isIdempotent: true,
    access: dashboard('write'),
    params: idParams,
    answers: { 200: json(dataOf(keyResponse), 'The key as it is now, masked.') },
    refuses: ['provider_key_not_found', 'not_own'],
    async handle({ bus, db, principal, params: { id }, command }) {
      await requireOwnKey({ bus }, id, principal)
      const { accountId, author } = principal
      const handled = await bus.handle(providerKey, id, { kind, accountId, author, at: command.at }, command)
      return { status: 200, body: { data: await usedKeyView({ db }, keyRowOf(handled.state)) }, handled }
    },
  })

export const disableProviderKey = switching(
  'disable',
  'Stop calls with a provider key',
  'Leaves the key out of routing; agents go on naming it. Repeating it changes nothing.',
)
export const enableProviderKey = switching(
  'enable',
  'Take a provider key into use again',
  'Lets calls be made with the key again. Repeating it changes nothing.',
)
