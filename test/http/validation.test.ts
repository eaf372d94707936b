/** The step that holds requests against their route. The operations' own tests cover what it takes; here is what is odd. */
import { z } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { AppEnv } from '../../src/http/environment.ts'
import { validateRequest } from '../../src/http/validation.ts'

const DEPTH_MAX = 8

/** What the handler is given of a query. */
async function queried(query: string, schema: z.ZodType): Promise<unknown> {
  const validate = validateRequest({ request: { query: schema } }, DEPTH_MAX)
  const app = new Hono<AppEnv>().get('/', (c) => {
    validate(c)
    return c.json(c.req.valid('query' as never))
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

describe('a route', () => {
  const content = { 'application/json': { schema: z.object({}) } }

  it.each([
    ['cookies', { cookies: z.object({}) }],
    ['a body that may be absent', { body: { content } }],
    ['a form', { body: { required: true, content: { 'multipart/form-data': { schema: z.object({}) } } } }],
  ])('that takes %s is refused at the start, since nothing would validate it', (_, request) => {
    expect(() => validateRequest({ request }, DEPTH_MAX)).toThrow(z.ZodError)
  })
})
