/**
 * The OpenAPI documents as an instance serves them: the operations of every context, and what their documents say of a
 * request and of an answer. Only what is served counts here, never the sources that it was generated from.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

export type Schema = { [keyword: string]: unknown }

export interface Parameter {
  name: string
  in: 'path' | 'query' | 'header'
  required: boolean
  schema: Schema
}

export interface ServedOperation {
  context: string
  /** Such as `noctant createAccount`. */
  title: string
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
}

interface Document {
  paths: Record<string, Record<string, OperationObject>>
  components?: { schemas?: Record<string, Schema> }
}

interface OperationObject {
  operationId: string
  'x-required-scopes'?: string[]
  parameters?: (Omit<Parameter, 'required'> & { required?: boolean })[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** Refusals of the kernel, which come before any operation and which no operation documents. */
const KERNEL_STATUSES = [413, 415]

const pointer = (...parts: (string | number)[]): string =>
  parts.map((part) => encodeURIComponent(String(part).replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')

/** The operations of one context's document. */
export function operationsOf(context: string, document: Document): ServedOperation[] {
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
    const parameters = (operation.parameters ?? []).map((each) => ({ ...each, required: each.required === true }))
    const body = operation.requestBody?.content['application/json']?.schema
    return {
      context,
      title: `${context} ${operation.operationId}`,
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
        const index = parameters.findIndex(({ name }) => name === parameter.name)
        const validate = at(path, method, 'parameters', index, 'schema')
        const types = [parameter.schema.type].flat()
        const value = types.includes('integer') && /^-?\d+$/.test(text) ? Number(text) : text
        return validate ? fault(validate, value) : undefined
      },
      answerFault(status, value) {
        if (KERNEL_STATUSES.includes(status)) return undefined
        const content = ['application/json', 'application/problem+json']
        const [validate] = content.flatMap(
          (type) => at(path, method, 'responses', status, 'content', type, 'schema') ?? [],
        )
        if (!validate) return `status ${status} is not documented`
        return fault(validate, value)
      },
    }
  }
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => served(path, method, operation)),
  )
}

/** Every operation of every context that `/docs` lists. */
export async function servedOperations(url: string): Promise<ServedOperation[]> {
  const page = await (await fetch(`${url}/docs`)).text()
  const contexts = [...page.matchAll(/href="\/([a-z]+)\/openapi\.json"/g)].map(([, name = '']) => name)
  const documents = await Promise.all(
    contexts.map(async (name) =>
      operationsOf(name, (await (await fetch(`${url}/${name}/openapi.json`)).json()) as Document),
    ),
  )
  return documents.flat()
}
