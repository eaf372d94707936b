/** Refusals in people's words: what a value must be, never what the code that looked at it saw. */
import { z } from '@hono/zod-openapi'
import { describe, expect, it } from 'vitest'
import { complaint } from '../../src/http/complaints.ts'
import { documentOf } from '../../src/http/document.ts'
import { inexact, parseJson } from '../../src/http/json.ts'
import { decimalInput, text, timeInput, uuid } from '../../src/http/schemas.ts'
import { bodySpecOf } from '../../src/http/validation.ts'
import { examplesIn } from '../suites/described.ts'
import { apis } from '../support/contexts.ts'

const complaintsOf = (schema: z.ZodType, value: unknown) =>
  schema.safeParse(value, { error: complaint }).error?.issues ?? []

const table: readonly (readonly [schema: z.ZodType, value: unknown, says: string])[] = [
  [z.string(), undefined, 'is missing'],
  [decimalInput, undefined, 'is missing'],
  [decimalInput, 'ten', 'must be a decimal such as 100.50'],
  [decimalInput, true, 'must be a decimal such as 100.50'],
  [decimalInput, '1'.repeat(42), 'must have at most 40 digits'],
  [uuid, 'me', 'must be a UUID'],
  [uuid, 7, 'must be text'],
  [timeInput, 'noon', 'must be a date and time such as 2026-03-02T09:00:00Z'],
  [z.boolean(), 'yes', 'must be true or false'],
  [z.int(), 1.5, 'must be a whole number'],
  [z.int(), inexact('9007199254740993'), 'must be a number that 15 digits can hold'],
  [z.int().min(1), 0, 'must be at least 1'],
  [z.int(), '7', 'must be a number'],
  [z.number().max(0.5), 0.6, 'must be at most 0.5'],
  [text(5), 'longer', 'must have at most 5 characters'],
  [text(5, 1), '', 'must not be empty'],
  [z.enum(['open', 'closed']), 'ajar', 'must be one of open, closed'],
  [z.union([z.enum(['open']), z.null()]), 'ajar', 'must be open'],
  [z.union([uuid, z.array(z.object({ weight: z.int() }))]), [{ weight: '1' }], '0/weight must be a number'],
  [z.union([uuid, z.array(z.object({ weight: z.int() }))]), 7, 'must be text'],
  [z.object({}), [], 'must be an object'],
  [z.object({ a: z.int().optional() }), inexact('9007199254740993'), 'must be an object'],
  [z.looseObject({}), inexact('9007199254740993'), 'must be an object'],
  [z.record(z.string(), z.unknown()), inexact('9007199254740993'), 'must be an object'],
  [z.strictObject({}), { a: 1 }, 'has members that nothing is known of: a'],
]

it.each(table.map(([schema, value, says], at) => ({ at, schema, value, says })))(
  '$at: $says',
  ({ schema, value, says }) => {
    expect(complaintsOf(schema, value).map(({ message }) => message)).toStrictEqual([says])
  },
)

const CODE = /received|expected|[Ii]nvalid|input|undefined|zod|InexactNumber|JsonSource|\bNaN\b/
const unfit = [null, undefined, 7, -1, 1.5, 'x', '', [], {}, true, inexact('1e999'), 'x'.repeat(10_000)]

const withBody = apis.flatMap((api) => {
  const document = documentOf(api)
  // Whoever answers over the connection itself judges its body itself.
  const judged = api.operations.filter(({ isDirect }) => !isDirect)
  return judged.flatMap(({ id, body }) => {
    const { request } = examplesIn(document, id)
    const spec = bodySpecOf(body)
    return request === undefined || spec?.kind !== 'json' ? [] : [{ id, spec, request }]
  })
})

/** Names of members that a body may have; an example has only those that it must have. */
const membersOf = (schema: z.ZodType): string[] => {
  if (schema instanceof z.ZodObject) return Object.keys(schema.shape)
  return schema instanceof z.ZodPipe ? membersOf(schema.in as z.ZodType) : []
}

describe('refusals', () => {
  it.each(withBody)('have no word of our code for any member of $id', ({ spec, request }) => {
    const bytes = new TextEncoder().encode(JSON.stringify(request))
    const valid = parseJson(bytes, { depthMax: 32, tokensMax: 1_000 }, spec.verbatim) as Record<string, unknown>
    const names = new Set([...Object.keys(valid), ...membersOf(spec.schema)])
    const issues = [...names].flatMap((name) =>
      unfit.flatMap((value) => complaintsOf(spec.schema, { ...valid, [name]: value })),
    )
    expect(issues.length).toBeGreaterThan(0)
    expect(issues.map(({ message }) => message).filter((message) => CODE.test(message))).toStrictEqual([])
  })
})
