/** Bruno's collections, read by Bruno's own parser: every operation is there once, with its key as a variable. */
import { createRequire } from 'node:module'
import { describe, expect, it } from 'vitest'
import { type BrunoDocument, brunoCollection } from '../../scripts/bruno.ts'
import { documentsOf } from '../../src/http/app.ts'
import { apis } from '../support/contexts.ts'

interface Parsed {
  meta: { name: string; type: string; seq: string }
  http: { method: string; url: string; body: string; auth: string }
  body?: { json?: string }
  auth?: Record<string, Record<string, string>>
  params?: { name: string; value: string; type: string; enabled: boolean }[]
}
// It is written for CommonJS and has no types.
const { bruToJsonV2, bruToEnvJsonV2 } = createRequire(import.meta.url)('@usebruno/lang') as {
  bruToJsonV2: (text: string) => Parsed
  bruToEnvJsonV2: (text: string) => { variables: { name: string; value: string; secret: boolean }[] }
}

const documents = documentsOf(apis).map(({ name, document }) => ({ name, document: document as object }))

describe.each(documents)('the collection of $name', ({ name, document }) => {
  const files = brunoCollection(name, document)
  const requests = [...files].filter(([path]) => path.endsWith('.bru') && !path.startsWith('environments/'))
  const operations = Object.values((document as BrunoDocument).paths).flatMap((item) =>
    Object.values(item as Record<string, { operationId?: string }>).flatMap(({ operationId }) => operationId ?? []),
  )

  it('has every operation once, in the document’s order', () => {
    const names = requests.map(([path]) => path.split('/').at(-1)?.replace('.bru', ''))
    expect(names).toEqual(operations)
    expect(requests.map(([, text]) => bruToJsonV2(text).meta.seq)).toEqual(names.map((_, at) => String(at + 1)))
  })

  it('is read by Bruno, with addresses, bodies and keys', () => {
    for (const [path, text] of requests) {
      const { http, body, auth, meta } = bruToJsonV2(text)
      expect([path, meta.type, http.url.startsWith('{{url}}/')]).toEqual([path, 'http', true])
      if (http.body === 'json') expect(() => JSON.parse(body?.json ?? ''), path).not.toThrow()
      if (http.auth === 'bearer') expect(auth?.bearer?.token, path).toBe('{{key}}')
      const named = [...http.url.split('?')[0]!.matchAll(/:(\w+)/g)].map(([, each]) => each)
      const inPath = (bruToJsonV2(text).params ?? []).filter(({ type }) => type === 'path').map((each) => each.name)
      expect([path, inPath.toSorted()]).toEqual([path, named.toSorted()])
    }
  })

  it('names the address of an instance, and keeps the key secret', () => {
    const { variables } = bruToEnvJsonV2(files.get('environments/local.bru') ?? '')
    expect(variables.map(({ name: each, secret }) => [each, secret])).toEqual([
      ['url', false],
      ['key', true],
    ])
    expect(JSON.parse(files.get('bruno.json') ?? '').type).toBe('collection')
  })
})
