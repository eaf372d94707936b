/**
 * Bruno collections of the contexts, made of their documents: a file for each operation in the document's order, with its
 * examples, the key as a variable. Bruno opens the folder as it is.
 */

interface Parameter {
  name?: string
  in?: string
  description?: string
  required?: boolean
  example?: unknown
  $ref?: string
}

interface Operation {
  operationId: string
  summary?: string
  description?: string
  tags?: readonly string[]
  security?: readonly Readonly<Record<string, unknown>>[]
  parameters?: readonly Parameter[]
  requestBody?: {
    content?: Readonly<Record<string, { example?: unknown; examples?: Record<string, { value?: unknown }> }>>
  }
}

interface Scheme {
  type: string
  scheme?: string
  in?: string
  name?: string
}

export interface BrunoDocument {
  info: { title: string }
  servers?: readonly { url: string }[]
  paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  components?: {
    parameters?: Readonly<Record<string, Parameter>>
    securitySchemes?: Readonly<Record<string, unknown>>
  }
}

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const
/** Where an instance answers that `npm start` has started. */
const URL_DEFAULT = 'http://127.0.0.1:8080'

/** By their paths below the collection's folder. */
export function brunoCollection(name: string, described: object): Map<string, string> {
  const document = described as BrunoDocument
  const files = new Map<string, string>()
  const manifest = { version: '1', name: `opslog ${name}`, type: 'collection', ignore: [] }
  files.set('bruno.json', `${JSON.stringify(manifest, null, 2)}\n`)
  files.set('environments/local.bru', block('vars', [['url', URL_DEFAULT]]) + secretBlock(['key']))
  let sequence = 0
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [key, given] of Object.entries(item)) {
      const method = METHODS.find((each) => each === key)
      if (!method) continue
      const operation = given as Operation
      sequence += 1
      const folder = (operation.tags?.[0] ?? 'Other').replaceAll(/[^\w -]/g, ' ')
      files.set(`${folder}/${operation.operationId}.bru`, requestOf(document, { path, method, operation, sequence }))
    }
  }
  return files
}

interface Asked {
  path: string
  method: (typeof METHODS)[number]
  operation: Operation
  sequence: number
}

function requestOf(document: BrunoDocument, { path, method, operation, sequence }: Asked): string {
  const base = document.servers?.[0]?.url ?? ''
  const parameters = (operation.parameters ?? []).map((each) => resolved(document, each))
  const of = (place: string) => parameters.filter((each) => each.in === place)
  const body = bodyOf(operation)
  const asked = of('query').filter(({ required }) => required)
  const query =
    asked.length === 0 ? '' : `?${asked.map(({ name }) => `${name}=${textOf(exampleOf(asked, name))}`).join('&')}`
  const url = `{{url}}${base}${path.replaceAll(/\{(\w+)\}/g, ':$1')}${query}`
  const isJson = body !== undefined
  const { mode, block: authentication } = signInOf(document, operation)
  const optional = (each: Parameter) => `${each.required ? '' : '~'}${each.name}`
  return [
    block('meta', [
      ['name', operation.summary ?? operation.operationId],
      ['type', 'http'],
      ['seq', String(sequence)],
    ]),
    block(method, [
      ['url', url],
      ['body', isJson ? 'json' : 'none'],
      ['auth', mode],
    ]),
    parametersBlock(
      'params:query',
      of('query').map((each) => [optional(each), textOf(each.example)]),
    ),
    parametersBlock(
      'params:path',
      of('path').map((each) => [each.name ?? '', textOf(each.example)]),
    ),
    // What says who asks is the collection's.
    parametersBlock(
      'headers',
      of('header').map((each) => [optional(each), textOf(each.example)]),
    ),
    authentication,
    isJson ? `body:json {\n${indented(JSON.stringify(body, null, 2))}\n}\n` : '',
    operation.description ? `docs {\n${indented(operation.description)}\n}\n` : '',
  ]
    .filter((each) => each !== '')
    .join('\n')
}

/** The first way of signing in; the key is a variable of the environment. */
function signInOf(document: BrunoDocument, { security = [] }: Operation): { mode: string; block: string } {
  const [name] = security.flatMap((each) => Object.keys(each))
  const scheme = name === undefined ? undefined : (document.components?.securitySchemes?.[name] as Scheme | undefined)
  if (!scheme) return { mode: 'none', block: '' }
  if (scheme.type === 'http') return { mode: 'bearer', block: block('auth:bearer', [['token', '{{key}}']]) }
  const placement = scheme.in === 'query' ? 'queryparams' : 'header'
  if (scheme.type !== 'apiKey' || scheme.in === 'cookie') return { mode: 'none', block: '' }
  const key: [string, string][] = [
    ['key', scheme.name ?? ''],
    ['value', '{{key}}'],
    ['placement', placement],
  ]
  return { mode: 'apikey', block: block('auth:apikey', key) }
}

function bodyOf({ requestBody }: Operation): unknown {
  const json = requestBody?.content?.['application/json']
  if (!json) return undefined
  return json.example ?? Object.values(json.examples ?? {})[0]?.value ?? {}
}

function resolved({ components }: BrunoDocument, parameter: Parameter): Parameter {
  const name = parameter.$ref?.split('/').at(-1)
  return name === undefined ? parameter : (components?.parameters?.[name] ?? parameter)
}

const exampleOf = (of: readonly Parameter[], name: string | undefined): unknown =>
  of.find((each) => each.name === name)?.example

const textOf = (example: unknown): string =>
  example === undefined || example === null
    ? ''
    : typeof example === 'object'
      ? JSON.stringify(example)
      : String(example).replaceAll('\n', ' ')

const indented = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`.trimEnd())
    .join('\n')

const block = (name: string, entries: readonly (readonly [string, string])[]): string =>
  `${name} {\n${entries.map(([key, value]) => `  ${key}: ${value}`.trimEnd()).join('\n')}\n}\n`

const secretBlock = (names: readonly string[]): string =>
  `vars:secret [\n${names.map((name) => `  ${name}`).join(',\n')}\n]\n`

const parametersBlock = (name: string, entries: readonly (readonly [string, string])[]): string =>
  entries.length === 0 ? '' : block(name, entries)
