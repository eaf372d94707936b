/**
 * A request against its route's schemas: what the handler takes from `c.req.valid` has passed them. All parts in one step
 * and synchronously: zod then checks objects with code made for the schema, and Hono has no step for each part to pass
 * through, which together cost a command a tenth of its time.
 */
import { parse } from 'node:querystring'
import type { Context } from 'hono'
import type { ValidationTargets } from 'hono/types'
import { getQueryStrings } from 'hono/utils/url'
import { z } from 'zod'
import { parsedBody } from './body.ts'
import type { AppEnv } from './environment.ts'
import { jsonPointer } from './json.ts'
import { type FieldError, Problem } from './problem.ts'

/** What a route says of its requests, as createRoute takes it. */
interface Described {
  request?: Partial<Record<'query' | 'params' | 'headers' | 'cookies' | 'body', unknown>>
}

type Part = [target: keyof ValidationTargets, schema: z.ZodType, read: (c: Context<AppEnv>) => unknown]

const readable = z.strictObject({
  query: z.instanceof(z.ZodType).optional(),
  params: z.instanceof(z.ZodType).optional(),
  headers: z.instanceof(z.ZodObject).optional(),
  body: z
    .object({
      required: z.literal(true),
      content: z.strictObject({ 'application/json': z.object({ schema: z.instanceof(z.ZodType) }) }),
    })
    .optional(),
})

/**
 * The step that validates requests of a route: query, path, headers and JSON body, in this order. It throws a Problem
 * with the complaints about the first of them that does not fit, and MalformedJson. Throws at once where a route
 * describes what is not read here: cookies, forms, a body that may be absent.
 */
export function validateRequest({ request = {} }: Described, jsonDepthMax: number): (c: Context<AppEnv>) => void {
  const { query, params, headers, body } = readable.parse(request)
  const parts: Part[] = []
  if (query) parts.push(['query', query, queryOf])
  if (params) parts.push(['param', params, (c) => c.req.param()])
  if (headers) {
    const names = Object.keys(headers.shape)
    parts.push(['header', headers, (c) => Object.fromEntries(names.map((name) => [name, c.req.header(name)]))])
  }
  if (body) parts.push(['json', body.content['application/json'].schema, (c) => parsedBody(c, jsonDepthMax)])
  return (c) => {
    for (const [target, schema, read] of parts) {
      const result = schema.safeParse(read(c))
      if (!result.success) throw validationFailed(target, result.error)
      c.req.addValidatedData(target, result.data as object)
    }
  }
}

/** A parameter that is given once is a text, one that is repeated a list. */
function queryOf(c: Context<AppEnv>): unknown {
  const query = getQueryStrings(c.req.url).slice('?'.length)
  // As many as there are: node's parser holds the whole head of a request to its limit. And an object like any other.
  return { ...parse(query, '&', '=', { maxKeys: 0 }) }
}

/** A schema's complaints, each with the place it is about: a JSON pointer into the body, or `query/limit` and the like. */
function validationFailed(target: string, error: z.ZodError): Problem {
  const errors = error.issues.map((issue): FieldError => {
    const pointer = jsonPointer(issue.path)
    const place = target === 'json' ? pointer : `${target === 'param' ? 'path' : target}${pointer}`
    return { pointer: place, code: issue.code ?? 'invalid', detail: issue.message }
  })
  const named = errors.map(({ pointer, detail }) => `${pointer || 'the body'}: ${detail}`)
  return new Problem('validation_failed', named.join('; '), { errors })
}
