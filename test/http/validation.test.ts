/** The step that holds requests against their route. The operations' own tests cover what it takes; here is what is odd. */
import { z } from '@hono/zod-openapi'
import { Context, Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { AppEnv } from '../../src/http/environment.ts'
import type { Problem } from '../../src/http/errors.ts'
import { MalformedJson } from '../../src/http/json.ts'
import { listOf } from '../../src/http/schemas.ts'
import { validateRequest } from '../../src/http/validation.ts'
import { exchangeOf } from './exchange.ts'

const limits = { depthMax: 8, tokensMax: 1_000_000 }

/** What the handler is given of a query. */
async function queried(query: string, schema: z.ZodObject): Promise<unknown> {
  const validate = validateRequest({ query: schema }, limits)
  const app = new Hono<AppEnv>().get('/', (c) => {
    return c.json(validate(c, undefined).query)
  })
  app.onError((error, c) => c.text(error.message, 400))
  const answer = await app.request(`/?${query}`)
  return answer.ok ? answer.json() : answer.text()
}

describe('a query', () => {
  const schema = z.looseObject({ state: z.string().optional() })

  it('has one text for a parameter that is given once', async () => {
    expect(await queried('state=open', schema)).toStrictEqual({ state: 'open' })
  })

  it('ends where a fragment begins, which a browser would have kept to itself', async () => {
    expect(await queried('state=open%23#state=closed', schema)).toStrictEqual({ state: 'open#' })
    expect(await queried('state=a+b%2B', schema)).toStrictEqual({ state: 'a b+' })
  })

  it('is refused where a parameter that takes one text is repeated', async () => {
    expect(await queried('state=open&state=closed', schema)).toMatch(/^query\/state: /)
  })

  it('may name what every object has without becoming it', async () => {
    const value = await queried('__proto__=x&constructor=y', schema)
    expect(Object.keys(value as object)).toContain('constructor')
    expect(({} as Record<string, unknown>).x).toBeUndefined()
  })
})

it('what comes with a request that needs no body may be any JSON, but nothing else', () => {
  const validated = (sent?: string) => {
    const c = new Context<AppEnv>(new Request('http://localhost/', { method: 'POST' }))
    return validateRequest({}, limits)(c, sent === undefined ? undefined : Buffer.from(sent)).body
  }
  for (const ignored of [undefined, '{}', '[1]', '7', '{"a":{"b":null}}']) expect(validated(ignored)).toBeUndefined()
  for (const broken of ['{', 'x', '{"a":1,"a":2}', '['.repeat(9) + ']'.repeat(9)]) {
    expect(() => validated(broken), broken).toThrow(MalformedJson)
  }
})

describe('a list that is longer than it may be', () => {
  const body = z.object({ numbers: listOf(z.number(), 10) })
  const validated = (numbers: readonly unknown[]) => {
    const validate = validateRequest({ body }, limits)
    const c = new Context<AppEnv>(new Request('http://localhost/'))
    c.set('exchange', exchangeOf('id'))
    try {
      return { body: validate(c, Buffer.from(JSON.stringify({ numbers }))).body, problem: undefined }
    } catch (error) {
      return { body: undefined, problem: error as Problem }
    }
  }

  it('is refused by its length alone, before any of its elements is looked at', () => {
    const { problem } = validated(Array.from({ length: 200_000 }, () => 'no number'))
    expect(problem?.errors).toStrictEqual([
      { pointer: '/numbers', code: 'custom', detail: 'must have at most 10 elements' },
    ])
  })

  it('is taken up to its bound, which the document does not have to show', () => {
    expect(validated([1, 2, 3]).body).toStrictEqual({ numbers: [1, 2, 3] })
  })
})

it('a refusal lists at most 20 faults, names three and counts the rest', () => {
  const members = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`m${at}`, z.string()]))
  const validate = validateRequest({ body: z.object(members) }, limits)
  const c = new Context<AppEnv>(new Request('http://localhost/'))
  c.set('exchange', exchangeOf('id'))
  const faults = () => validate(c, Buffer.from('{}'))
  expect(faults).toThrow(/^\/m0: .*; \/m1: .*; \/m2: .*; and 47 more$/)
  expect(() => faults()).toThrow(expect.objectContaining({ errors: expect.objectContaining({ length: 20 }) }))
})

describe('members that a body’s schema does not have', () => {
  const schema = z.object({
    name: z.string(),
    inner: z.object({ known: z.number() }).nullish(),
    free: z.looseObject({ at: z.string() }).optional(),
    spelled: z
      .object({ text: z.string() })
      .transform(({ text }) => text)
      .optional(),
  })
  const ignored = (body: object) => {
    const c = new Context<AppEnv>(new Request('http://localhost/'))
    c.set('exchange', exchangeOf('id'))
    validateRequest({ body: schema }, limits)(c, Buffer.from(JSON.stringify(body)))
    return c.get('exchange').headers['x-opslog-ignored-members']
  }

  it('are named, inner ones too, in letters that a header takes', () => {
    expect(ignored({ name: 'a', nmae: 'b', 'ü, /x': 1 })).toBe('/nmae, /%C3%BC%2C%20~1x')
    expect(ignored({ name: 'a', inner: { known: 1, Known: 2 }, spelled: { text: 'x', txt: 1 } })).toBe(
      '/inner/Known, /spelled/txt',
    )
  })

  it('are none where all are known, or any are taken', () => {
    expect(ignored({ name: 'a', inner: null, free: { at: 'x', other: { more: 1 } } })).toBeUndefined()
  })

  it('are at most ten', () => {
    const many = Object.fromEntries(Array.from({ length: 500 }, (_, n) => [`m${n}`, n]))
    expect(ignored({ name: 'a', ...many })?.split(', ')).toHaveLength(10)
  })
})
