/** GET /docs/guides/{name}: a guide in Markdown, with commands that work against this instance. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../../access.ts'
import { text } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { fixed } from '../../fixed-text.ts'
import { operation } from '../access.ts'
import type { RungateCode } from '../errors.ts'

/** The document shows which names guides have; every other one is unknown. */
const name = z.string().openapi({ pattern: '^[a-zA-Z0-9_-]+$' })

export const getIntegrationGuide = operation({
  method: 'get',
  path: '/docs/guides/{name}',
  id: 'getIntegrationGuide',
  tags: ['Health'],
  summary: 'A guide',
  description: 'Answers with one of the guides `setup`, `core-tests`, `advanced-tests` and `reference`.',
  access: publicAccess,
  params: z.object({ name }),
  answers: { 200: fixed(text('text/markdown', 'The guide, in Markdown.')) },
  refuses: ['guide_not_found'],
  async handle({ params: { name }, guides }) {
    const guide = guides.get(name)
    if (!guide) throw new Problem<RungateCode>('guide_not_found', 'There is no guide of this name.')
    return { status: 200, body: guide }
  },
})
