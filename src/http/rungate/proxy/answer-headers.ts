/** Headers and trailers with which governance answers. */

import { totalInput, type Usage } from '../../../adapters/llm/usage.ts'
import type { Admission, Remaining, RunView } from '../../../commands/rungate/desk/interface.ts'

type Headers = Record<string, string>

/** A text as a header can hold it: what is not plain ASCII is percent-encoded. */
export const headerText = (text: string): string =>
  text.replace(/[^\x21-\x7e]/gu, (letter) => encodeURIComponent(letter.toWellFormed()))

export const runHeaders = (run: RunView | null, stepId: string | null): Headers => ({
  ...(run && { 'x-rungate-run-id': run.runId }),
  ...(stepId !== null && { 'x-rungate-step-id': stepId }),
})

/** What is known as soon as somebody serves the call. */
export function servedHeaders(admission: Admission, served: { provider: string; model: string }): Headers {
  const { run, callId, routedFrom, isClamped, outputLimit, isDryRun } = admission
  return {
    ...runHeaders(run, callId),
    'x-rungate-provider': headerText(served.provider),
    'x-rungate-model': headerText(served.model),
    ...(routedFrom !== null && { 'x-rungate-model-override': headerText(routedFrom) }),
    ...(isClamped && outputLimit !== null && { 'x-rungate-output-clamped': String(outputLimit) }),
    ...(isDryRun && { 'x-rungate-dry-run': 'true' }),
  }
}

/** Of all four buckets together. */
export const tokensUsed = (usage: Usage): number => totalInput(usage) + usage.output

/** What is known at the end. Limits that are not in force are not named. */
export function spentHeaders(usage: Usage, costUsd: string, remaining: Remaining | undefined): Headers {
  return {
    'x-rungate-tokens-used': String(tokensUsed(usage)),
    'x-rungate-cost-usd': costUsd,
    ...remainingHeaders(remaining),
  }
}

export const remainingHeaders = (remaining: Remaining | undefined): Headers => ({
  ...(remaining?.usd != null && { 'x-rungate-budget-remaining-usd': remaining.usd }),
  ...(remaining?.tokens != null && { 'x-rungate-budget-remaining-tokens': String(remaining.tokens) }),
})

/** The trailers of a stream, as its header announces them. */
export const TRAILERS = [
  ...['X-Rungate-Tokens-Used', 'X-Rungate-Cost-Usd'],
  ...['X-Rungate-Budget-Remaining-Usd', 'X-Rungate-Budget-Remaining-Tokens'],
].join(', ')
