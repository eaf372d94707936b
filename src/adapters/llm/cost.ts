/** What a call costs to the last digit, and what it can cost at most. Amounts are decimals in USD, never doubles. */

import { unitsOf, usdOf } from '../../runtime/usd-units.ts'
import type { CallScan } from './call-scan.ts'
import type { ModelPrices, PricedModel, Rates } from './price-table.ts'
import { inputBoundTokens, type PromptSize } from './prompt-size.ts'
import { totalInput, type Usage } from './usage.ts'

/** A price is for so many tokens. */
const PER_TOKENS = 1_000_000n

/** The cost of what was used, in USD, as plain decimal text: exact, not rounded. */
export function costOf(prices: ModelPrices, usage: Usage): string {
  const rates = tierFor(prices, totalInput(usage))
  const tokens =
    amount(usage.input, rates.input) +
    amount(usage.cacheRead, rates.cacheRead) +
    amount(usage.cacheWrite5m, rates.cacheWrite5m) +
    amount(usage.cacheWrite1h, rates.cacheWrite1h) +
    amount(usage.output, rates.output)
  return usdOf(tokens / PER_TOKENS + amount(usage.webSearches, prices.webSearch) + unitsOf(prices.perCall))
}

/** In units of runtime/usd-units.ts: those of a token's price are divided by a million without a rest. */
const amount = (count: number, price: string): bigint => (count === 0 ? 0n : BigInt(count) * unitsOf(price))

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
  const { units, ...bound } = unitsFor(model, call, outputTokens)
  return { ...bound, usd: usdOf(units) }
}

function unitsFor({ prices, contextTokens, cachesUnasked }: PricedModel, call: CallSize, outputTokens: number) {
  const inputTokens = boundInput(call.prompt, contextTokens)
  const allOutput = outputTokens * call.choices + call.prompt.predictionTokens
  const rates = dearest(prices, inputTokens)
  const tokens =
    amount(inputTokens, inputRate(rates, call.cacheControl, cachesUnasked)) + amount(allOutput, rates.output)
  return { inputTokens, outputTokens: allOutput, units: tokens / PER_TOKENS + unitsOf(prices.perCall) }
}

/** The bound of whichever candidate is the dearest. At least one. */
export function dearestBound(models: readonly PricedModel[], call: CallSize, outputTokens: number): CallBound {
  const bounds = models.map((model) => unitsFor(model, call, outputTokens))
  const inputTokens = Math.max(...bounds.map((bound) => bound.inputTokens))
  const units = bounds.map((bound) => bound.units).reduce((a, b) => (b > a ? b : a))
  return { inputTokens, outputTokens: bounds[0]!.outputTokens, usd: usdOf(units) }
}

/**
 * The output tokens per choice that `usd` still pays for after the prompt, with any of the candidates; negative where it does
 * not pay for the prompt, Infinity where output costs nothing.
 */
export function affordableOutput(models: readonly PricedModel[], call: CallSize, usd: string): number {
  return Math.min(
    ...models.map((model) => {
      const inputTokens = boundInput(call.prompt, model.contextTokens)
      const rest = unitsOf(usd) - unitsFor(model, call, 0).units
      if (rest < 0n) return -1
      const price = unitsOf(dearest(model.prices, inputTokens).output)
      return price === 0n ? Number.POSITIVE_INFINITY : Number((rest * PER_TOKENS) / price / BigInt(call.choices))
    }),
  )
}

/** Of the tiers that so many input tokens may come under, the dearest rate of each kind. */
function dearest({ tiers }: ModelPrices, inputTokens: number): Rates {
  const reachable = tiers.filter(({ above }, index) => index === 0 || above < inputTokens)
  const [only, another] = reachable
  if (only && !another) return only
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

const greater = (a: string, b: string): string => (unitsOf(b) > unitsOf(a) ? b : a)
