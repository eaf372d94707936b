/**
 * Completes a document: descriptions of members and parameters, examples of requests and answers put together from the
 * context's words, the headers of answers, and the scopes in words. It changes no schema.
 */
import { type Answer, type ReplyHeader, replyHeaders } from './answers.ts'
import { IGNORED_HEADER, ignoresKeyHeader } from './command.ts'
import { POSITION_HEADER, READ_MODELS_HEADER } from './consistency.ts'
import type { ContextApi } from './context.ts'
import type { OpenApiDocument } from './document.ts'
import { MEMBERS_HEADER } from './ignored-members.ts'
import type { Operation } from './operation.ts'
import { exampleId, exampleTime, saysOf, type Words, wordFor } from './words.ts'

interface Schema {
  $ref?: string
  description?: string
  type?: string | string[]
  format?: string
  pattern?: string
  enum?: unknown[]
  const?: unknown
  minimum?: number
  required?: string[]
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
interface Media {
  schema: Schema
  example?: unknown
  examples?: object
}
interface Described {
  description?: string
  content?: Record<string, Media>
  headers?: object
  'x-problem-codes'?: readonly string[]
}
interface Route {
  operationId: string
  tags?: string[]
  description?: string
  parameters?: { name: string; description?: string; example?: unknown; schema: Schema }[]
  requestBody?: Described
  responses: Record<string, Described>
}
interface Completed {
  tags?: { name: string; description?: string }[]
  paths: Record<string, Record<string, Route>>
  components?: { schemas?: Record<string, Schema>; headers?: object; examples?: Record<string, Refused> }
}
/** A refusal's body as an example, under the refusal's title. */
interface Refused {
  summary: string
  value: object
}

/** An operation with the codes that it may be refused with. */
type Refusable = Operation & { codes: readonly string[] }

/** A copy of the document with everything that this file adds. */
export function completed(
  document: OpenApiDocument,
  api: ContextApi,
  codesOf: (operation: Operation) => readonly string[],
): OpenApiDocument {
  const copy = JSON.parse(JSON.stringify(document)) as Completed
  const { words = {} } = api
  copy.components = { ...copy.components, headers: headersOf(api), examples: {} }
  copy.tags = tagsOf(copy, api)
  for (const [name, schema] of Object.entries(copy.components.schemas ?? {})) describeMembers(schema, words, name)
  const examples = createExamples(copy, words)
  for (const operation of api.operations) {
    const route = copy.paths[operation.path]?.[operation.method]
    if (!route) throw new Error(`${operation.id} is not in its document`)
    const refusable = { ...operation, codes: codesOf(operation) }
    completeRoute(route, refusable, api, examples)
    for (const [status, response] of Object.entries(route.responses)) {
      if (Number(status) >= 400)
        completeRefusal(response, Number(status), refusable, api, copy.components.examples ?? {})
    }
  }
  return copy as unknown as OpenApiDocument
}

/** The groups that operations name, those that the context describes first and in its order. */
function tagsOf({ paths }: Completed, { tags = {} }: ContextApi): { name: string; description?: string }[] {
  const used = new Set(Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ tags = [] }) => tags)))
  const named = Object.entries(tags).filter(([name]) => used.has(name))
  const others = [...used].filter((name) => !(name in tags))
  return [...named.map(([name, description]) => ({ name, description })), ...others.map((name) => ({ name }))]
}

/** The codes of a refusal's status, and a body of each, which the document has once. */
function completeRefusal(
  response: Described,
  status: number,
  { codes, access }: Refusable,
  { errors }: ContextApi,
  shared: Record<string, Refused>,
): void {
  const schemes = access.alternatives.map(({ scheme }) => scheme)
  const given = codes.flatMap((name) => {
    const entry = errors.codes[name]
    return entry?.status === status ? [{ code: entry.shownAs ?? name, title: entry.title }] : []
  })
  const known = new Map(given.map((each) => [each.code, each]))
  response['x-problem-codes'] = [...known.keys()]
  const examples = [...known.values()].map(({ code, title }) => {
    const value = errors.body({
      code,
      status,
      title,
      detail: `${title}.`,
      errors: [],
      requestId: exampleId(9),
      schemes,
    })
    const same = (name: string) => JSON.stringify(shared[name]?.value) === JSON.stringify(value)
    let name = code
    while (shared[name] && !same(name)) name += `-${status}`
    shared[name] ??= { summary: title, value }
    return [code, { $ref: `#/components/examples/${name}` }]
  })
  for (const media of Object.values(response.content ?? {})) {
    if (examples.length > 0) media.examples = Object.fromEntries(examples)
  }
}

