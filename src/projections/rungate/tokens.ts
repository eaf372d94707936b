/** Tokens in four buckets that never overlap, as columns hold them. */
import type { Tokens } from '../../events/rungate/call-facts.ts'

/** Counts as text, since they may outgrow an integer of Postgres. */
export interface TokenColumns {
  input_tokens: string
  output_tokens: string
  cache_read_tokens: string
  cache_creation_tokens: string
}

export const tokenColumns = ({ input, output, cacheRead, cacheCreation }: Tokens): TokenColumns => ({
  ...{ input_tokens: String(input), output_tokens: String(output) },
  ...{ cache_read_tokens: String(cacheRead), cache_creation_tokens: String(cacheCreation) },
})

interface Usage {
  input: number
  output: number
  cacheRead: number
  cacheWrite5m: number
  cacheWrite1h: number
}

/** A call's usage: what was written to the cache is one bucket, whatever it cost. */
export const callTokens = ({ input, output, cacheRead, cacheWrite5m, cacheWrite1h }: Usage): Tokens => ({
  ...{ input, output, cacheRead },
  cacheCreation: cacheWrite5m + cacheWrite1h,
})
