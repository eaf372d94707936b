/** What a policy says, whole: the snapshot that events hold and that runs start with. Storage format. */
import { z } from 'zod'
import { usd, visibility } from './vocabulary.ts'

const count = z.int().min(0)
const milliseconds = z.int().positive()
const names = z.array(z.string())

export const modelRoute = z.object({ pattern: z.string(), chain: names, timeoutMs: milliseconds.optional() })
export const loadBalancing = z.enum(['failover', 'round_robin', 'weighted'])
export const routingPreference = z.enum(['default', 'cost', 'latency'])
export const outcome = z.enum(['success', 'partial', 'failed'])

/** How a run may end, as far as an outcome can be set for it. */
export const endedReasons = [
  'agentSignaled',
  'agentCompleteAll',
  'costLimit',
  'tokenLimit',
  'alertThresholdStop',
  'idleAutoComplete',
  'idleTimeout',
  'newRunRequested',
  'adminStopped',
  'adminCompleted',
] as const

export const policySettings = z.object({
  dryRun: z.boolean(),
  contentLogging: z.enum(['default', 'enabled', 'disabled']),
  budget: z.object({
    alertThresholdTokens: count.nullable(),
    alertThresholdUsd: usd.nullable(),
    hardLimitTokens: count.nullable(),
    hardLimitUsd: usd.nullable(),
    maxCostPerHourUsd: usd.nullable(),
    onAlertThreshold: z.enum(['continue_and_alert', 'stop_and_alert', 'continue_and_block_new']),
  }),
  allowedModels: names,
  blockedModels: names,
  allowedTools: names,
  blockedTools: names,
  requireApproval: names,
  approvalExpiryMs: milliseconds,
  rateLimits: z.object({ maxRequestsPerMinute: count.nullable(), maxTokensPerMinute: count.nullable() }),
  routing: z.object({
    defaultChain: names,
    modelRoutes: z.array(modelRoute),
    timeoutMs: milliseconds,
    connectTimeoutMs: milliseconds,
    retryOn: z.array(z.int()),
    maxRetries: count,
    onRateLimit: z.enum(['failover_first', 'backoff_first']),
    loadBalancing,
    routingPreference,
    circuitBreaker: z.object({
      failureThreshold: count,
      recoveryTimeoutMs: milliseconds,
      maxRecoveryTimeoutMs: milliseconds,
    }),
  }),
  /** Asked model → provider → that provider's model. */
  modelMapping: z.record(z.string(), z.record(z.string(), z.string())),
  defaultModel: z.string().nullable(),
  modelOverride: z.string().nullable(),
  runawayPrevention: z.object({ enabled: z.boolean(), maxStepsPerRun: count }),
  implicitRunGrouping: z.object({
    timeWindowSeconds: count,
    runIdleTimeoutSeconds: z.int().positive(),
    forceStopCooldownMinutes: count,
  }),
  /** By the reason for a run's end. */
  outcomeDefaults: z.partialRecord(z.enum(endedReasons), outcome.nullable()).nullable(),
  visibility,
})
export type PolicySettings = z.infer<typeof policySettings>

/** Nothing limited, nothing forbidden. */
export const defaultSettings: PolicySettings = {
  dryRun: false,
  contentLogging: 'default',
  budget: {
    ...{ alertThresholdTokens: null, alertThresholdUsd: null, hardLimitTokens: null, hardLimitUsd: null },
    ...{ maxCostPerHourUsd: null, onAlertThreshold: 'continue_and_alert' },
  },
  ...{ allowedModels: [], blockedModels: [], allowedTools: [], blockedTools: [], requireApproval: [] },
  approvalExpiryMs: 28_800_000,
  rateLimits: { maxRequestsPerMinute: null, maxTokensPerMinute: null },
  routing: {
    ...{ defaultChain: [], modelRoutes: [], timeoutMs: 120_000, connectTimeoutMs: 10_000 },
    ...{ retryOn: [429, 500, 502, 503, 504, 529], maxRetries: 3, onRateLimit: 'failover_first' },
    ...{ loadBalancing: 'failover', routingPreference: 'default' },
    circuitBreaker: { failureThreshold: 5, recoveryTimeoutMs: 30_000, maxRecoveryTimeoutMs: 600_000 },
  },
  ...{ modelMapping: {}, defaultModel: null, modelOverride: null },
  runawayPrevention: { enabled: true, maxStepsPerRun: 1_000 },
  implicitRunGrouping: { timeWindowSeconds: 300, runIdleTimeoutSeconds: 300, forceStopCooldownMinutes: 60 },
  outcomeDefaults: null,
  visibility: 'org',
}
