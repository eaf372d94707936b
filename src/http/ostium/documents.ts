/** GET /openapi, /openapi.json and /openapi.yaml: this document, made and compressed once. */
import { z } from '@hono/zod-openapi'
import { publicAccess } from '../access.ts'
import { json, text } from '../answers.ts'
import { fixed } from '../fixed-text.ts'
import { operation, read } from './access.ts'

const common = { access: publicAccess, rate: 'uncounted', tags: ['OpenAPI'] }
const document = z.looseObject({})

export const getOpenApi = read({
  ...{ path: '/openapi', id: 'getOpenApi', ...common },
  summary: 'This document as JSON',
  description: 'The OpenAPI 3.1 document of this API.',
  answer: fixed(json(document, 'The document.')),
  handle: ({ documents }) => documents.json,
})

export const getOpenApiJson = read({
  ...{ path: '/openapi.json', id: 'getOpenApiJson', ...common },
  summary: 'This document as JSON',
  description: 'The same under the name that tools look for.',
  answer: fixed(json(document, 'The document.')),
  handle: ({ documents }) => documents.json,
})

export const getOpenApiYaml = operation({
  ...{ method: 'get', path: '/openapi.yaml', id: 'getOpenApiYaml', ...common },
  isRead: true,
  summary: 'This document as YAML',
  description: 'The same in YAML.',
  answers: { 200: fixed(text('text/yaml', 'The document.')) },
  handle: async ({ documents }) => ({ status: 200, body: documents.yaml }),
})
