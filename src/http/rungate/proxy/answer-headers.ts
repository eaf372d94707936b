/**
 * Headers and trailers with which governance answers. Each function puts its own into `headers`, which it returns: to put several
 * objects of headers together takes eight times as long, and every call has some.
 */

import { totalInput, type Usage } from '../../../adapters/llm/usage.ts'
import type { Admission, Remaining, RunView } from '../../../commands/rungate/desk/interface.ts'

type Headers = Record<string, string>

/** A text as a header can hold it: what is not plain ASCII is percent-encoded. */
export const headerText = (text: string): string =>
  text.replace(/[^\x21-\x7e]/gu, (letter) => encodeURIComponent(letter.toWellFormed()))

export function addRun(headers: Headers, run: RunView | null, stepId: string | null): Headers {
  if (run) headers['x-rungate-run-id'] = run.runId
  if (stepId !== null) headers['x-rungate-step-id'] = stepId
  return headers
}

/** What is known as soon as somebody serves the call. */
export function addServed(
  headers: Headers,
  admission: Admission,
  served: { provider: string; model: string },
): Headers {
  const { run, callId, routedFrom, isClamped, outputLimit, isDryRun } = admission
  addRun(headers, run, callId)
  headers['x-rungate-provider'] = headerText(served.provider)
  headers['x-rungate-model'] = headerText(served.model)
  if (routedFrom !== null) headers['x-rungate-model-override'] = headerText(routedFrom)
  if (isClamped && outputLimit !== null) headers['x-rungate-output-clamped'] = String(outputLimit)
  if (isDryRun) headers['x-rungate-dry-run'] = 'true'
  return headers
}

/** Of all four buckets together. */
export const tokensUsed = (usage: Usage): number => totalInput(usage) + usage.output

/** What is known at the end. Limits that are not in force are not named. */
export function addSpent(headers: Headers, usage: Usage, costUsd: string, remaining: Remaining | undefined): Headers {
  headers['x-rungate-tokens-used'] = String(tokensUsed(usage))
  headers['x-rungate-cost-usd'] = costUsd
  return addRemaining(headers, remaining)
}

export function addRemaining(headers: Headers, remaining: Remaining | undefined): Headers {
  if (remaining?.usd != null) headers['x-rungate-budget-remaining-usd'] = remaining.usd
  if (remaining?.tokens != null) headers['x-rungate-budget-remaining-tokens'] = String(remaining.tokens)
  return headers
}

/** The trailers of a stream, as its header announces them. */
export const TRAILERS = [
  ...['X-Rungate-Tokens-Used', 'X-Rungate-Cost-Usd'],
  ...['X-Rungate-Budget-Remaining-Usd', 'X-Rungate-Budget-Remaining-Tokens'],
].join(', ')
