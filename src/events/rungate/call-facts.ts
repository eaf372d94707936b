/** What events say of calls and of the runs that they belong to, as schemas. Storage format: superseded, never edited. */
import { z } from 'zod'
import { time, usd, uuid } from './vocabulary.ts'

export const tokenCount = z.int().min(0)

/** The format in which the client speaks: OpenAI's chat completions, or Anthropic's messages. */
export const callFormat = z.enum(['openai', 'anthropic'])

/** Four buckets that never overlap. */
export const tokens = z.object({
  input: tokenCount,
  output: tokenCount,
  cacheRead: tokenCount,
  cacheCreation: tokenCount,
})
export type Tokens = z.infer<typeof tokens>

/** The same with the cache's two prices apart, and what is billed by the piece. */
export const usage = z.object({
  ...{ input: tokenCount, cacheRead: tokenCount, cacheWrite5m: tokenCount, cacheWrite1h: tokenCount },
  ...{ output: tokenCount, webSearches: tokenCount },
})

const rates = z.object({
  above: z.number().min(0),
  ...{ input: usd, output: usd, cacheRead: usd, cacheWrite5m: usd, cacheWrite1h: usd },
})
/** USD for a million tokens each, by tiers of the total input; searches and calls by the piece. */
export const modelPrices = z.object({ source: z.string(), tiers: z.array(rates).min(1), webSearch: usd, perCall: usd })

export const failureKind = z.enum([
  ...(['tcp_connect_timeout', 'request_timeout', 'network_error', 'http_error', 'empty_stream'] as const),
  ...(['first_events_timeout', 'first_events_error', 'mid_stream_error', 'client_disconnect'] as const),
  ...(['stream_processing_error', 'unknown'] as const),
])
export type FailureKind = z.infer<typeof failureKind>

/** One request that was sent to a provider. */
export const attempt = z.object({
  provider: z.string(),
  model: z.string(),
  keyId: uuid,
  /** The provider's HTTP status; null: none came. */
  status: z.int().nullable(),
  /** Null: it served the call. */
  kind: failureKind.nullable(),
  /** At most 1,000 characters, without anything that looks like a key. */
  error: z.string().nullable(),
  latencyMs: z.int().min(0),
  /** It was sent and never answered, so the provider may have billed this. It stands in no ledger. */
  mayHaveCostUsd: usd.nullable(),
})
export type Attempt = z.infer<typeof attempt>

/** What a call has from its admission on; its id is the step's. */
export const call = z.object({
  callId: uuid,
  /** When it was admitted. */
  startedAt: time,
  format: callFormat,
  type: z.enum(['llm_call', 'dry_run']),
  /** The model that governance looked at: the override where there is one. */
  model: z.string(),
  /** What the client asked for, where the policy's override replaced it. */
  routedFrom: z.string().nullable(),
  isStreaming: z.boolean(),
})

/** What a reservation sets aside at most. */
export const held = z.object({ usd, inputTokens: tokenCount, outputTokens: tokenCount })

/** A run's figures right after the event that they stand in. */
export const runTotals = z.object({
  costUsd: usd,
  tokens,
  /** Calls and tool calls that were admitted, those under way included. */
  stepCount: z.int().min(0),
  /** The model of most calls; null before the first. */
  primaryModel: z.string().nullable(),
  hasGovernanceBlock: z.boolean(),
  lastStepAt: time.nullable(),
})
export type RunTotals = z.infer<typeof runTotals>

export const runStatus = z.enum(['running', 'completed', 'budget_exceeded', 'force_stopped'])
export type RunStatus = z.infer<typeof runStatus>
export const metadata = z.record(z.string(), z.unknown())
