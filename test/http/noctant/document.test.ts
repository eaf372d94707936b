/** What noctant's contract wants of every operation beside what the suites hold all contexts to. */
import { expect, it } from 'vitest'
import { apiScope } from '../../../src/events/noctant/vocabulary.ts'
import { documentOf } from '../../../src/http/document.ts'
import { noctant } from '../../../src/http/noctant/api.ts'
import { operations } from '../../../src/http/noctant/operations.ts'

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
