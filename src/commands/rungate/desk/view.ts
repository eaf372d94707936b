/** Runs as answers, refusals and events show them. */

import type { RunTotals } from '../../../events/rungate/call-facts.ts'
import { limitOf, usdOf } from '../../../runtime/usd-units.ts'
import type { Remaining, RunView } from './interface.ts'
import { type Run, tokensIn } from './state.ts'

export function primaryModel(models: ReadonlyMap<string, number>): string | null {
  let [primary, most]: [string | null, number] = [null, 0]
  for (const [model, count] of models) if (count > most) [primary, most] = [model, count]
  return primary
}

export const totalsOf = (run: Run): RunTotals => ({
  costUsd: usdOf(run.cost),
  tokens: run.tokens,
  stepCount: run.stepCount,
  primaryModel: primaryModel(run.models),
  hasGovernanceBlock: run.hasGovernanceBlock,
  lastStepAt: run.lastStepAt,
})

export function viewOf(run: Run): RunView {
  const { runId, policyId, policyName, policyVersion, agentName, settings, startedAt } = run.start
  const { status, name } = run
  return {
    runId,
    policyId,
    policyName,
    policyVersion,
    agentName,
    settings,
    startedAt,
    status,
    name,
    totals: totalsOf(run),
  }
}

/** What is spent for certain, or may have been. */
export const spentUsd = (run: Run): bigint => run.cost + run.kept
export const spentTokens = (run: Run): number => tokensIn(run.tokens) + run.keptTokens

export function remainingOf(run: Run): Remaining {
  const { hardLimitUsd, hardLimitTokens } = run.start.settings.budget
  return {
    usd: hardLimitUsd === null ? null : usdOf(limitOf(hardLimitUsd) - spentUsd(run) - run.reserved),
    tokens: hardLimitTokens === null ? null : Math.max(0, hardLimitTokens - spentTokens(run) - run.reservedTokens),
  }
}
