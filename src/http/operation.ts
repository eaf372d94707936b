/**
 * One operation of a contract: its route, described once for the validators and for the document, and a handler that is
 * given what it needs when the application is put together. Documents are generated from the routes alone.
 */
import { type createRoute, type RouteHandler, z } from '@hono/zod-openapi'
import type { Context, Hono } from 'hono'
import { requireScopes } from './auth.ts'
import type { AppEnv } from './environment.ts'
import { problems } from './problem.ts'
import { validateRequest } from './validation.ts'

/** A route as createRoute makes it, and the scopes that it asks for. */
export type Route = ReturnType<typeof createRoute> & { 'x-required-scopes': readonly string[] }

export interface Operation<Deps> {
  route: Route
  register(app: Hono<AppEnv>, deps: Deps, jsonDepthMax: number): void
}

/** Binds a route to its handler. */
export function operation<R extends Route, Deps>(
  route: R,
  handler: (deps: Deps) => RouteHandler<R, AppEnv>,
): Operation<Deps> {
  return {
    route,
    register(app, deps, jsonDepthMax) {
      const scopes = route['x-required-scopes']
      const validate = validateRequest(route, jsonDepthMax)
      const handle = handler(deps) as unknown as (c: Context<AppEnv>) => Promise<Response>
      app.on(route.method.toUpperCase(), route.getRoutingPath(), (c) => {
        requireScopes(c, scopes)
        validate(c)
        return handle(c)
      })
    },
  }
}

/** A JSON answer. */
export const json = <S extends z.ZodType>(schema: S, description: string) => ({
  content: { 'application/json': { schema } },
  description,
})

/** Statuses that the contracts document for every operation; the others of the table explain themselves by their code. */
const DOCUMENTED = [400, 401, 403, 404, 409, 429, 503] as const
type DocumentedStatus = (typeof DOCUMENTED)[number]

const problemSchema = z.looseObject({})

/** The refusals, as each route documents them; which codes a status stands for comes from the table of problems. */
export const problemResponses = Object.fromEntries(
  DOCUMENTED.map((status) => {
    const codes = Object.entries(problems).filter(([, problem]) => problem.status === status)
    return [status, json(problemSchema, `Refused: ${codes.map(([code]) => code).join(', ')}.`)]
  }),
) as Record<DocumentedStatus, ReturnType<typeof json<typeof problemSchema>>>
