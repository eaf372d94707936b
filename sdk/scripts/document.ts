/**
 * A document as the client's types are made of it: refusals with the codes that each operation answers with, and without
 * keys that the client makes or sends itself.
 */

interface Schema {
  [name: string]: unknown
  $ref?: string
  required?: string[]
}
interface Media {
  schema: Schema
  example?: unknown
  examples?: unknown
}
interface Response {
  $ref?: string
  description?: string
  headers?: unknown
  content?: Record<string, Media>
  'x-problem-codes'?: string[]
}
interface Parameter {
  name: string
  in: string
  required?: boolean
}
interface Operation {
  operationId?: string
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, Media> }
  responses: Record<string, Response>
}
export interface OpenApi {
  servers?: { url: string }[]
  paths: Record<string, Record<string, Operation>>
  components: {
    schemas: Record<string, Schema>
    responses?: Record<string, Response>
    securitySchemes?: Record<string, { scheme?: string }>
  }
}

const KEY_MEMBER = 'idempotency_key'
/** Of the request, and of the caller. */
const KEY_HEADERS = ['idempotency-key', 'x-api-key']
/** What documents say of a status that their contract names and no request is answered with. */
const NEVER = 'Not answered here.'
/** A problem document (RFC 9457); where the contract leaves refusals open, they are such. */
const problem = {
  type: 'object',
  required: ['type', 'title', 'status', 'detail', 'code', 'request_id'],
  properties: {
    type: { type: 'string' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string', description: 'What is the matter with this request, in a sentence.' },
    code: { type: 'string' },
    request_id: { type: 'string', description: 'Under which the instance’s log knows the request.' },
    errors: {
      type: 'array',
      description: 'The parts of the request that are at fault.',
      items: {
        type: 'object',
        required: ['pointer', 'code', 'detail'],
        properties: { pointer: { type: 'string' }, code: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
}

/** A copy; the document stays as it is. */
export function narrowed(document: OpenApi): OpenApi {
  const copy = structuredClone(document)
  const { schemas } = copy.components
  schemas.Problem ??= problem
  const share = createShare()
  for (const item of Object.values(copy.paths)) {
    for (const operation of Object.values(item)) {
      // Rungate's contract has one id twice.
      delete operation.operationId
      for (const parameter of operation.parameters ?? []) {
        if (parameter.in === 'header' && KEY_HEADERS.includes(parameter.name)) parameter.required = false
      }
      for (const media of mediaOf(operation.requestBody)) freeKey(media, schemas)
      for (const [status, response] of Object.entries(operation.responses)) {
        delete response.headers
        for (const media of mediaOf(response)) delete media.examples
        if (Number(status) < 400) continue
        if (response.description === NEVER) {
          delete operation.responses[status]
          continue
        }
        narrowRefusal(response, schemas)
        operation.responses[status] = share.response(status, response)
      }
      for (const media of [operation.requestBody, ...Object.values(operation.responses)].flatMap(mediaOf))
        delete media.example
    }
  }
  copy.components = { schemas, responses: share.responses }
  return copy
}

const mediaOf = (part: { content?: Record<string, Media> } | undefined): Media[] => Object.values(part?.content ?? {})

/** Refusals that several operations have stand once: with each of them they would be most of the types. */
function createShare() {
  const responses: Record<string, Response> = {}
  const names = new Map<string, string>()
  return {
    responses,
    response(status: string, response: Response): Response {
      const text = JSON.stringify(response)
      const name = names.get(text) ?? `Refusal${status}No${names.size + 1}`
      names.set(text, name)
      responses[name] = response
      return { $ref: `#/components/responses/${name}` }
    },
  }
}

/** The client makes the key of whoever names none. */
function freeKey({ schema }: Media, schemas: Record<string, Schema>): void {
  const named = schema.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1) ?? '']
  if (named?.required) named.required = named.required.filter((name) => name !== KEY_MEMBER)
}

function narrowRefusal(response: Response, schemas: Record<string, Schema>): void {
  const codes = response['x-problem-codes']
  if (!codes || codes.length === 0) return
  for (const media of mediaOf(response)) {
    const { schema } = media
    const named = schema.$ref === undefined ? schema : schemas[schema.$ref.split('/').at(-1) ?? '']
    const code = { type: 'string', enum: codes }
    const { error, errorCode } = (named?.properties ?? {}) as Record<string, { type?: string }>
    if (errorCode !== undefined) {
      const narrow = { type: 'object', required: ['errorCode'], properties: { errorCode: code } }
      media.schema = { allOf: [schema, narrow] }
    } else if (error === undefined) {
      const narrow = { type: 'object', required: ['code'], properties: { code } }
      media.schema = { allOf: [{ $ref: '#/components/schemas/Problem' }, narrow] }
    } else if (error.type === 'object') {
      const inner = { type: 'object', required: ['type'], properties: { type: code } }
      const narrow = { type: 'object', required: ['error'], properties: { error: inner } }
      media.schema = { allOf: [schema, narrow] }
    }
  }
}
