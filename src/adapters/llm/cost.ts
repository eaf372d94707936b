/** What a call costs to the last digit, and what it can cost at most. Amounts are decimals in USD, never doubles. */
import { Decimal } from 'decimal.js'
import type { CallScan } from './call-scan.ts'
import type { ModelPrices, PricedModel, Rates } from './price-table.ts'
import { inputBoundTokens, type PromptSize } from './prompt-size.ts'
import { totalInput, type Usage } from './usage.ts'

/** Digits that no sum of tokens and prices comes near to, so that nothing is rounded. */
const Exact = Decimal.clone({ precision: 60 })
/** A price is for so many tokens. */
const PER_TOKENS = 1_000_000

/** The cost of what was used, in USD, as plain decimal text: exact, not rounded. */
export function costOf(prices: ModelPrices, usage: Usage): string {
  const rates = tierFor(prices, totalInput(usage))
  const tokens = new Exact(0)
    .plus(amount(usage.input, rates.input))
    .plus(amount(usage.cacheRead, rates.cacheRead))
    .plus(amount(usage.cacheWrite5m, rates.cacheWrite5m))
    .plus(amount(usage.cacheWrite1h, rates.cacheWrite1h))
    .plus(amount(usage.output, rates.output))
  return tokens.div(PER_TOKENS).plus(amount(usage.webSearches, prices.webSearch)).plus(prices.perCall).toFixed()
}

const amount = (count: number, price: string): Decimal => (count === 0 ? new Exact(0) : new Exact(price).times(count))

const tierFor = ({ tiers }: ModelPrices, inputTokens: number): Rates =>
  tiers.findLast(({ above }) => above < inputTokens) ?? tiers[0]!

/** The parts of a call that its bound depends on. */
export interface CallSize {
  prompt: PromptSize
  cacheControl: CallScan['cacheControl']
  /** OpenAI's `n`. */
  choices: number
}

export interface CallBound {
  inputTokens: number
  /** Of all choices, with a prediction's. */
  outputTokens: number
  /** USD, plain decimal text. */
  usd: string
}

/** The most input tokens: of a prompt that refers to what is not in it, all that the model takes. */
export const boundInput = (prompt: PromptSize, contextTokens: number | undefined): number =>
  prompt.isOpen ? Math.max(inputBoundTokens(prompt), contextTokens ?? 0) : inputBoundTokens(prompt)

/**
 * The most that a call can cost which may answer with `outputTokens` per choice. Searches of hosted tools are not in it: their
 * number is the provider's choice.
 */
export function boundOf(model: PricedModel, call: CallSize, outputTokens: number): CallBound {
  const { prices, contextTokens, cachesUnasked } = model
  const inputTokens = boundInput(call.prompt, contextTokens)
  const allOutput = outputTokens * call.choices + call.prompt.predictionTokens
  const rates = dearest(prices, inputTokens)
  const usd = amount(inputTokens, inputRate(rates, call.cacheControl, cachesUnasked)).plus(
    amount(allOutput, rates.output),
  )
  return { inputTokens, outputTokens: allOutput, usd: usd.div(PER_TOKENS).plus(prices.perCall).toFixed() }
}

/** The bound of whichever candidate is the dearest. At least one. */
export function dearestBound(models: readonly PricedModel[], call: CallSize, outputTokens: number): CallBound {
  const bounds = models.map((model) => boundOf(model, call, outputTokens))
  const inputTokens = Math.max(...bounds.map((bound) => bound.inputTokens))
  const usd = bounds.map((bound) => new Exact(bound.usd)).reduce((a, b) => (b.gt(a) ? b : a))
  return { inputTokens, outputTokens: bounds[0]!.outputTokens, usd: usd.toFixed() }
}

/**
 * The output tokens per choice that `usd` still pays for after the prompt, with any of the candidates; negative where it does
 * not pay for the prompt, Infinity where output costs nothing.
 */
export function affordableOutput(models: readonly PricedModel[], call: CallSize, usd: string): number {
  return Math.min(
    ...models.map((model) => {
      const inputTokens = boundInput(call.prompt, model.contextTokens)
      const rest = new Exact(usd).minus(boundOf(model, call, 0).usd)
      if (rest.isNegative()) return -1
      const price = dearest(model.prices, inputTokens).output
      return new Exact(price).isZero()
        ? Number.POSITIVE_INFINITY
        : rest.times(PER_TOKENS).div(price).div(call.choices).floor().toNumber()
    }),
  )
}

/** Of the tiers that so many input tokens may come under, the dearest rate of each kind. */
function dearest({ tiers }: ModelPrices, inputTokens: number): Rates {
  const reachable = tiers.filter(({ above }, index) => index === 0 || above < inputTokens)
  const most = (key: keyof Rates) => reachable.map((tier) => tier[key]).reduce(greater)
  return {
    ...{ input: most('input'), output: most('output'), cacheRead: most('cacheRead') },
    ...{ cacheWrite5m: most('cacheWrite5m'), cacheWrite1h: most('cacheWrite1h') },
  }
}

/** Of every input token what it costs at most. A model that fills its cache by itself bills that without being asked. */
function inputRate(rates: Rates, cacheControl: CallScan['cacheControl'], cachesUnasked: boolean): string {
  if (cacheControl === 'none' && !cachesUnasked) return rates.input
  const short = greater(rates.input, rates.cacheWrite5m)
  return cacheControl === '1h' ? greater(short, rates.cacheWrite1h) : short
}

const greater = (a: string, b: string): string => (new Exact(b).gt(a) ? b : a)
