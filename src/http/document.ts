/** The OpenAPI document of a context, generated from its operations: what it says is what the kernel serves. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Answer } from './answers.ts'
import type { ContextApi } from './context.ts'
import { completed } from './describe.ts'
import type { ErrorTable, KernelCode } from './errors.ts'
import type { Operation } from './operation.ts'
import { bodySpecOf } from './validation.ts'

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>
type RouteConfig = Parameters<OpenAPIHono['openAPIRegistry']['registerPath']>[0]
type Responses = RouteConfig['responses']

/** The OpenAPI 3.1 document of a context. */
export function documentOf(api: ContextApi): OpenApiDocument {
  const app = new OpenAPIHono()
  const used = new Set(api.operations.flatMap(({ access }) => access.alternatives.map(({ scheme }) => scheme)))
  const named = Object.entries(api.schemes).flatMap(([name, { document }]) =>
    document && used.has(name) ? [{ name, document }] : [],
  )
  for (const { name, document } of named) {
    app.openAPIRegistry.registerComponent('securitySchemes', name, document as never)
  }
  for (const [name, document] of Object.entries(api.securitySchemes ?? {}))
    app.openAPIRegistry.registerComponent('securitySchemes', name, document as never)
  const schemes = new Set(named.map(({ name }) => name))
  for (const operation of api.operations) {
    app.openAPIRegistry.registerPath(routeOf(operation, api, schemes))
  }
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: api.info,
    servers: [{ url: `/${api.name}`, description: 'This instance' }],
  })
  return completed(document, api, (operation) => codesOf(operation, api.schemes))
}

function routeOf(
  operation: Operation,
  { errors, schemes: ways }: ContextApi,
  schemes: ReadonlySet<string>,
): RouteConfig {
  const { method, path, id, summary, description, tags, access } = operation
  const { params, query, headers, cookies } = operation
  const body = bodySpecOf(operation.body)
  const signed = access.alternatives.filter(({ scheme }) => schemes.has(scheme))
  const security = signed.map(({ scheme }) => ({ [scheme]: [] }))
  const types = body?.kind === 'json' ? [body.mediaType] : (body?.mediaTypes ?? ['*/*'])
  const schema = (body?.kind !== 'bytes' && body?.schema) || { type: 'string', format: 'binary' }
  const content = Object.fromEntries(types.map((type) => [type, { schema }]))
  return {
    ...{ method, path, operationId: id, summary, description },
    tags: [...(tags ?? [])],
    ...(signed.length > 0 && {
      security: access.isOptional ? [...security, {}] : security,
      'x-required-scopes': signed[0]?.scopes,
    }),
    request: {
      ...{ params, query, headers, cookies },
      ...(body && { body: { required: body.kind !== 'json' || body.isRequired, content } }),
    },
    responses: { ...answersOf(operation), ...refusalsOf(operation, errors, ways) },
  } as RouteConfig
}

const answersOf = ({ answers }: Operation): Responses =>
  Object.fromEntries(
    Object.entries(answers).map(([status, answer]) => [
      status,
      { description: answer.description, ...contentOf(answer) },
    ]),
  )

function contentOf(answer: Answer) {
  switch (answer.kind) {
    case 'json': {
      const { schema, example } = answer
      return { content: { 'application/json': { schema, ...(example !== undefined && { example }) } } }
    }
    case 'text':
      return { content: { [answer.mediaType]: { schema: { type: 'string' as const } } } }
    case 'stream':
      return { content: { [answer.mediaType]: { schema: { type: 'string' as const, format: 'binary' } } } }
    case 'events':
      return { content: { 'text/event-stream': { schema: { type: 'string' as const } } } }
    case 'empty':
    case 'upgrade':
      return {}
    default:
      return answer satisfies never
  }
}

/** The codes that an operation can be refused with: its own, and the kernel's that follow from what it declares. */
export function codesOf(operation: Operation, schemes: ContextApi['schemes']): string[] {
  const { access, method, isCommand, commanded, refuses, answers, isDirect } = operation
  if (isDirect) return []
  const kernel: (KernelCode | false)[] = [
    'parameter_invalid',
    'malformed_request',
    ...(access.alternatives.length > 0
      ? (['credential_missing', 'credential_invalid', 'credential_elsewhere'] as const)
      : []),
    access.alternatives.some(({ scopes }) => scopes.length > 0) && 'scope_missing',
    operation.body !== undefined && 'validation_failed',
    method !== 'get' && (bodySpecOf(operation.body)?.kind ?? 'json') === 'json' && 'malformed_json',
    method !== 'get' && 'body_too_large',
    method !== 'get' && 'content_type_unsupported',
    commanded.key !== undefined && 'idempotency_key_reused',
    ...(method !== 'get' && isCommand ? (['concurrent_change', 'append_too_large'] as const) : []),
    ...(Object.values(answers).some(({ kind }) => kind === 'upgrade')
      ? (['upgrade_required', 'upgrade_failed'] as const)
      : []),
    'rate_limit_exceeded',
    'dependency_unavailable',
    'event_store_mismatch',
    method === 'get' && 'read_model_behind',
  ]
  const atTheDoor = access.alternatives.flatMap(({ scheme }) => schemes[scheme]?.refuses ?? [])
  return [...kernel.filter((code) => code !== false), ...atTheDoor, ...refuses]
}

/** The refusals by status, each with its codes; and the statuses that the contract wants documented. */
function refusalsOf(operation: Operation, errors: ErrorTable<string>, schemes: ContextApi['schemes']): Responses {
  const byStatus = new Map<number, Set<string>>((errors.documented ?? []).map((status) => [status, new Set()]))
  for (const code of codesOf(operation, schemes)) {
    const entry = errors.codes[code]
    if (!entry)
      throw new Error(`${operation.id} is refused with ${code}, which the context's error table does not have`)
    const codes = byStatus.get(entry.status) ?? new Set()
    byStatus.set(entry.status, codes.add(entry.shownAs ?? code))
  }
  const ways = operation.access.alternatives.map(({ scheme }) => scheme)
  const described = [...byStatus].map(([status, codes]) => {
    const schema = errors.schemaOf?.(status, ways) ?? errors.schema
    const content = { [errors.mediaType ?? 'application/json']: { schema } }
    const description = codes.size === 0 ? 'Not answered here.' : `Refused: ${[...codes].join(', ')}.`
    return [String(status), { description, content }] as const
  })
  return Object.fromEntries(described)
}
