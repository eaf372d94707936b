/** Prices and costs against figures made by hand, to the last digit. */
import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { scanCallNow } from '../../../src/adapters/llm/call-scan.ts'
import { affordableOutput, boundOf, costOf, dearestBound } from '../../../src/adapters/llm/cost.ts'
import { createPriceTable, type ModelPrices, readOwnPrices } from '../../../src/adapters/llm/price-table.ts'
import { noUsage, type Usage } from '../../../src/adapters/llm/usage.ts'

const table = createPriceTable()
const NOW = new Date('2026-11-28T12:00:00Z')
const find = (provider: string, model: string, at = NOW) => table.find(provider, model, at)!
const cost = (provider: string, model: string, usage: Partial<Usage>, at = NOW) =>
  costOf(find(provider, model, at).prices, { ...noUsage, ...usage })

/** Prices that differ in every bucket, so that no two can be mistaken for each other. */
const distinct: ModelPrices = {
  source: 'distinct',
  tiers: [
    { above: 0, input: '3', output: '15', cacheRead: '0.3', cacheWrite5m: '3.75', cacheWrite1h: '6' },
    { above: 200_000, input: '6', output: '22.5', cacheRead: '0.6', cacheWrite5m: '7.5', cacheWrite1h: '12' },
  ],
  webSearch: '0.01',
  perCall: '0',
}

describe('a cost', () => {
  it.each<[Partial<Usage>, string]>([
    [{}, '0'],
    [{ input: 1 }, '0.000003'],
    [{ output: 1 }, '0.000015'],
    [{ cacheRead: 1 }, '0.0000003'],
    [{ cacheWrite5m: 1 }, '0.00000375'],
    [{ cacheWrite1h: 1 }, '0.000006'],
    [{ webSearches: 3 }, '0.03'],
    [{ input: 100 }, '0.0003'],
    [{ input: 1_000, output: 500 }, '0.0105'],
    [{ input: 7, cacheRead: 11, cacheWrite5m: 13, cacheWrite1h: 17, output: 19, webSearches: 1 }, '0.01046005'],
    [{ input: 200_000 }, '0.6'],
    [{ input: 200_001 }, '1.200006'],
    [{ input: 1, cacheRead: 200_000, output: 1 }, '0.1200285'],
    [{ input: 100_000, cacheWrite5m: 50_000, cacheWrite1h: 50_001, output: 10 }, '1.575237'],
    [{ input: 999_999_999, output: 999_999_999 }, '28499.9999715'],
  ])('of %j is %s', (usage, expected) => {
    expect(costOf(distinct, { ...noUsage, ...usage })).toBe(expected)
  })

  it('is the sum of its buckets without rounding, for whatever was used', () => {
    const tokens = fc.nat(2_000_000)
    fc.assert(
      fc.property(
        fc.tuple(tokens, tokens, tokens, tokens, tokens),
        ([input, cacheRead, cacheWrite5m, cacheWrite1h, output]) => {
          const isHigh = input + cacheRead + cacheWrite5m + cacheWrite1h > 200_000
          // In hundredths of a millionth of a cent, so that integers do.
          const rates = isHigh ? [600n, 60n, 750n, 1_200n, 2_250n] : [300n, 30n, 375n, 600n, 1_500n]
          const counts = [input, cacheRead, cacheWrite5m, cacheWrite1h, output].map(BigInt)
          const units = rates.reduce((sum, rate, at) => sum + rate * counts[at]!, 0n)
          const found = costOf(distinct, { ...noUsage, input, cacheRead, cacheWrite5m, cacheWrite1h, output })
          expect(new Decimal(found).times(100_000_000).toFixed()).toBe(units.toString())
        },
      ),
    )
  })

  it('of the table’s models is what their providers publish', () => {
    expect(cost('openai', 'gpt-4o', { input: 1_000, cacheRead: 1_000, output: 100 })).toBe('0.00475')
    expect(cost('openai', 'gpt-4o-mini-2024-07-18', { input: 1, output: 1 })).toBe('0.00000075')
    expect(cost('openai', 'gpt-5', { input: 1_000, cacheRead: 2_000, output: 500 })).toBe('0.0065')
    expect(cost('openai', 'GPT-5-NANO', { cacheRead: 1 })).toBe('0.000000005')
    expect(cost('anthropic', 'claude-sonnet-4-5-20250929', { input: 100 })).toBe('0.0003')
    const claude = { input: 12, cacheRead: 2_048, cacheWrite5m: 1_024, cacheWrite1h: 512, output: 300, webSearches: 2 }
    expect(cost('anthropic', 'claude-haiku-4-5', claude)).toBe('0.0240208')
    expect(cost('anthropic', 'claude-haiku-4-5', { cacheWrite1h: 3 })).toBe('0.000006')
    expect(cost('openai', 'gpt-5.4', { input: 271_999 })).toBe('0.6799975')
    expect(cost('openai', 'gpt-5.4', { input: 272_000 })).toBe('1.36')
    expect(cost('openai', 'gpt-5', { webSearches: 1 })).toBe('0.01')
  })

  it('takes the input price for a bucket without one of its own', () => {
    expect(cost('openai', 'chatgpt-4o-latest', { cacheRead: 1, cacheWrite5m: 1, cacheWrite1h: 1 })).toBe('0.000015')
    expect(cost('anthropic', 'claude-2', { cacheRead: 1 })).toBe('0.000008')
  })

  it('changes on the day and at the hour that the table names', () => {
    expect(cost('openai', 'o3', { input: 1 }, new Date('2025-06-09T23:59:59Z'))).toBe('0.00001')
    expect(cost('openai', 'o3', { input: 1 }, new Date('2025-06-10T00:00:00Z'))).toBe('0.000002')
    expect(cost('deepseek', 'deepseek-chat', { input: 1_000 }, new Date('2025-03-01T00:29:59Z'))).toBe('0.000135')
    expect(cost('deepseek', 'deepseek-chat', { input: 1_000 }, new Date('2025-03-01T00:30:00Z'))).toBe('0.00027')
    expect(cost('deepseek', 'deepseek-chat', { input: 1_000 }, new Date('2025-03-01T16:30:00Z'))).toBe('0.000135')
  })
})

