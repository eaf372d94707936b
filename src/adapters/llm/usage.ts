/**
 * What a call used, in buckets that never overlap: tokens that came out of the provider's cache are no input a second time.
 * Where a provider says nothing, or less than it delivered, an estimate stands in its place and says so.
 */
import type { Format } from './call-scan.ts'
import type { PromptSize } from './prompt-size.ts'

/** Tokens, but for the last. */
export interface Usage {
  /** Neither read from the cache nor written into it. */
  input: number
  cacheRead: number
  cacheWrite5m: number
  cacheWrite1h: number
  /** Reasoning included. */
  output: number
  /** Searches that the provider made and bills by the piece. */
  webSearches: number
}

export const noUsage: Usage = { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0, webSearches: 0 }

/** All input tokens, whatever they cost. */
export const totalInput = ({ input, cacheRead, cacheWrite5m, cacheWrite1h }: Usage): number =>
  input + cacheRead + cacheWrite5m + cacheWrite1h

type Members = Record<string, unknown>

const membersOf = (value: unknown): Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : {}
/** Far beyond what a call can use, and so low that the sums of a run's calls stay exact. */
const COUNT_MAX = 1_000_000_000
const countOf = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= COUNT_MAX ? value : undefined

/** The `usage` of an OpenAI answer or of the last chunk; undefined where it is missing or makes no sense. */
export function usageOfOpenAi(value: unknown): Usage | undefined {
  const usage = membersOf(value)
  const prompt = countOf(usage.prompt_tokens)
  const output = countOf(usage.completion_tokens)
  if (prompt === undefined || output === undefined) return undefined
  const details = membersOf(usage.prompt_tokens_details)
  const cacheRead = countOf(details.cached_tokens) ?? 0
  // Models that bill the writing of their cache name it.
  const cacheWrite5m = countOf(details.cache_write_tokens) ?? 0
  const input = prompt - cacheRead - cacheWrite5m
  // More of the prompt in the cache than there was cannot be: then nothing is known of the cache.
  return input < 0 ? { ...noUsage, input: prompt, output } : { ...noUsage, input, cacheRead, cacheWrite5m, output }
}

/** The `usage` of an Anthropic message. `before`: what the stream said so far, which each later figure overwrites. */
export function usageOfAnthropic(value: unknown, before?: Usage): Usage | undefined {
  const usage = membersOf(value)
  const input = countOf(usage.input_tokens) ?? before?.input
  const output = countOf(usage.output_tokens) ?? before?.output
  if (input === undefined || output === undefined) return undefined
  const written = countOf(usage.cache_creation_input_tokens)
  const split = membersOf(usage.cache_creation)
  const oneHour = countOf(split.ephemeral_1h_input_tokens)
  // The split is in the first event of a stream, and the sum alone in later ones.
  const known1h = oneHour ?? Math.min(before?.cacheWrite1h ?? 0, written ?? Number.POSITIVE_INFINITY)
  const cacheWrite1h = written === undefined ? known1h : Math.min(known1h, written)
  const fiveMinutes = countOf(split.ephemeral_5m_input_tokens) ?? before?.cacheWrite5m ?? 0
  return {
    ...{ input, output, cacheWrite1h },
    cacheRead: countOf(usage.cache_read_input_tokens) ?? before?.cacheRead ?? 0,
    cacheWrite5m: written === undefined ? fiveMinutes : written - cacheWrite1h,
    webSearches: countOf(membersOf(usage.server_tool_use).web_search_requests) ?? before?.webSearches ?? 0,
  }
}

export const usageOf = (format: Format, value: unknown): Usage | undefined =>
  format === 'openai' ? usageOfOpenAi(value) : usageOfAnthropic(value)

export interface Delivered {
  /** What the provider said last. */
  seen: Usage | undefined
  /** UTF-8 bytes of text, reasoning and tool arguments that it sent. */
  deliveredBytes: number
  prompt: PromptSize
  /** The answer ended as its format says. */
  isComplete: boolean
  /** What was reserved, which an estimate never passes. */
  bound: { inputTokens: number; outputTokens: number }
}

/** An estimate where nobody says better: English text; output costs more, so it is taken for shorter. */
const INPUT_BYTES_PER_TOKEN = 4
const OUTPUT_BYTES_PER_TOKEN = 3
/** No token of the field's vocabularies is longer. */
const TOKEN_MAX_BYTES = 128

/** What is settled for an answer, whole or broken. */
export function settledUsage(delivered: Delivered): { usage: Usage; isEstimated: boolean } {
  const { seen, deliveredBytes, isComplete } = delivered
  const isPlausible = seen !== undefined && totalInput(seen) > 0 && seen.output * TOKEN_MAX_BYTES >= deliveredBytes
  if (seen && isComplete && isPlausible) return { usage: seen, isEstimated: false }
  const estimate = estimatedUsage(delivered)
  if (!seen) return { usage: estimate, isEstimated: true }
  // Input is known from the first event of a stream; what it says of output is out of date where it broke.
  const input = totalInput(seen) > 0 ? seen : { ...estimate, webSearches: seen.webSearches }
  return { usage: { ...input, output: Math.max(seen.output, estimate.output) }, isEstimated: true }
}

function estimatedUsage({ deliveredBytes, prompt, bound }: Delivered): Usage {
  const input = Math.ceil(prompt.textBytes / INPUT_BYTES_PER_TOKEN) + prompt.mediaTokens
  return {
    ...noUsage,
    input: Math.min(input, bound.inputTokens),
    output: Math.min(Math.ceil(deliveredBytes / OUTPUT_BYTES_PER_TOKEN), bound.outputTokens),
  }
}
