/** A context's operations as its OpenAPI document describes them: what it says of a request and of an answer. */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import type { OpenApiDocument } from '../../src/http/document.ts'

export type Schema = { [keyword: string]: unknown }

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: Schema
}

export interface ServedOperation {
  /** The contract's operationId. */
  id: string
  /** What answers know under another name. */
  aliases: Readonly<Record<string, string>>
  /** Texts that members of these names may well have. */
  texts: Readonly<Record<string, readonly string[]>>
  method: string
  path: string
  scopes: readonly string[]
  parameters: readonly Parameter[]
  /** undefined: the operation takes no body. */
  body: Schema | undefined
  /** Follows `$ref`. */
  resolve(schema: Schema): Schema
  /** What the document has against a body; undefined: nothing. */
  bodyFault(body: unknown): string | undefined
  /** The same of a parameter's text. */
  parameterFault(parameter: Parameter, text: string): string | undefined
  /** What the document has against an answer: an undocumented status, or a body that does not fit. */
  answerFault(status: number, body: unknown): string | undefined
  /** Those of an answer's headers that the document does not name. */
  unnamedHeaders(status: number, headers: readonly string[]): string[]
}

interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components?: { schemas?: Record<string, Schema> }
}

interface OperationObject {
  operationId: string
  'x-required-scopes'?: string[]
  responses: Record<string, { content?: object; headers?: object }>
  parameters?: (Omit<Parameter, 'required'> & { required?: boolean })[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** Where a request's parameters stand; cookies sign in, and are sent as credentials are. */
const PLACES = ['path', 'query', 'header']

/** Refusals of the kernel, which come before any operation and which no operation documents. */
const KERNEL_STATUSES = [413, 415]

/** Headers of the connection and of the body as such, and one for browsers alone, which no document names. */
const UNNAMED =
  /^(connection|keep-alive|upgrade|date|transfer-encoding|content-length|content-type|x-content-type-options)$/

/** Those of an answer's headers (in lower case) that are not among the ones that its status is documented with. */
export function headersBeyond(documented: object | undefined, sent: Iterable<string>): string[] {
  const named = new Set(Object.keys(documented ?? {}).map((name) => name.toLowerCase()))
  return [...sent].filter((name) => !UNNAMED.test(name) && !named.has(name))
}

const pointer = (...parts: (string | number)[]): string =>
  parts.map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')

/** The operations of one context's document. */
export function operationsOf(
  context: string,
  described: OpenApiDocument,
  aliases: ServedOperation['aliases'],
  texts: ServedOperation['texts'] = {},
): ServedOperation[] {
  const document = described as unknown as Document
  const schemas = new Ajv2020({ strict: false, allErrors: false, schemas: [{ ...document, $id: context }] })
  addFormats.default(schemas)
  const fault = (validate: ValidateFunction, value: unknown) =>
    validate(value) ? undefined : schemas.errorsText(validate.errors)
  const at = (...parts: (string | number)[]) => schemas.getSchema(`${context}#/paths/${pointer(...parts)}`)
  const resolve = (schema: Schema): Schema =>
    typeof schema.$ref === 'string'
      ? (document.components?.schemas?.[schema.$ref.replace('#/components/schemas/', '')] ?? {})
      : schema

  const served = (path: string, method: string, operation: OperationObject): ServedOperation => {
    const listed = (operation.parameters ?? []).filter(({ in: place }) => PLACES.includes(place))
    const parameters = listed.map((each) => ({ ...each, required: each.required === true }))
    const body = operation.requestBody?.content['application/json']?.schema
    return {
      id: operation.operationId,
      ...{ aliases, texts },
      method: method.toUpperCase(),
      path,
      scopes: operation['x-required-scopes'] ?? [],
      parameters,
      body,
      resolve,
      bodyFault(value) {
        const validate = at(path, method, 'requestBody', 'content', 'application/json', 'schema')
        return validate ? fault(validate, value) : undefined
      },
      parameterFault(parameter, text) {
        const isThis = ({ name, in: place }: { name: string; in: string }) =>
          name === parameter.name && place === parameter.in
        const index = operation.parameters?.findIndex(isThis) ?? 0
        const validate = at(path, method, 'parameters', index, 'schema')
        const types = [parameter.schema.type].flat()
        const isNumber = types.includes('integer') && /^-?\d+$/.test(text)
        const isFlag = types.includes('boolean') && /^(true|false)$/.test(text)
        const value = isNumber ? Number(text) : isFlag ? text === 'true' : text
        return validate ? fault(validate, value) : undefined
      },
      answerFault(status, value) {
        if (KERNEL_STATUSES.includes(status)) return undefined
        const content = ['application/json', 'application/problem+json']
        const [validate] = content.flatMap(
          (type) => at(path, method, 'responses', status, 'content', type, 'schema') ?? [],
        )
        const says = operation.responses[status]
        if (says && !says.content)
          return value === undefined ? undefined : `status ${status} is documented without a body`
        if (!validate) return `status ${status} is not documented`
        return fault(validate, value)
      },
      unnamedHeaders(status, headers) {
        if (KERNEL_STATUSES.includes(status)) return []
        return headersBeyond(operation.responses[status]?.headers, headers)
      },
    }
  }
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => served(path, method, operation)),
  )
}