describe('the table', () => {
  it('says where it has no price', () => {
    expect(table.find('openai', 'gpt-unheard-of', NOW)).toBeUndefined()
    expect(table.find('my-own-server', 'llama', NOW)).toBeUndefined()
  })

  it('finds models of a provider that serves those of others', () => {
    expect(table.find('azure', 'claude-haiku-4-5', NOW)?.prices.source).toBe('claude-haiku-4-5')
  })

  it('is preceded by prices of one’s own', () => {
    const text = `[{"provider":"ollama","model":"*","input":0,"output":"0"},
      {"provider":"openai","model":"gpt-5*","input":"0.1","output":0.75,"cacheRead":"0.000000000001","maxOutputTokens":9}]`
    const own = createPriceTable(readOwnPrices(text))
    expect(costOf(own.find('ollama', 'llama/3:8b', NOW)!.prices, { ...noUsage, input: 1e9 })).toBe('0')
    const priced = own.find('openai', 'gpt-5-mini', NOW)!
    expect(costOf(priced.prices, { ...noUsage, input: 1, cacheRead: 1, cacheWrite5m: 1, output: 1 })).toBe(
      '0.000000950000000001',
    )
    expect(priced.maxOutputTokens).toBe(9)
    expect(own.find('openai', 'gpt-4o', NOW)?.prices.source).toBe('gpt-4o')
  })

  it.each([
    ['{', /not JSON/],
    ['{}', /wrong at its top/],
    ['[{"provider":"a","model":"*","input":-1,"output":0}]', /0\.input/],
    ['[{"provider":"a","model":"*","input":"1e3","output":0}]', /0\.input/],
    ['[{"provider":"a","model":"*","input":1}]', /0\.output/],
    ['[{"provider":"a","model":"*","input":1,"output":1,"typo":1}]', /wrong at 0/],
  ])('refuses a file such as %s', (text, message) => {
    expect(() => readOwnPrices(text)).toThrow(message)
  })
})

