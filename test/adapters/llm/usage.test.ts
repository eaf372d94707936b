/** Buckets of usage from answers of both formats, and what is estimated where a provider says too little. */
import { describe, expect, it } from 'vitest'
import { scanCallNow } from '../../../src/adapters/llm/call-scan.ts'
import {
  noUsage,
  settledUsage,
  totalInput,
  type Usage,
  usageOf,
  usageOfAnthropic,
  usageOfOpenAi,
} from '../../../src/adapters/llm/usage.ts'

describe('OpenAI’s usage', () => {
  it('counts cached tokens once', () => {
    const details = { prompt_tokens_details: { cached_tokens: 80 }, completion_tokens_details: { reasoning_tokens: 5 } }
    const usage = usageOfOpenAi({ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120, ...details })
    expect(usage).toStrictEqual({ ...noUsage, input: 20, cacheRead: 80, output: 20 })
    expect(totalInput(usage!)).toBe(100)
  })

  it('counts what was written into the cache apart, where the model bills it', () => {
    const prompt_tokens_details = { cached_tokens: 10, cache_write_tokens: 30 }
    expect(usageOfOpenAi({ prompt_tokens: 100, completion_tokens: 1, prompt_tokens_details })).toStrictEqual({
      ...{ ...noUsage, input: 60, cacheRead: 10, cacheWrite5m: 30, output: 1 },
    })
  })

  it('is taken without its cache where more was cached than there was', () => {
    const usage = usageOfOpenAi({
      prompt_tokens: 10,
      completion_tokens: 1,
      prompt_tokens_details: { cached_tokens: 11 },
    })
    expect(usage).toStrictEqual({ ...noUsage, input: 10, output: 1 })
  })

  it.each([
    undefined,
    null,
    7,
    [],
    {},
    { prompt_tokens: 1 },
    { prompt_tokens: -1, completion_tokens: 1 },
    { prompt_tokens: 1.5, completion_tokens: 1 },
    { prompt_tokens: '1', completion_tokens: 1 },
    { prompt_tokens: Number.MAX_SAFE_INTEGER, completion_tokens: 1 },
    { prompt_tokens: 1, completion_tokens: 1_000_000_001 },
  ])('is none in %j', (value) => {
    expect(usageOfOpenAi(value)).toBeUndefined()
  })
})

describe('Anthropic’s usage', () => {
  const whole = {
    ...{ input_tokens: 10, cache_read_input_tokens: 20, cache_creation_input_tokens: 30, output_tokens: 40 },
    cache_creation: { ephemeral_5m_input_tokens: 25, ephemeral_1h_input_tokens: 5 },
    server_tool_use: { web_search_requests: 2 },
  }
  const read: Usage = { input: 10, cacheRead: 20, cacheWrite5m: 25, cacheWrite1h: 5, output: 40, webSearches: 2 }

  it('has input beside what came from the cache', () => {
    expect(usageOf('anthropic', whole)).toStrictEqual(read)
    expect(usageOfAnthropic({ input_tokens: 1, output_tokens: 2 })).toStrictEqual({ ...noUsage, input: 1, output: 2 })
    const unsplit = { input_tokens: 1, output_tokens: 2, cache_creation_input_tokens: 9 }
    expect(usageOfAnthropic(unsplit)).toStrictEqual({ ...noUsage, input: 1, output: 2, cacheWrite5m: 9 })
  })

  it('is overwritten by what a stream says later, and never added to it', () => {
    const start = usageOfAnthropic({ ...whole, output_tokens: 1 })
    expect(usageOfAnthropic({ output_tokens: 40 }, start)).toStrictEqual(read)
    const cumulative = {
      input_tokens: 10,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 30,
      output_tokens: 41,
    }
    expect(usageOfAnthropic(cumulative, start)).toStrictEqual({ ...read, output: 41 })
  })

  it.each([
    undefined,
    null,
    {},
    { output_tokens: 1 },
    { input_tokens: 1 },
    { input_tokens: 1, output_tokens: Number.MAX_SAFE_INTEGER },
  ])('is none in %j', (value) => {
    expect(usageOfAnthropic(value)).toBeUndefined()
  })
})

describe('what is settled', () => {
  const body = { messages: [{ role: 'user', content: 'a'.repeat(36) }] }
  const { prompt } = scanCallNow(Buffer.from(JSON.stringify(body)), 'openai')
  const bound = { inputTokens: 1_000, outputTokens: 50 }
  const seen: Usage = { ...noUsage, input: 12, output: 9 }
  const settled = (delivered: { seen?: Usage; deliveredBytes: number; isComplete: boolean }) =>
    settledUsage({ seen: undefined, prompt, bound, ...delivered })

  it('is what the provider says of an answer that is complete', () => {
    expect(settled({ seen, deliveredBytes: 30, isComplete: true })).toStrictEqual({ usage: seen, isEstimated: false })
    const empty = { ...seen, output: 0 }
    expect(settled({ seen: empty, deliveredBytes: 0, isComplete: true })).toStrictEqual({
      usage: empty,
      isEstimated: false,
    })
    const above = { ...seen, output: 60 }
    expect(settled({ seen: above, deliveredBytes: 30, isComplete: true }).usage.output).toBe(60)
  })

  it('is estimated where nothing is said, rounded up and within the bound', () => {
    const usage = { ...noUsage, input: 10, output: 34 }
    expect(settled({ deliveredBytes: 100, isComplete: true })).toStrictEqual({ usage, isEstimated: true })
    expect(settled({ deliveredBytes: 1_000, isComplete: false }).usage.output).toBe(50)
  })

  it('is estimated where less is said than was delivered', () => {
    const low = settled({ seen: { ...seen, output: 1 }, deliveredBytes: 129, isComplete: true })
    expect(low).toStrictEqual({ usage: { ...seen, output: 43 }, isEstimated: true })
    const nothing = settled({ seen: noUsage, deliveredBytes: 3, isComplete: true })
    expect(nothing).toStrictEqual({ usage: { ...noUsage, input: 10, output: 1 }, isEstimated: true })
  })

  it('is the greater of both where an answer broke', () => {
    const early = { ...seen, cacheRead: 5, output: 1 }
    expect(settled({ seen: early, deliveredBytes: 90, isComplete: false })).toStrictEqual({
      usage: { ...early, output: 30 },
      isEstimated: true,
    })
    expect(settled({ seen: { ...seen, output: 45 }, deliveredBytes: 90, isComplete: false }).usage.output).toBe(45)
  })
})
