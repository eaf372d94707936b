/** GET /api/openapi.json: this context's document, byte for byte as under /rungate/openapi.json. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../../access.ts'
import { json } from '../../answers.ts'
import { fixed } from '../../fixed-text.ts'
import { read } from '../access.ts'

export const getOpenAPISpec = read({
  path: '/api/openapi.json',
  id: 'getOpenAPISpec',
  tags: ['Health'],
  summary: 'The OpenAPI document',
  description: 'Answers with the OpenAPI 3.1 document of this API.',
  access: publicAccess,
  answer: fixed(json(z.looseObject({}), 'The document.')),
  handle: ({ document }) => document,
})