function completeRoute(route: Route, operation: Refusable, api: ContextApi, examples: Examples): void {
  const { words = {} } = api
  const { id } = operation
  const scopes = operation.access.alternatives[0]?.scopes ?? []
  const named = scopes.map((scope) => `\`${scope}\``).join(', ')
  const needs = named === '' ? undefined : `Needs the scope ${named}.`
  const ignored = ignoresKeyHeader(operation) ? keyNoteOf(operation) : undefined
  const says = [route.description, ignored, needs].filter((part) => part !== undefined).join('\n\n')
  if (says !== '') route.description = says
  for (const parameter of route.parameters ?? []) {
    const word = wordFor(words, id, parameter.name)
    parameter.description ??= saysOf(word)
    if (Array.isArray(word)) parameter.example = word[1]
  }
  for (const media of Object.values(route.requestBody?.content ?? {})) {
    describeMembers(media.schema, words, id)
    if (media.schema.format === 'binary') continue
    const least = examples.of(media.schema, id, true)
    media.example = isObject(least) && isObject(operation.example) ? { ...least, ...operation.example } : least
  }
  for (const [status, response] of Object.entries(route.responses)) {
    const isRefusal = Number(status) >= 400
    response.headers = referencesTo(headerNames(operation, route, api, Number(status)))
    if (isRefusal) continue
    for (const [type, media] of Object.entries(response.content ?? {})) {
      describeMembers(media.schema, words, id)
      if (type === 'application/json') media.example ??= examples.of(media.schema, id, false)
    }
  }
}

/** Where the key stands instead of the header that many other APIs have. */
const keyNoteOf = ({ commanded: { key } }: Operation): string =>
  key?.from === 'body'
    ? `The key is the body’s \`${key.member}\`: a header \`Idempotency-Key\` has no effect.`
    : 'A header `Idempotency-Key` has no effect.'

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Gives every member without a description that of its name; `owner` is the schema or operation that it belongs to. */
function describeMembers(schema: Schema, words: Words, owner: string): void {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    const says = saysOf(wordFor(words, owner, name))
    if (says !== undefined) member.description ??= says
    describeMembers(member, words, owner)
  }
  const { items, additionalProperties, anyOf = [], oneOf = [], allOf = [] } = schema
  const inside = [items, additionalProperties, ...anyOf, ...oneOf, ...allOf]
  for (const each of inside) if (typeof each === 'object') describeMembers(each, words, owner)
}

interface Examples {
  /** A value of the schema; of objects all members, or the required ones. */
  of(schema: Schema, owner: string, isLeast: boolean): unknown
}

function createExamples({ components }: Completed, words: Words): Examples {
  const member = (name: string, schema: Schema, owner: string, isLeast: boolean): unknown => {
    const word = wordFor(words, owner, name)
    const { schema: of } = resolve(schema, owner)
    if (Array.isArray(word) && (of.enum === undefined || of.enum.includes(word[1]))) return word[1]
    return example(schema, owner, isLeast)
  }
  const resolve = (schema: Schema, owner: string): { schema: Schema; owner: string } => {
    const chosen = (schema.anyOf ?? schema.oneOf)?.find(({ type }) => type !== 'null') ?? schema
    const name = chosen.$ref?.replace('#/components/schemas/', '')
    const found = name === undefined ? undefined : components?.schemas?.[name]
    if (name !== undefined && found) return resolve(found, name)
    return chosen === schema ? { schema, owner } : resolve(chosen, owner)
  }
  const example = (of: Schema, by: string, isLeast: boolean): unknown => {
    const { schema, owner } = resolve(of, by)
    const { properties = {}, required = [], items } = schema
    const type = [schema.type].flat().find((each) => each !== 'null')
    if (schema.const !== undefined) return schema.const
    if (schema.enum) return schema.enum[0]
    if (type === 'object') {
      const shown = Object.entries(properties).filter(([name]) => !isLeast || required.includes(name))
      return Object.fromEntries(shown.map(([name, each]) => [name, member(name, each, owner, isLeast)]))
    }
    if (type === 'array') return items ? [example(items, owner, isLeast)] : []
    if (type === 'string') return textExample(schema)
    if (type === 'boolean') return true
    return type === 'integer' || type === 'number' ? (schema.minimum ?? 1) : {}
  }
  return { of: example }
}

const textExample = ({ format }: Schema): string =>
  format === 'uuid' ? exampleId(1) : format === 'date-time' ? exampleTime(1) : 'text'

const said = (description: string, type = 'string') => ({ description, schema: { type } })

