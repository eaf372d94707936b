/** GET /health: whether the service and its read models answer. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { read } from '../access.ts'
import { VERSION } from '../version.ts'

const answer = z
  .object({
    status: z.enum(['healthy']),
    version: z.string(),
    uptime_seconds: z.int(),
    storage: z.enum(['connected', 'error']),
    agents_count: z.int(),
    active_runs: z.int(),
  })
  .openapi('HealthResponse')

export const getHealth = read({
  path: '/health',
  id: 'getHealth',
  tags: ['Health'],
  summary: 'Whether the service answers',
  description: 'Answers with the state of the storage and with counts that are at most a second old.',
  access: publicAccess,
  answer: json(answer, 'The service answers.'),
  async handle({ health }) {
    const { storage, agents, activeRuns } = await health.counts()
    return {
      status: 'healthy' as const,
      ...{ version: VERSION, uptime_seconds: health.uptimeS(), storage },
      ...{ agents_count: agents, active_runs: activeRuns },
    }
  },
})
