/**
 * Whether a call may be paid for, before it is made: its upper bound against what is left of every limit, with what other calls
 * have set aside. Where a shorter answer would fit, the call is clamped to it (brief, section 5a).
 */
import { affordableOutput, boundInput, type CallSize, dearestBound } from '../../../adapters/llm/cost.ts'
import type { PricedModel } from '../../../adapters/llm/price-table.ts'
import { inputBoundTokens } from '../../../adapters/llm/prompt-size.ts'
import { limitOf, unitsOf, usdOf } from '../../../runtime/usd-units.ts'
import type { CallFacts, Candidates, Refusal } from './interface.ts'
import { refusal } from './resolve.ts'
import { type DeskState, type Run, windowSeen } from './state.ts'
import { spentTokens, spentUsd } from './view.ts'
import { secondsUntilSpentGone, spentInHour } from './windows.ts'

export interface BudgetRules {
  /** An answer is never clamped to fewer tokens, but for one that asked for fewer. */
  outputFloorTokens: number
  /** What an answer may have that asked for no maximum, even where it takes more than a quarter of the rest. */
  outputUnaskedTokens: number
  /** The most that a model answers of which no table says it. */
  modelOutputMaxTokens: number
}

export type Fit =
  | {
      kind: 'fits'
      held: { usd: string; inputTokens: number; outputTokens: number }
      outputLimit: number | null
      isClamped: boolean
    }
  | { kind: 'count' }
  | { kind: 'refused'; refusal: Refusal; endsAs: 'cost_limit' | 'token_limit' | undefined }

/** What is left of each limit; undefined: there is none. */
interface Rest {
  usd: bigint | undefined
  tokens: number | undefined
}

interface Asking {
  run: Run
  facts: CallFacts
  models: readonly PricedModel[]
  rules: BudgetRules
  leastOutput: number
}

export function fitBudget(
  state: DeskState,
  run: Run,
  facts: CallFacts,
  { reachable }: Pick<Candidates, 'reachable'>,
  atMs: number,
  rules: BudgetRules,
): Fit {
  const models = reachable.flatMap(({ priced }) => (priced ? [priced] : []))
  const asked = facts.maxOutputTokens
  const floor = Math.min(rules.outputFloorTokens, asked ?? rules.outputFloorTokens)
  const leastOutput = Math.max(floor, Math.min((facts.thinkingTokens ?? -1) + 1, asked ?? Number.POSITIVE_INFINITY))
  const asking: Asking = { run, facts, models, rules, leastOutput }
  const limits = limitsOf(state, run, atMs)
  const rest = restOf(limits, true)
  const modelMax = mostOutput(reachable, rules)
  if (rest.usd === undefined && rest.tokens === undefined) {
    return { kind: 'fits', held: boundFor(asking, asked ?? modelMax), outputLimit: null, isClamped: false }
  }
  const wanted = asked ?? Math.min(modelMax, Math.max(rules.outputUnaskedTokens, affordable(asking, quarterOf(rest))))
  const whole = boundFor(asking, wanted)
  const isUnasked = asked === null && wanted < modelMax
  if (isWithin(whole, rest)) {
    return { kind: 'fits', held: whole, outputLimit: isUnasked ? wanted : null, isClamped: isUnasked }
  }
  const outputLimit = Math.min(affordable(asking, rest), wanted)
  if (outputLimit >= leastOutput) {
    return { kind: 'fits', held: boundFor(asking, outputLimit), outputLimit, isClamped: true }
  }
  if (
    facts.mayCount &&
    affordable({ ...asking, facts: { ...facts, size: withoutPrompt(facts.size) } }, rest) >= leastOutput
  ) {
    return { kind: 'count' }
  }
  return refused(asking, limits, atMs)
}

interface Limits {
  usd: { limit: bigint; spent: bigint; reserved: bigint } | undefined
  tokens: { limit: number; spent: number; reserved: number } | undefined
  hour: { limit: bigint; spent: bigint; reserved: bigint; window: ReturnType<typeof windowSeen> } | undefined
}

function limitsOf(state: DeskState, run: Run, atMs: number): Limits {
  const { hardLimitUsd, hardLimitTokens, maxCostPerHourUsd } = run.start.settings.budget
  const window = windowSeen(state, run.start.policyId)
  return {
    usd:
      hardLimitUsd === null
        ? undefined
        : { limit: limitOf(hardLimitUsd), spent: spentUsd(run), reserved: run.reserved },
    tokens:
      hardLimitTokens === null
        ? undefined
        : { limit: hardLimitTokens, spent: spentTokens(run), reserved: run.reservedTokens },
    hour:
      maxCostPerHourUsd === null
        ? undefined
        : { limit: limitOf(maxCostPerHourUsd), spent: spentInHour(window, atMs), reserved: window.reserved, window },
  }
}

const left = <N extends bigint | number>(
  { limit, spent, reserved }: { limit: N; spent: N; reserved: N },
  all: boolean,
) => (all ? limit - spent - reserved : limit - spent) as N