describe('a bound', () => {
  const call = (body: object) => scanCallNow(Buffer.from(JSON.stringify(body)), 'anthropic')
  const user = { messages: [{ role: 'user', content: 'a'.repeat(980) }] }
  const priced = { prices: distinct, contextTokens: 1_000_000, maxOutputTokens: undefined, cachesUnasked: false }

  it('is the input bound and all output at their prices', () => {
    // 980 + 4 for the role + 16 for the message.
    expect(boundOf(priced, call(user), 100)).toStrictEqual({ inputTokens: 1_000, outputTokens: 100, usd: '0.0045' })
    expect(boundOf(priced, { ...call(user), choices: 3 }, 100)).toMatchObject({ outputTokens: 300, usd: '0.0075' })
  })

  it('takes the price of writing into the cache where that may be billed', () => {
    const cached = (control: object) => call({ ...user, system: [{ type: 'text', text: '', cache_control: control }] })
    // The system prompt adds its type and a message's constant: 1,020 tokens.
    expect(boundOf(priced, cached({ type: 'ephemeral' }), 0).usd).toBe('0.003825')
    expect(boundOf(priced, cached({ type: 'ephemeral', ttl: '1h' }), 0).usd).toBe('0.00612')
    expect(boundOf({ ...priced, cachesUnasked: true }, call(user), 0).usd).toBe('0.00375')
    expect(find('openai', 'gpt-5.6-sol').cachesUnasked).toBe(true)
    expect(find('anthropic', 'claude-haiku-4-5').cachesUnasked).toBe(false)
  })

  it('takes the dearer tier where the prompt may reach it, and the context where the prompt is open', () => {
    const long = call({ messages: [{ role: 'user', content: 'a'.repeat(199_981) }] })
    expect(boundOf(priced, long, 1).usd).toBe('1.2000285')
    const source = { type: 'url', url: 'https://example.com/a.pdf' }
    const open = call({ messages: [{ role: 'user', content: [{ type: 'document', source }] }] })
    expect(boundOf(priced, open, 0)).toMatchObject({ inputTokens: 1_000_000, usd: '6' })
  })

  it('of several candidates is the dearest’s', () => {
    const cheap = { ...find('anthropic', 'claude-haiku-4-5') }
    expect(dearestBound([cheap, priced], call(user), 100).usd).toBe('0.0045')
    expect(dearestBound([priced, cheap], call(user), 100).usd).toBe('0.0045')
  })

  it('is never passed by the output that it affords', () => {
    expect(affordableOutput([priced], call(user), '0.0045')).toBe(100)
    expect(affordableOutput([priced], call(user), '0.00449999')).toBe(99)
    expect(affordableOutput([priced], call(user), '0.0029')).toBe(-1)
    expect(affordableOutput([priced], { ...call(user), choices: 3 }, '0.0045')).toBe(33)
    fc.assert(
      fc.property(fc.integer({ min: 300_000, max: 90_000_000 }), fc.integer({ min: 1, max: 8 }), (units, choices) => {
        const usd = new Decimal(units).div(100_000_000).toFixed()
        const sized = { ...call(user), choices }
        const tokens = affordableOutput([priced, find('anthropic', 'claude-haiku-4-5')], sized, usd)
        expect(new Decimal(dearestBound([priced], sized, tokens).usd).lte(usd)).toBe(true)
        expect(new Decimal(dearestBound([priced], sized, tokens + 1).usd).gt(usd)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('lets output be free', () => {
    const free = createPriceTable(readOwnPrices('[{"provider":"a","model":"*","input":0,"output":0}]')).find(
      'a',
      'm',
      NOW,
    )!
    expect(affordableOutput([free], call(user), '0')).toBe(Number.POSITIVE_INFINITY)
  })
})