/** Every header that answers have, once; by the names that they have in the document. */
const headersOf = ({ requestIds, operations, schemes, rateHeaders = 'RateLimit' }: ContextApi) => ({
  ...Object.fromEntries(
    operations
      .flatMap(({ answers }) => Object.values(answers).flatMap(({ says }) => Object.entries(says ?? {})))
      .map(([name, says]) => [name, said(says)]),
  ),
  ...Object.fromEntries(
    [
      ...operations.flatMap(({ answers }) => Object.values(answers).flatMap(headersOfReply)),
      ...Object.values(schemes).flatMap(({ sets }) => sets ?? []),
    ].map((name) => [titleCase(name), said(replyHeaders[name])]),
  ),
  [requestIds.header]: said('The id of this request, which the log and the audit trail know it by.'),
  [POSITION_HEADER]: said(
    'How far the answer knows the log. A GET that sends it back is answered by read models that are at least that far.',
  ),
  [READ_MODELS_HEADER]: said('`behind`: the change is recorded, but the read models do not show it yet.'),
  'Idempotency-Replayed': said(
    '`true`: the request was answered before; this is that answer, and nothing was changed.',
  ),
  [MEMBERS_HEADER]: said('JSON pointers to members of the body that are not known here, and have no effect.'),
  [IGNORED_HEADER]: said('A header of the request that has no effect here: `Idempotency-Key`.'),
  Link: said('With `rel="help"`: the page that explains the refusal and what to do about it.'),
  [`${rateHeaders}-Limit`]: said('Requests that a minute allows. Absent where nothing is counted.', 'integer'),
  [`${rateHeaders}-Remaining`]: said('Requests that are left in this minute.', 'integer'),
  [`${rateHeaders}-Reset`]: said('Seconds until the count begins anew.', 'integer'),
  'Retry-After': said('Seconds to wait before the request is sent again.', 'integer'),
  'WWW-Authenticate': said('How to sign in.'),
})

/** Those of the reply itself; events are never to be kept. */
const headersOfReply = ({ kind, headers = [] }: Answer): readonly ReplyHeader[] =>
  kind === 'events' ? [...headers, 'cache-control'] : headers

/** `cache-control`: `Cache-Control`. */
const titleCase = (name: string): string => name.replaceAll(/\b[a-z]/g, (letter) => letter.toUpperCase())

const countedNames = ({ rateHeaders = 'RateLimit' }: ContextApi) =>
  ['Limit', 'Remaining', 'Reset'].map((part) => `${rateHeaders}-${part}`)

function headerNames(operation: Refusable, route: Route, api: ContextApi, status: number): string[] {
  const { method, isCommand, answers, codes, access, isDirect } = operation
  if (isDirect) return directHeaderNames(operation, api, status)
  const named = route.requestBody?.content?.['application/json'] ? [MEMBERS_HEADER] : []
  const warned = [...named, ...(ignoresKeyHeader(operation) ? [IGNORED_HEADER] : [])]
  const linked = [...Object.keys(answers[status]?.says ?? {}), ...(status >= 400 ? ['Link'] : [])]
  const always = [api.requestIds.header, ...warned, ...linked]
  const bySigning = access.alternatives.flatMap(({ scheme }) => api.schemes[scheme]?.sets ?? []).map(titleCase)
  if (status >= 400) {
    const again = codes.some((code) => {
      const entry = api.errors.codes[code]
      return entry?.status === status && (entry.retryAfterS !== undefined || code === 'rate_limit_exceeded')
    })
    const own = [...(status === 401 ? ['WWW-Authenticate'] : []), ...(again ? ['Retry-After'] : [])]
    return [...always, ...bySigning, POSITION_HEADER, ...countedNames(api), ...own]
  }
  const written = method !== 'get' && isCommand ? [READ_MODELS_HEADER, 'Idempotency-Replayed'] : []
  const own = answers[status] ? headersOfReply(answers[status]).map(titleCase) : []
  return [...always, POSITION_HEADER, ...written, ...new Set([...own, ...bySigning]), ...countedNames(api)]
}

/** Its own; where nobody is signed in, and where it fails, the kernel answers. */
function directHeaderNames(operation: Operation, api: ContextApi, status: number): string[] {
  const ignored = ignoresKeyHeader(operation) ? [IGNORED_HEADER] : []
  const own = Object.keys(operation.answers[status]?.says ?? {})
  const again = status === 429 || status === 503 ? ['Retry-After'] : []
  const kernels = [...(status === 401 ? ['WWW-Authenticate'] : countedNames(api)), ...again]
  const help = status === 401 || status === 429 || status >= 500 ? ['Link'] : []
  return [...new Set([api.requestIds.header, ...ignored, ...own, ...kernels, ...help])]
}

const referencesTo = (names: readonly string[]) =>
  Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]))
