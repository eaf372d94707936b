/** What noctant's contract wants of every operation beside what the suites hold all contexts to. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { apiScope } from '../../../src/events/noctant/vocabulary.ts'
import { documentOf } from '../../../src/http/document.ts'
import { noctant } from '../../../src/http/noctant/api.ts'
import { operations } from '../../../src/http/noctant/operations.ts'
import { root } from '../../support/source.ts'

const { paths = {} } = documentOf(noctant)

it.each(operations)(
  '$id documents the statuses that the contract gives to all, and asks for known scopes',
  (operation) => {
    const { path, method, access } = operation
    const { responses = {} } = paths[path]?.[method] ?? {}
    expect(Object.keys(responses)).toEqual(expect.arrayContaining(['400', '401', '403', '404', '409', '429', '503']))
    for (const { scopes } of access.alternatives) expect(apiScope.options).toEqual(expect.arrayContaining([...scopes]))
  },
)

it('has every operation that the page about using the API sends a request to', () => {
  const page = readFileSync(join(root, 'docs', 'api.md'), 'utf8')
  const sent = [...page.matchAll(/^ {4}.*\bapi ([A-Z]+) ["']?(\/v1[^\s'"?]*)/gm)]
  const named = sent.map(([, method = '', path = '']) => `${method.toLowerCase()} ${path.replaceAll(/\$\w+/g, '{}')}`)
  const served = operations.map(({ method, path }) => `${method} ${path.replaceAll(/\{\w+\}/g, '{}')}`)
  expect(named.length).toBeGreaterThan(9)
  expect(served).toEqual(expect.arrayContaining(named))
})
