/** The settings of a policy as callers send and see them. Both sides have the same members; what is sent may be less. */
import { z } from '@hono/zod-openapi'
import type { SettingsChange } from '../../../commands/rungate/policy-merge.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import { loadBalancing, outcome, routingPreference } from '../../../events/rungate/policy-settings.ts'
import { visibility } from '../../../events/rungate/vocabulary.ts'
import { settingsObject } from '../../../processes/rungate/objects.ts'
import { inCamelCase } from '../../../runtime/letter-case.ts'
import { boundedText, listOf, recordOf } from '../../schemas.ts'
import { decimalNumber, nullableUsdOut, usdIn, whole } from '../schemas.ts'

/** What no installation may go beyond; how much each takes, its settings say (bounds.ts). */
const GLOB_LENGTH_MAX = 1_000
const GLOBS_MAX = 2_000
const CHAIN_MAX = 50
const ROUTES_MAX = 500
const WORD_LENGTH_MAX = 200
const MODELS_MAX = 200
const MAPPED_MAX = 10
const STATUSES_MAX = 50
const COUNT_MAX = 1_000_000_000_000
const DAY_S = 86_400
const DAY_MS = 86_400_000
const APPROVAL_MS = { min: 60_000, max: 604_800_000 }
const PROVIDER = /^[a-z][a-z0-9-]{0,49}$/

const glob = boundedText(GLOB_LENGTH_MAX).refine((given) => given !== '', 'must not be empty')
const globs = listOf(glob, GLOBS_MAX)
/** As calls name one. */
const model = boundedText(WORD_LENGTH_MAX)
  .refine((given) => given !== '', 'must not be empty')
  .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')
const providerWord = boundedText(WORD_LENGTH_MAX).refine(
  (given) => PROVIDER.test(given),
  'must be a provider in lower case',
)
export const chain = listOf(providerWord, CHAIN_MAX)
export const timeout = whole(1, DAY_MS)
export const modelRoutes = listOf(z.object({ pattern: glob, chain, timeout_ms: timeout.optional() }), ROUTES_MAX)

const tokens = whole(0, COUNT_MAX).nullable()
const usd = usdIn.nullable().openapi({ type: ['number', 'null'] })
const onAlertThreshold = z.enum(['continue_and_alert', 'stop_and_alert', 'continue_and_block_new'])
const onRateLimit = z.enum(['failover_first', 'backoff_first'])

const budget = { alert_threshold_tokens: tokens, hard_limit_tokens: tokens, on_alert_threshold: onAlertThreshold }
const rateLimits = z.object({ max_requests_per_minute: tokens, max_tokens_per_minute: tokens })
const routing = {
  ...{ default_chain: chain, model_routes: modelRoutes, timeout_ms: timeout },
  connect_timeout_ms: z.int().min(1_000).max(600_000),
  retry_on: listOf(whole(100, 599), STATUSES_MAX),
  max_retries: whole(0, 20),
  ...{ on_rate_limit: onRateLimit, load_balancing: loadBalancing, routing_preference: routingPreference },
}
const circuitBreaker = z.object({
  failure_threshold: z.int().min(0),
  recovery_timeout_ms: z.int().min(1_000),
  max_recovery_timeout_ms: z.int().min(1_000),
})
const runaway = z.object({ enabled: z.boolean(), max_steps_per_run: whole(1, COUNT_MAX) })
const grouping = z.object({
  time_window_seconds: whole(0, 365 * DAY_S),
  run_idle_timeout_seconds: whole(1, DAY_S),
  force_stop_cooldown_minutes: z.int().min(0).max(1_440),
})
const perReason = outcome.nullable().optional()
const outcomes = z
  .strictObject({
    ...{ agent_signaled: perReason, agent_complete_all: perReason, cost_limit: perReason, token_limit: perReason },
    ...{ alert_threshold_stop: perReason, idle_auto_complete: perReason, idle_timeout: perReason },
    ...{ new_run_requested: perReason, admin_stopped: perReason, admin_completed: perReason },
  })
  .nullable()

/** In the contract of every body of policies. */
export const settingsIn = {
  budget: z
    .object({ ...budget, alert_threshold_usd: usd, hard_limit_usd: usd, max_cost_per_hour_usd: usd })
    .partial()
    .optional(),
  ...{ allowed_models: globs.optional(), blocked_models: globs.optional(), allowed_tools: globs.optional() },
  ...{ blocked_tools: globs.optional(), require_approval: globs.optional() },
  rate_limits: rateLimits.partial().optional(),
  routing: z
    .object({ ...routing, circuit_breaker: circuitBreaker.partial() })
    .partial()
    .optional(),
  model_mapping: recordOf(recordOf(model, MAPPED_MAX), MODELS_MAX).optional(),
  default_model: model.nullish(),
  model_override: model.nullish(),
  runaway_prevention: runaway.partial().optional(),
  implicit_run_grouping: grouping.partial().optional(),
  outcome_defaults: outcomes.optional(),
}
export const approvalExpiry = whole(APPROVAL_MS.min, APPROVAL_MS.max).optional()
export const visibilityIn = visibility.optional()
/** In no body of the contract, and taken all the same: a policy could have them by no other way. */
export const uncontracted = z.object({
  dry_run: z.boolean().optional(),
  content_logging: z.enum(['default', 'enabled', 'disabled']).optional(),
  approval_expiry_ms: approvalExpiry,
  visibility: visibilityIn,
})

const names = z.array(z.string())
export const settingsOut = {
  dry_run: z.boolean(),
  content_logging: z.enum(['default', 'enabled', 'disabled']),
  budget: z.object({
    ...{ alert_threshold_tokens: z.int().nullable(), alert_threshold_usd: nullableUsdOut },
    ...{ hard_limit_tokens: z.int().nullable(), hard_limit_usd: nullableUsdOut },
    ...{ max_cost_per_hour_usd: nullableUsdOut, on_alert_threshold: onAlertThreshold },
  }),
  ...{ allowed_models: names, blocked_models: names, allowed_tools: names, blocked_tools: names },
  require_approval: names,
  approval_expiry_ms: z.int(),
  rate_limits: z.object({
    max_requests_per_minute: z.int().nullable(),
    max_tokens_per_minute: z.int().nullable(),
  }),
  routing: z.object({ ...routing, circuit_breaker: circuitBreaker }),
  model_mapping: z.record(z.string(), z.record(z.string(), z.string())),
  default_model: z.string().nullable(),
  model_override: z.string().nullable(),
  runaway_prevention: runaway,
  implicit_run_grouping: grouping,
  outcome_defaults: outcomes,
  visibility,
}

type SettingsBody = z.output<z.ZodObject<typeof settingsIn>> & z.output<typeof uncontracted>

/** What is sent, in the domain's words. Names of models stay as they are. */
export function settingsChange(body: SettingsBody): SettingsChange {
  const known = Object.keys({ ...settingsIn, ...uncontracted.shape })
  const given = Object.entries(body).filter(([name, value]) => known.includes(name) && value !== undefined)
  const { model_mapping: modelMapping, ...rest } = Object.fromEntries(given)
  return { ...(inCamelCase(rest) as SettingsChange), ...(modelMapping && { modelMapping }) } as SettingsChange
}

/** The settings as answers show them; amounts digit by digit. */
export const settingsView = (settings: PolicySettings) =>
  settingsObject(settings, decimalNumber) as z.output<z.ZodObject<typeof settingsOut>>