function restOf({ usd, tokens, hour }: Limits, withReserved: boolean): Rest {
  const amounts = [usd, hour].flatMap((limit) => (limit ? [left(limit, withReserved)] : []))
  return {
    usd: amounts.length === 0 ? undefined : amounts.reduce((a, b) => (b < a ? b : a)),
    tokens: tokens && left(tokens, withReserved),
  }
}

const quarterOf = ({ usd, tokens }: Rest): Rest => ({
  usd: usd === undefined ? undefined : usd / 4n,
  tokens: tokens === undefined ? undefined : Math.floor(tokens / 4),
})

const withoutPrompt = (size: CallSize): CallSize => ({
  ...size,
  prompt: { ...size.prompt, textBytes: 0, messages: 0, hasTools: false },
})

const inputOf = ({ models, facts: { size } }: Asking): number =>
  Math.max(inputBoundTokens(size.prompt), ...models.map(({ contextTokens }) => boundInput(size.prompt, contextTokens)))

function mostOutput(reachable: Candidates['reachable'], { modelOutputMaxTokens }: BudgetRules): number {
  const most = reachable.map(({ priced }) => priced?.maxOutputTokens ?? priced?.contextTokens ?? modelOutputMaxTokens)
  return most.length === 0 ? modelOutputMaxTokens : Math.max(...most)
}

function boundFor(asking: Asking, outputTokens: number) {
  const { models, facts } = asking
  if (models.length > 0) {
    const { usd, inputTokens, outputTokens: all } = dearestBound(models, facts.size, outputTokens)
    return { usd, inputTokens, outputTokens: all }
  }
  const all = outputTokens * facts.size.choices + facts.size.prompt.predictionTokens
  return { usd: '0', inputTokens: inputOf(asking), outputTokens: all }
}

const isWithin = (bound: ReturnType<typeof boundFor>, { usd, tokens }: Rest): boolean =>
  (usd === undefined || unitsOf(bound.usd) <= usd) &&
  (tokens === undefined || bound.inputTokens + bound.outputTokens <= tokens)

/** Output tokens per choice that the rest pays for after the prompt; negative where it does not pay for the prompt. */
function affordable(asking: Asking, { usd, tokens }: Rest): number {
  const { models, facts } = asking
  const { choices, prompt } = facts.size
  const byTokens =
    tokens === undefined
      ? Number.POSITIVE_INFINITY
      : Math.floor((tokens - inputOf(asking) - prompt.predictionTokens) / choices)
  if (usd === undefined || models.length === 0) return byTokens
  return usd < 0n ? -1 : Math.min(byTokens, affordableOutput(models, facts.size, usdOf(usd)))
}

function refused(asking: Asking, limits: Limits, atMs: number): Fit {
  const { leastOutput } = asking
  const isPaid = (rest: Rest) => affordable(asking, rest) >= leastOutput
  const { usd, tokens, hour } = limits
  const none: Rest = { usd: undefined, tokens: undefined }
  const runAlone = { usd: usd && left(usd, false), tokens: tokens && left(tokens, false) }
  const needed = boundFor(asking, leastOutput)
  // The spend stands in the way, not the call: it would fit a run of its own.
  const isSpent = (now: Rest, whole: Rest) => !isPaid(now) && isPaid(whole)
  const endsAs =
    usd && isSpent({ ...none, usd: runAlone.usd }, { ...none, usd: usd.limit })
      ? 'cost_limit'
      : tokens && isSpent({ ...none, tokens: runAlone.tokens }, { ...none, tokens: tokens.limit })
        ? 'token_limit'
        : undefined
  const retryAfterS = endsAs === undefined && isPaid(runAlone) ? waitFor(hour, unitsOf(needed.usd), atMs) : null
  return {
    ...{ kind: 'refused', endsAs },
    refusal: refusal({
      ...{ status: 402, code: 'budget_exceeded', message: 'The rest of the budget does not pay for the call.' },
      details: {
        ...detailsOf(limits),
        needed_usd: needed.usd,
        needed_tokens: needed.inputTokens + needed.outputTokens,
      },
      ...{ retryAfterS, mayRetry: retryAfterS !== null },
    }),
  }
}

/** Whole seconds until reservations or the hour may leave room; null where the hour never pays for it. */
function waitFor(hour: Limits['hour'], needed: bigint, atMs: number): number | null {
  if (!hour) return 1
  if (needed > hour.limit) return null
  const excess = hour.spent + needed - hour.limit
  return excess <= 0n ? 1 : secondsUntilSpentGone(hour.window, excess, atMs)
}

function detailsOf({ usd, tokens, hour }: Limits): Record<string, unknown> {
  return {
    ...(usd && { remaining_usd: usdOf(left(usd, false)), reserved_usd: usdOf(usd.reserved) }),
    ...(tokens && { remaining_tokens: Math.max(0, left(tokens, false)), reserved_tokens: tokens.reserved }),
    ...(hour && { hour_remaining_usd: usdOf(left(hour, false)), hour_reserved_usd: usdOf(hour.reserved) }),
  }
}
