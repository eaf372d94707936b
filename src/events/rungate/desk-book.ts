/** All that a desk knows, as the first event of a book says it. Storage format: superseded, never edited. */
import { z } from 'zod'
import { call, held, metadata, runStatus, tokens } from './call-facts.ts'
import { outcome, policySettings } from './policy-settings.ts'
import { time, usd, uuid } from './vocabulary.ts'

const count = z.int().min(0)

/** A run that goes on, or has something under way. */
export const deskRun = z.object({
  ...{ runId: uuid, policyId: uuid, policyName: z.string(), policyVersion: z.int(), agentName: z.string() },
  ...{ settings: policySettings, name: z.string().nullable(), metadata, status: runStatus },
  ...{ startedAt: time, lastActivityAt: time, lastStepAt: time.nullable() },
  ...{ costUsd: usd, tokens, stepCount: count, ordinal: count, hasGovernanceBlock: z.boolean() },
  /** Of calls that expired. */
  ...{ keptUsd: usd, keptTokens: count },
  /** Calls by model. */
  models: z.record(z.string(), count),
  isOverThreshold: z.boolean(),
  outcome: outcome.nullable(),
  outcomeReason: z.string().nullable(),
  /** Fingerprint of a request that waits for approval → until when, and its step. */
  awaits: z.record(z.string(), z.object({ until: time, stepId: uuid, approvalIds: z.array(uuid).optional() })),
  /** Refusals with a step of their own in the last minute that had any, by code, and the last of them. */
  blocked: z.record(z.string(), z.object({ minute: count, steps: count, stepId: uuid })),
})

export const deskCall = z.object({
  ...call.shape,
  ...{ runId: uuid, policyId: uuid, provider: z.string().nullable(), held, estimatedInputTokens: count },
  ...{ clampedTo: count.nullable(), processId: uuid, expiresAt: time },
  /** Since then it counts as spent what was held for it; null: it is under way. */
  expiredAt: time.nullable(),
})

export const deskBook = z.object({
  /** Of the last event. */
  at: time,
  runs: z.array(deskRun),
  calls: z.array(deskCall),
  /** By policy: second or minute since 1970 → what was counted in it. */
  windows: z.array(
    z.object({
      policyId: uuid,
      seconds: z.array(z.object({ at: count, requests: count, tokens: count })),
      minutes: z.array(z.object({ at: count, usd })),
    }),
  ),
  /** The last runs that ended. */
  ended: z.array(z.object({ runId: uuid, status: runStatus })),
  stops: z.array(z.object({ runId: uuid, policyId: uuid, until: time, liftedAt: time.nullable() })),
})
export type DeskBook = z.infer<typeof deskBook>
