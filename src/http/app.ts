/**
 * The whole API: what every request goes through first, the pages at the root, and the contexts under their names.
 * Everything it works with is handed in.
 */
import { type Context, Hono } from 'hono'
import { routePath } from 'hono/route'
import { createKnownOwners } from '../audit/scope.ts'
import type { CommandBus } from '../commands/handle.ts'
import type { PersonKeys } from '../events/sealing.ts'
import type { ReadModels } from '../postgres/database.ts'
import type { CredentialDirectory } from '../projections/noctant/credentials.ts'
import { audit, auditorVerifier } from './audit/context.ts'
import { createGate } from './audit/gate.ts'
import type { AuditDeps } from './audit/route.ts'
import { knowingOthers } from './auth.ts'
import type { Waiter } from './consistency.ts'
import { type ContextDefinition, contextApp, contextDocument } from './context.ts'
import type { AppEnv, HttpLimits, Log, Principal } from './environment.ts'
import { type HealthOptions, health } from './health.ts'
import { createMetrics, type GaugeSource } from './metrics.ts'
import { keyVerifier, noctant } from './noctant/context.ts'
import { launchPages } from './noctant/launch-page.ts'
import { documentation } from './openapi.ts'
import { answerPlainly } from './plain-answers.ts'
import { describeError, Problem, respondWithProblem } from './problem.ts'
import { identify } from './request-id.ts'

export interface AppDeps {
  bus: CommandBus
  db: ReadModels
  /** Noctant's operators and their keys. */
  credentials: Pick<CredentialDirectory, 'find'>
  /** The log, for auditors, and their keys. */
  audit: Pick<AuditDeps, 'log' | 'rules' | 'sealKeys' | 'recorder' | 'auditors' | 'limits' | 'ownersOf'> & {
    personKeys: PersonKeys
  }
  waiter: Waiter
  log: Log
  /** Now, for what is recorded. */
  clock: () => Date
  /** Milliseconds that only go forward, for durations and limits. */
  nowMs: () => number
  limits: HttpLimits
  health: HealthOptions
  gauges: readonly GaugeSource[]
}

/** The documents of all contexts. */
export const documents = () => [documented(noctant), documented(audit)]

function documented<Deps>({ operations, ...definition }: ContextDefinition<Deps>) {
  const routes = operations.map(({ route }) => route)
  return { name: definition.name, document: contextDocument({ ...definition, routes }) }
}

/** Streams whose owners are remembered for auditors. */
const STREAM_OWNERS_MAX = 50_000

export function createApp(deps: AppDeps) {
  const { db, waiter, clock, limits, nowMs, log } = deps
  const metrics = createMetrics(deps.gauges)
  const bus = metrics.countCommands(deps.bus)
  const app = new Hono<AppEnv>()

  /** Notes a request that was answered, in the figures and in the log. */
  function recordRequest(c: Context<AppEnv>, durationMs: number): void {
    const { method } = c.req
    const { status } = c.res
    const route = routePath(c, -1)
    metrics.measure({ method, route, status, durationMs })
    const principal: Principal | undefined = c.get('principal')
    const who = principal && { operatorId: principal.operatorId, keyId: principal.keyId }
    const rounded = Math.round(durationMs * 10) / 10
    log.info({ requestId: c.get('requestId'), ...who, method, route, status, durationMs: rounded }, 'request')
  }

  app.onError((error, c) => {
    const { code } = describeError(error)
    const fields = { requestId: c.get('requestId'), err: error }
    if (code === 'internal_error') log.error(fields, 'request failed')
    if (code === 'dependency_unavailable') log.warn(fields, 'a dependency is unavailable')
    return respondWithProblem(c, error, c.get('requestId'))
  })
  app.notFound((c) => {
    const nothing = new Problem('route_not_found', `There is nothing at ${c.req.path}.`)
    return respondWithProblem(c, nothing, c.get('requestId'))
  })
  app.use(async (c, next) => {
    const startedMs = nowMs()
    const finish = answerPlainly(c)
    identify(c)
    c.header('x-content-type-options', 'nosniff')
    await next()
    finish()
    const durationMs = nowMs() - startedMs
    // Whoever asked has the answer first: it leaves before the event loop comes to this.
    setImmediate(recordRequest, c, durationMs)
  })

  app.route('/', health(deps.health))
  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'content-type': metrics.registry.contentType }),
  )
  app.route('/', documentation(documents()))
  const { readYourWritesWaitMs: waitMs, apiKeyRotationGraceMs: keyRotationGraceMs } = limits
  const { credentials } = deps
  const { webhookReplayWindowMaxMs: replayWindowMaxMs } = limits
  const { launchTokenTtlMs: tokenTtlMs, browserSessionTtlMs, publicUrl } = limits
  const launch = { tokenTtlMs, browserSessionTtlMs, publicUrl }
  const { trustProxy, hostedPagesPerMinuteMax: requestsPerMinuteMax } = limits
  const hosted = { bus, db, clock, nowMs, waiter, waitMs, launch, log, trustProxy, requestsPerMinuteMax }
  app.route('/', launchPages(hosted))
  const { personKeys } = deps.audit
  const settings = { keyRotationGraceMs, replayWindowMaxMs, launch }
  const noctantDeps = { bus, db, personKeys, credentials, ...settings, clock, waiter, waitMs }
  const [verifyOperator, verifyAuditor] = [keyVerifier(credentials, clock), auditorVerifier(deps.audit.auditors)]
  const runtime = { waiter, limits, nowMs }
  app.route(
    `/${noctant.name}`,
    contextApp(noctant, { ...runtime, deps: noctantDeps, verify: knowingOthers(verifyOperator, verifyAuditor) }),
  )
  const auditDeps: AuditDeps = {
    ...deps.audit,
    ...{ waiter, waitMs, trustProxy, clock },
    knownOwners: createKnownOwners(STREAM_OWNERS_MAX),
    gate: createGate(deps.audit.limits.concurrencyMax),
  }
  app.route(
    `/${audit.name}`,
    contextApp(audit, { ...runtime, deps: auditDeps, verify: knowingOthers(verifyAuditor, verifyOperator) }),
  )
  return app
}
