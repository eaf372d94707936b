/** No body of any operation has a list, a record or a text whose elements are looked at before their number. */
import { z } from '@hono/zod-openapi'
import { describe, expect, it } from 'vitest'
import type { Operation } from '../../src/http/operation.ts'
import { boundedText, jsonSource, listOf, recordOf, text, uuid } from '../../src/http/schemas.ts'
import { bodySpecOf } from '../../src/http/validation.ts'
import { apis } from '../support/contexts.ts'
import { unboundedIn } from './bounded-bodies.ts'

const operations = apis
  .flatMap((api) => [...api.operations, ...(api.apart?.operations ?? [])] as readonly Operation[])
  .filter(({ isDirect }) => !isDirect)
/** A text of so many characters is in no usual body. */
const FAR_TOO_LONG = 200_000
const bodies = operations.flatMap(
  ({ id, body, bodyMaxBytes = 0 }): [id: string, schema: z.ZodType, textLength: number][] => {
    const spec = bodySpecOf(body)
    return spec?.kind === 'json' ? [[id, spec.schema, Math.max(FAR_TOO_LONG, bodyMaxBytes + 1)]] : []
  },
)

describe('the body of', () => {
  it.each(bodies)('%s has its lengths bounded before its elements', (_id, schema, textLength) => {
    expect(unboundedIn(schema, textLength)).toStrictEqual([])
  })

  it('each context that has any is among them', () => {
    expect(bodies.length).toBeGreaterThan(40)
  })
})

describe('a schema', () => {
  it.each<[string, z.ZodType, string[]]>([
    ['a bare list', z.array(z.number()), ['body: a list']],
    ['a list with its own bound, which comes too late', z.array(z.number()).max(3), ['body: a list']],
    ['a list whose step looks at every element first', z.preprocess(sumFirst, z.array(z.number())), ['body: a list']],
    ['anything whose check looks at every element first', z.any().refine(sumsUpFirst), ['body: a list']],
    ['of its own, and looks at every element first', z.custom(sumsUpFirst), ['body: a list']],
    ['a bare record', z.record(z.string(), z.number()), ['body: a record']],
    [
      'a bare text, deep inside',
      z.object({ a: z.array(z.object({ b: z.string() })).optional() }),
      ['body.a: a list', 'body.a[].b: a text'],
    ],
    ['a text by its pattern alone', z.string().regex(/^[a-z]+$/), ['body: a text']],
    ['a bounded list of unbounded texts', listOf(z.string(), 3), ['body[]: a text']],
    ['a record in a union', z.union([z.null(), z.record(z.string(), text(3))]), ['body: a record']],
  ])('that is %s is found', (_what, schema, found) => {
    expect(unboundedIn(schema)).toStrictEqual(found)
  })

  it('that is made by the house’s helpers is bounded', () => {
    const members = {
      a: text(3),
      b: boundedText(3),
      c: uuid,
      d: listOf(uuid, 3),
      e: recordOf(text(3), 3),
      f: jsonSource(3),
    }
    expect(
      unboundedIn(z.object({ ...members, g: z.enum(['x']).nullish(), h: z.object(members).optional() })),
    ).toStrictEqual([])
  })
})

function sumFirst(given: unknown): unknown {
  return Array.isArray(given) && given.reduce((sum: number, each: number) => sum + each, 0) > 3 ? null : given
}

const sumsUpFirst = (given: unknown): boolean =>
  Array.isArray(given) && given.every((each) => each === 0) && given.length < 4
