/** What a context's document leaves unsaid: members and parameters without words, operations without examples. */
import type { OpenApiDocument } from '../../src/http/document.ts'
import type { Words } from '../../src/http/words.ts'

interface Schema {
  $ref?: string
  description?: string
  properties?: Record<string, Schema>
  items?: Schema
  additionalProperties?: Schema | boolean
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}
interface Parameter {
  name: string
  in: string
  $ref?: string
  description?: string
}
interface Content {
  content?: Record<string, { schema: Schema; example?: unknown; examples?: Record<string, { $ref: string }> }>
  'x-problem-codes'?: string[]
  headers?: Record<string, unknown>
}
interface Route extends Content {
  operationId: string
  description?: string
  parameters?: Parameter[]
  requestBody?: Content
  responses: Record<string, Content>
}
export interface Described {
  paths: Record<string, Record<string, Route>>
  components?: {
    schemas?: Record<string, Schema>
    parameters?: Record<string, Parameter>
    examples?: Record<string, { value: unknown }>
  }
}

type Visit = (owner: string, name: string, member: Schema) => void

/** Every member of a schema, by the schema or operation that it belongs to. */
function eachMember(schema: Schema, owner: string, visit: Visit): void {
  for (const [name, member] of Object.entries(schema.properties ?? {})) {
    visit(owner, name, member)
    eachMember(member, owner, visit)
  }
  const { items, additionalProperties, anyOf = [], oneOf = [], allOf = [] } = schema
  for (const each of [items, additionalProperties, ...anyOf, ...oneOf, ...allOf])
    if (typeof each === 'object') eachMember(each, owner, visit)
}

const routesOf = ({ paths }: Described): Route[] => Object.values(paths).flatMap((item) => Object.values(item))

/** Refusals have one schema for all operations, which is looked at once, under its own name. */
function eachNamed(document: Described, visit: Visit): void {
  for (const [name, schema] of Object.entries(document.components?.schemas ?? {})) eachMember(schema, name, visit)
  for (const { operationId: id, requestBody, responses } of routesOf(document)) {
    const answers = Object.entries(responses).filter(([status]) => Number(status) < 400)
    for (const { content = {} } of [requestBody ?? {}, ...answers.map(([, answer]) => answer)])
      for (const { schema } of Object.values(content)) eachMember(schema, id, visit)
  }
}

/** What has no words: `Schema.member`, `operation.parameter`, and operations by their ids. */
export function unsaid(served: OpenApiDocument): string[] {
  const document = served as unknown as Described
  const missing: string[] = []
  eachNamed(document, (owner, name, { description }) => {
    if (!description) missing.push(`${owner}.${name}`)
  })
  for (const { operationId: id, description, parameters = [], requestBody, responses } of routesOf(document)) {
    if (!description) missing.push(`${id} has no description`)
    for (const { name, description: says = '' } of parameters)
      if (!(name === 'limit' ? /\d+ to \d+/ : /./).test(says)) missing.push(`${id}.${name}`)
    const bodies = Object.entries(requestBody?.content ?? {})
    const answers = Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Number(status) < 300 ? Object.entries(content) : [],
    )
    for (const [type, { example }] of [...bodies, ...answers])
      if (type === 'application/json' && example === undefined) missing.push(`${id} has no example`)
    for (const [status, { headers = {} }] of Object.entries(responses))
      if (Object.keys(headers).length === 0) missing.push(`${id} names no headers of ${status}`)
  }
  return missing
}

/** Words that describe nothing: a name was misspelt, or is gone. */
export function unused(served: OpenApiDocument, words: Words): string[] {
  const document = served as unknown as Described
  const names = new Set<string>()
  const note = (owner: string, name: string) => names.add(name).add(`${owner}.${name}`)
  eachNamed(document, note)
  for (const { operationId, parameters = [] } of routesOf(document))
    for (const { name } of parameters) note(operationId, name)
  return Object.keys(words).filter((name) => !names.has(name))
}

/** The examples of an operation by the document: of its request, and of its answers by status. */
export function examplesIn(served: OpenApiDocument, id: string) {
  const route = routesOf(served as unknown as Described).find(({ operationId }) => operationId === id)
  const json = ({ content }: Content) => content?.['application/json']?.example
  const answers = Object.entries(route?.responses ?? {}).map(
    ([status, answer]) => [Number(status), json(answer)] as const,
  )
  return { request: route?.requestBody && json(route.requestBody), answers }
}

/** The refusals of an operation by the document: their codes, and a body of each code. */
export function refusalsIn(served: OpenApiDocument, id: string) {
  const document = served as unknown as Described
  const route = routesOf(document).find(({ operationId }) => operationId === id)
  const bodyOf = ({ $ref }: { $ref: string }) =>
    document.components?.examples?.[$ref.replace('#/components/examples/', '')]?.value
  return Object.entries(route?.responses ?? {}).flatMap(([status, response]) => {
    const codes = response['x-problem-codes']
    if (codes === undefined) return []
    const [media] = Object.values(response.content ?? {})
    const bodies = Object.entries(media?.examples ?? {}).map(([code, example]) => [code, bodyOf(example)] as const)
    return [{ status: Number(status), codes, bodies: Object.fromEntries(bodies) }]
  })
}

/** What the contract describes and the document does not: members by their path, parameters by their operation. */
export function unsaidOf(contract: Described, served: OpenApiDocument): string[] {
  const document = served as unknown as Described
  const missing: string[] = []
  const compare = (asked: Schema, has: Schema | undefined, at: string): void => {
    for (const [name, member] of Object.entries(asked.properties ?? {})) {
      const own = has?.properties?.[name]
      if (member.description && has && !own?.description) missing.push(`${at}.${name}`)
      compare(member, own, `${at}.${name}`)
    }
  }
  for (const [name, schema] of Object.entries(contract.components?.schemas ?? {}))
    compare(schema, document.components?.schemas?.[name], name)
  for (const [path, item] of Object.entries(contract.paths))
    for (const [method, route] of Object.entries(item)) {
      const own = document.paths[path]?.[method]
      for (const { name, in: place, description } of route.parameters ?? []) {
        const same = own?.parameters?.find(
          (each) => each.name.toLowerCase() === name?.toLowerCase() && each.in === place,
        )
        if (own && description && !same?.description) missing.push(`${own.operationId}.${name}`)
      }
    }
  return missing
}
