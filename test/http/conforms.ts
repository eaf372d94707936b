/** Answers held against the document that is served: what it does not say of one, nobody may be sent. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { expect } from 'vitest'
import { documentsOf } from '../../src/http/app.ts'
import { headersBeyond } from '../suites/served-contract.ts'
import { apis } from '../support/contexts.ts'
import type { Answer } from './api.ts'

const served = new Map(documentsOf(apis).map(({ name, document }) => [name, document]))
const schemas = new Ajv2020({ strict: false, allErrors: true })
addFormats.default(schemas)
for (const [name, document] of served) schemas.addSchema({ ...document, $id: name })

interface Described {
  responses: Record<number, { description?: string; headers?: object }>
}

/** Fails where the context's document says nothing of such an answer, or something else. */
export function conforms(method: string, path: string, { status, headers, body }: Answer, context = 'noctant'): void {
  const templates = Object.entries((served.get(context)?.paths ?? {}) as Record<string, Record<string, unknown>>)
  const [template, item] =
    templates.find(([each]) => new RegExp(`^${each.replaceAll(/\{[^}]+\}/g, '[^/]+')}$`).test(path)) ?? []
  const operation = item?.[method.toLowerCase()]
  const { responses = {} } = (operation ?? {}) as Partial<Described>
  const documented = responses[status]
  if (documented) expect(headersBeyond(documented.headers, headers.keys()), `${method} ${path} ${status}`).toEqual([])
  // What no operation documents are the kernel's own refusals; 204 has no body to describe.
  if (!operation || [204, 405, 408, 413, 415, 500].includes(status)) return
  const pointer = (text = '') =>
    text.replaceAll('~', '~0').replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')
  const contentType = headers.get('content-type')?.split(';')[0] ?? ''
  const at = `responses/${status}/content/${pointer(contentType)}/schema`
  const validate = schemas.getSchema(`${context}#/paths/${pointer(template)}/${method.toLowerCase()}/${at}`)
  if (!validate) throw new Error(`${method} ${path} does not document ${status} as ${contentType}`)
  const { description = '' } = documented ?? {}
  // The document names every code that an operation answers with.
  const code = body?.code ?? body?.error?.type
  if (status >= 400 && code !== undefined) {
    expect(description.match(/\w+/g), `${method} ${path} ${status}`).toContain(code)
  }
  const fits = validate(body)
  expect(validate.errors, `${method} ${path} ${status} ${JSON.stringify(body)}`).toBeNull()
  expect(fits).toBe(true)
}
