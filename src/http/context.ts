/**
 * A context of the API: one contract under one path. Its application and its document both follow from its operations,
 * so that what is documented is what is served.
 */
import { OpenAPIHono } from '@hono/zod-openapi'
import { Hono } from 'hono'
import { type AuthenticationOptions, authenticate } from './auth.ts'
import { readableAddress, readBody } from './body.ts'
import { readAtLeast, type Waiter } from './consistency.ts'
import type { AppEnv, HttpLimits } from './environment.ts'
import type { Operation, Route } from './operation.ts'
import { Problem } from './problem.ts'
import { limitRate } from './rate-limit.ts'
import { refuseOtherIds } from './request-id.ts'

export interface ContextDefinition<Deps> {
  /** The first part of its paths: `noctant`. */
  name: string
  info: { title: string; version: string; description: string }
  /** Name of the security scheme in the document; every context signs in with bearer keys. */
  securityScheme: string
  /** What the keys are, in a few words. */
  securityDescription?: string
  /** Content type of refusals; default: that of every other answer. */
  problemType?: string
  /** In the contract's order. */
  operations: readonly Operation<Deps>[]
}

export interface ContextRuntime<Deps> {
  deps: Deps
  verify: AuthenticationOptions['verify']
  waiter: Waiter
  limits: HttpLimits
  nowMs: () => number
}

/** Answers under `/<name>`: body limits → authenticate → rate limit → scope → validate → command or query. */
export function contextApp<Deps>(definition: ContextDefinition<Deps>, runtime: ContextRuntime<Deps>) {
  const { deps, verify, waiter, limits, nowMs } = runtime
  const app = new Hono<AppEnv>()
  const { problemType } = definition
  const bodyOf = readBody(limits.bodyMaxBytes)
  const authenticated = authenticate({
    realm: definition.name,
    verify,
    failuresPerMinuteMax: limits.authFailuresPerMinuteMax,
    trustProxy: limits.trustProxy,
    nowMs,
  })
  const withinRate = limitRate(nowMs)
  const atLeast = readAtLeast(waiter, limits.readYourWritesWaitMs)
  // One step for all of them: each middleware of its own costs a request as much as what most of these do. And no await
  // where there is nothing to wait for: a look-up leaves for Postgres before anything else has its turn.
  app.use(async (c, next) => {
    if (problemType !== undefined) c.set('problemType', problemType)
    refuseOtherIds(c)
    readableAddress(c)
    const read = bodyOf(c)
    if (read) await read
    authenticated(c)
    withinRate(c)
    const reached = atLeast(c)
    if (reached) await reached
    return next()
  })
  for (const operation of definition.operations) operation.register(app, deps, limits.jsonDepthMax)
  for (const [path, methods] of methodsByPath(definition.operations.map(({ route }) => route))) {
    app.all(path, () => {
      const allow = methods.join(', ')
      throw new Problem('method_not_allowed', `This address takes ${allow}.`, { headers: { allow } })
    })
  }
  return app
}

function methodsByPath(routes: readonly Route[]): Map<string, string[]> {
  const methods = new Map<string, string[]>()
  for (const route of routes) {
    const path = route.getRoutingPath()
    methods.set(path, [...(methods.get(path) ?? []), route.method.toUpperCase()])
  }
  return methods
}

export type OpenApiDocument = ReturnType<OpenAPIHono['getOpenAPI31Document']>

/** The OpenAPI 3.1 document of a context. */
export function contextDocument(
  definition: Omit<ContextDefinition<never>, 'operations'> & { routes: readonly Route[] },
): OpenApiDocument {
  const app = new OpenAPIHono()
  app.openAPIRegistry.registerComponent('securitySchemes', definition.securityScheme, {
    type: 'http',
    scheme: 'bearer',
    description: definition.securityDescription ?? 'An API key of the operator.',
  })
  for (const route of definition.routes) app.openAPIRegistry.registerPath(route)
  return app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: definition.info,
    servers: [{ url: `/${definition.name}`, description: 'This instance' }],
  })
}
