/**
 * What models cost: the table of @pydantic/genai-prices, and prices of one's own before it. Only the table is theirs: here it
 * becomes decimals once per model, since sums of doubles are wrong in the last digits.
 */
import {
  type ConditionalPrice,
  findProvider,
  type MatchLogic,
  type ModelInfo,
  type ModelPrice,
} from '@pydantic/genai-prices'
import { Decimal } from 'decimal.js'
import picomatch from 'picomatch'
import { z } from 'zod'

/** USD as decimal text, for a million tokens each, but where it says otherwise. */
export interface Rates {
  input: string
  output: string
  cacheRead: string
  cacheWrite5m: string
  cacheWrite1h: string
}

/** Prices as they are written into a reservation, so that a call can be recomputed after tables have changed. */
export interface ModelPrices {
  /** Where they come from: the table's name of the model, or the glob of one's own. */
  source: string
  /** Ascending; those with the greatest `above` that is less than the total of input tokens apply to the whole call. */
  tiers: (Rates & { above: number })[]
  /** USD for each search. */
  webSearch: string
  /** USD for each call. */
  perCall: string
}

export interface PricedModel {
  prices: ModelPrices
  /** Tokens of prompt and answer together, where the table knows. */
  contextTokens: number | undefined
  /** Tokens of an answer, where one's own prices say so. */
  maxOutputTokens: number | undefined
  /** Whether prompts may be written into the cache, at its price, without a `cache_control`. */
  cachesUnasked: boolean
}

export interface PriceTable {
  /** Undefined for a model that nobody has named a price for. `at`: prices change on dates and with the time of day. */
  find(provider: string, model: string, at: Date): PricedModel | undefined
}

const decimal = z
  .union([z.string().regex(/^\d{1,9}(\.\d{1,12})?$/), z.number().nonnegative().max(1e9)])
  .transform((value) => new Decimal(value).toFixed())
/** Of a file that an operator writes. */
const GLOB_LENGTH_MAX = 200
const OWN_MAX = 1_000

/** Prices of one's own: USD for a million tokens, and for one search. */
const ownPrice = z.strictObject({
  provider: z.string().min(1).max(100),
  /** A glob over the whole name of the model. */
  model: z.string().min(1).max(GLOB_LENGTH_MAX),
  input: decimal,
  output: decimal,
  cacheRead: decimal.optional(),
  cacheWrite5m: decimal.optional(),
  cacheWrite1h: decimal.optional(),
  webSearch: decimal.optional(),
  contextTokens: z.int().positive().optional(),
  maxOutputTokens: z.int().positive().optional(),
})
export type OwnPrice = z.output<typeof ownPrice>

/** Prices of one's own, as a file has them: a list of `{provider, model, input, output, …}`. Throws an Error that says what is wrong. */
export function readOwnPrices(text: string): OwnPrice[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Error('The file of prices is not JSON.')
  }
  const parsed = z.array(ownPrice).max(OWN_MAX).safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Error(`The file of prices is wrong at ${issue?.path.join('.') || 'its top'}: ${issue?.message}`)
}

/** Models remembered; after that many all are resolved anew. */
const REMEMBERED_MAX = 5_000

/** `own`: looked through first, in their order. */
export function createPriceTable(own: readonly OwnPrice[] = []): PriceTable {
  const mine = own.map((price) => ({ price, matches: picomatch(price.model, { bash: true, dot: true, nocase: true }) }))
  const remembered = new Map<string, Dated[] | undefined>()

  function datedOf(provider: string, model: string): Dated[] | undefined {
    const found = mine.find(({ price, matches }) => price.provider === provider && matches(model))
    if (found) return [{ constraint: undefined, priced: pricedByOwner(found.price) }]
    const listed = modelIn(provider, model.toLowerCase())
    return listed && datedPrices(listed, !provider.startsWith('anthropic'))
  }

  return {
    find(provider, model, at) {
      const key = `${provider}\n${model}`
      if (!remembered.has(key)) {
        if (remembered.size >= REMEMBERED_MAX) remembered.clear()
        remembered.set(key, datedOf(provider, model))
      }
      // The last one that applies: later entries of the table are exceptions to earlier ones.
      return remembered.get(key)?.findLast(({ constraint }) => applies(constraint, at))?.priced
    },
  }
}

interface Dated {
  constraint: ConditionalPrice['constraint']
  priced: PricedModel
}

