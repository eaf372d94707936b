/** GET /v1: what an agent can call, for its first contact. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { read } from '../access.ts'
import { VERSION } from '../version.ts'

const answer = z.object({
  name: z.string(),
  version: z.string(),
  auth: z.string(),
  endpoints: z.array(z.object({ method: z.string(), path: z.string(), description: z.string() })),
  admin_api: z.string(),
})

export const discoverAgentApi = read({
  path: '/v1',
  id: 'discoverAgentApi',
  tags: ['Agent'],
  summary: 'What agents can call',
  description: 'Lists the addresses for agents. Nobody has to sign in.',
  access: publicAccess,
  answer: json(answer, 'The addresses.'),
  async handle({ agentEndpoints }) {
    return {
      ...{ name: 'rungate', version: VERSION, auth: 'Authorization: Bearer rg_sk_… or x-api-key: rg_sk_…' },
      ...{ endpoints: [...(await agentEndpoints())], admin_api: '/rungate/api' },
    }
  },
})
