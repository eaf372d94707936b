/** GET health: that the API answers, and what it is compatible with. It asks no store. */
import { z } from '@hono/zod-openapi'
import { version } from '../../../runtime/version.ts'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { timeOut } from '../../schemas.ts'
import { read } from '../access.ts'
import { skillAt } from '../skill/facts.ts'
import { VERSION } from '../version.ts'

const url = z.string().openapi({ format: 'uri' })
const skill = z
  .strictObject({
    ...{ name: z.string(), version: z.string(), compatibleApiVersion: z.string() },
    compatibilityPolicy: z.enum(['exact']),
    autoUpdate: z.boolean(),
    ...{ manifestUrl: url, metadataUrl: url, rootUrl: url, entrypointUrl: url },
  })
  .openapi('HealthSkillVersion')
const versions = z.strictObject({ release: z.string(), api: z.string(), skill }).openapi('HealthVersionInfo')
const answer = z
  .strictObject({ status: z.enum(['ok']), service: z.string(), timestamp: timeOut, version: versions })
  .openapi('HealthResponse')

export const getHealth = read({
  path: '/api/v1/health',
  id: 'getHealth',
  tags: ['health'],
  summary: 'Health check and release compatibility metadata',
  description: 'Says ok without asking any store. Whether the instance is ready says `/health/ready`.',
  access: publicAccess,
  answer: json(answer, 'API health payload with versioned skill compatibility information.'),
  handle: ({ clock, apiUrl }) => ({
    ...{ status: 'ok' as const, service: 'killatamata', timestamp: clock().toISOString() },
    version: { release: version(), api: VERSION, skill: skillAt(apiUrl()) },
  }),
})