function applies(constraint: ConditionalPrice['constraint'], at: Date): boolean {
  if (!constraint) return true
  if (constraint.type === 'start_date') return at.getTime() >= Date.parse(`${constraint.start_date}T00:00:00Z`)
  const [start, end] = [constraint.start_time, constraint.end_time].map(millisOfDay)
  const now = at.getTime() % DAY_MS
  return start! <= end! ? now >= start! && now < end! : now >= start! || now < end!
}

const DAY_MS = 86_400_000
/** `16:30:00Z`, in UTC. */
const millisOfDay = (time: string): number => {
  const ms = Date.parse(`1970-01-01T${time}`) % DAY_MS
  return ms < 0 ? ms + DAY_MS : ms
}

function modelIn(provider: string, model: string): ModelInfo | undefined {
  const own = findProvider({ providerId: provider })
  const listed = [own, ...(own?.fallback_model_providers ?? []).map((providerId) => findProvider({ providerId }))]
  for (const { models } of listed.filter((known) => known !== undefined)) {
    const found = models.find(({ id }) => id === model) ?? models.find(({ match }) => isMatch(match, model))
    if (found) return found
  }
  return undefined
}

function isMatch(logic: MatchLogic, model: string): boolean {
  if ('equals' in logic) return model === logic.equals
  if ('starts_with' in logic) return model.startsWith(logic.starts_with)
  if ('ends_with' in logic) return model.endsWith(logic.ends_with)
  if ('contains' in logic) return model.includes(logic.contains)
  if ('regex' in logic) return new RegExp(logic.regex).test(model)
  if ('and' in logic) return logic.and.every((part) => isMatch(part, model))
  return logic.or.some((part) => isMatch(part, model))
}

function datedPrices({ id, prices, context_window }: ModelInfo, mayCacheUnasked: boolean): Dated[] {
  const listed: ConditionalPrice[] = Array.isArray(prices) ? prices : [{ prices }]
  return listed.flatMap(({ constraint, prices: listedPrices }) => {
    const resolved = pricesFrom(id, listedPrices)
    if (!resolved) return []
    const cachesUnasked = mayCacheUnasked && listedPrices.cache_write_mtok !== undefined
    const limits = { contextTokens: context_window, maxOutputTokens: undefined }
    return [{ constraint, priced: { prices: resolved, ...limits, cachesUnasked } }]
  })
}

/** Undefined for what is not billed by tokens of text, such as sound by the hour. */
function pricesFrom(source: string, listed: ModelPrice): ModelPrices | undefined {
  if (listed.input_mtok === undefined) return undefined
  const starts = Object.values(listed).flatMap((price) =>
    typeof price === 'object' ? price.tiers.map(({ start }) => start) : [],
  )
  const tiers = [...new Set([0, ...starts])].sort((a, b) => a - b)
  const input = (above: number) => priceAt(listed.input_mtok, above) ?? '0'
  return {
    source,
    tiers: tiers.map((above) => ({
      above,
      input: input(above),
      output: priceAt(listed.output_mtok, above) ?? '0',
      cacheRead: priceAt(listed.cache_read_mtok, above) ?? input(above),
      cacheWrite5m: priceAt(listed.cache_write_mtok, above) ?? input(above),
      cacheWrite1h: priceAt(listed.cache_write_1h_mtok ?? listed.cache_write_mtok, above) ?? input(above),
    })),
    webSearch: perThousand(listed.web_searches_kcount),
    perCall: perThousand(listed.requests_kcount),
  }
}

/** The price of a tier, as the shortest decimal that is this double: so the table's own digits come back. */
function priceAt(price: ModelPrice[string], above: number): string | undefined {
  if (price === undefined) return undefined
  if (typeof price === 'number') return new Decimal(price).toFixed()
  const tier = price.tiers.toSorted((a, b) => a.start - b.start).findLast(({ start }) => start <= above)
  return new Decimal(tier?.price ?? price.base).toFixed()
}

const perThousand = (price: ModelPrice[string]): string => new Decimal(priceAt(price, 0) ?? '0').div(1_000).toFixed()

function pricedByOwner(price: OwnPrice): PricedModel {
  const { input, output, cacheRead = input, cacheWrite5m = input, cacheWrite1h = cacheWrite5m, webSearch = '0' } = price
  const tiers = [{ above: 0, input, output, cacheRead, cacheWrite5m, cacheWrite1h }]
  const prices = { source: `${price.provider}/${price.model}`, tiers, webSearch, perCall: '0' }
  const { contextTokens, maxOutputTokens } = price
  return { prices, contextTokens, maxOutputTokens, cachesUnasked: price.cacheWrite5m !== undefined }
}
