/** How fast an agent may go under a policy, exactly, since every admission is in the log (brief, section 5.7). */
import type { CallFacts, Refusal } from './interface.ts'
import { refusal } from './resolve.ts'
import { type DeskState, type Run, windowSeen } from './state.ts'
import { secondsUntilGone, usedInMinute } from './windows.ts'

/** A refusal where the last minute, what is under way and this call are more than the policy allows. */
export function refusedByRate(state: DeskState, run: Run, facts: CallFacts, atMs: number): Refusal | undefined {
  const { policyId, settings } = run.start
  const { maxRequestsPerMinute: requestsMax, maxTokensPerMinute: tokensMax } = settings.rateLimits
  if (requestsMax === null && tokensMax === null) return undefined
  const window = windowSeen(state, policyId)
  const { requests, tokens, cells } = usedInMinute(window, atMs)
  if (requestsMax !== null && requests + 1 > requestsMax) {
    const retryAfterS = secondsUntilGone(cells, 'requests', requests + 1 - requestsMax, atMs)
    return limited('requests', requestsMax, requests, retryAfterS)
  }
  const wanted = tokens + window.estimatedTokens + facts.estimatedInputTokens
  if (tokensMax !== null && wanted > tokensMax) {
    const excess = wanted - tokensMax
    // Where calls under way take the place, nobody knows when they end.
    const retryAfterS = excess > tokens ? 1 : secondsUntilGone(cells, 'tokens', excess, atMs)
    return limited('tokens', tokensMax, tokens + window.estimatedTokens, retryAfterS)
  }
  return undefined
}

const limited = (what: 'requests' | 'tokens', max: number, used: number, retryAfterS: number) =>
  refusal({
    ...{ status: 429, code: 'rate_limited', message: `The policy allows ${max} ${what} a minute.` },
    details: { reason: `max_${what}_per_minute`, limit: max, used },
    ...{ retryAfterS, mayRetry: true },
  })

export const refusedByMonth = (left: number | null): Refusal | undefined =>
  left === null || left > 0
    ? undefined
    : refusal({
        ...{ status: 429, code: 'rate_limited', message: 'The account has made all steps of this month.' },
        details: { reason: 'monthly_step_limit' },
      })

/** A run that has made all its steps goes on, so that the agent can complete it. */
export function refusedBySteps({ start, stepCount }: Run): Refusal | undefined {
  const { enabled, maxStepsPerRun } = start.settings.runawayPrevention
  if (!enabled || stepCount < maxStepsPerRun) return undefined
  return refusal({
    ...{ status: 403, code: 'runaway_prevention', message: `The policy allows ${maxStepsPerRun} steps in a run.` },
    details: { steps_used: stepCount, max_steps_per_run: maxStepsPerRun },
  })
}
