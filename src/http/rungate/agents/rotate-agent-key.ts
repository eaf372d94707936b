/** POST /api/agents/{id}/rotate-key: another key, shown this once. The one before opens nothing from then on. */
import { z } from '@hono/zod-openapi'
import { agent } from '../../../commands/rungate/agent.ts'
import { generateKey } from '../../../commands/rungate/keys.ts'
import { json, withHeaders } from '../../answers.ts'
import { dashboard, write } from '../access.ts'
import { isKnownHere, noStore } from '../keys.ts'
import { dataOf, idParams } from '../schemas.ts'
import { requireOwnAgent } from './creating.ts'

const answer = z.object({ message: z.string(), api_key: z.string(), api_key_prefix: z.string() })

export const rotateAgentKey = write({
  path: '/api/agents/{id}/rotate-key',
  id: 'rotateAgentKey',
  tags: ['Agents'],
  summary: 'Replace an agent’s key',
  description: 'Makes a new key, shown in this answer alone. The former one is refused at once.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: withHeaders(json(dataOf(answer), 'The new key, shown this once.'), 'cache-control') },
  refuses: ['agent_not_found', 'not_own'],
  async handle({ bus, agents, keyKnownWaitMs, principal, params: { id }, command }) {
    await requireOwnAgent({ bus }, id, principal)
    const { accountId, author } = principal
    const { secret, facts: key } = generateKey('sk')
    const rotation = { kind: 'rotateKey', key, accountId, author, at: command.at } as const
    const handled = await bus.handle(agent, id, rotation, command)
    await isKnownHere(keyKnownWaitMs, () => agents.find(key.textId) !== undefined)
    const data = { message: 'The former key opens nothing any more.', api_key: secret, api_key_prefix: key.keyPrefix }
    return { status: 200, headers: noStore, body: { data }, handled }
  },
})
