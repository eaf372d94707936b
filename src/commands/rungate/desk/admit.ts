/** Decides on a call, in the order of the brief's section 5: run, steps, model, tools, approvals, rates, budgets. */
import { type BudgetRules, fitBudget } from './budget.ts'
import type { AdmitCommand, DeskResult, Uncounted } from './commands.ts'
import { type Deciding, emitWithTotals, endRun, ofRun } from './emitting.ts'
import type { Admission, AdmitOutcome, CallFacts, Candidates, Refusal } from './interface.ts'
import { refusedByMonth, refusedByRate, refusedBySteps } from './rates.ts'
import { refusal, resolveRun } from './resolve.ts'
import { approvalsFor, type Model, modelFor, refusedTools } from './rules.ts'
import { noteApproval } from './run-commands.ts'
import type { Call, Run } from './state.ts'
import { remainingOf, viewOf } from './view.ts'

export interface AdmitRules extends BudgetRules {
  /** Refusals of one code that have a step of their own, in a run and a minute. */
  blockedStepsMax: number
  /** Of a run's metadata, all that was merged. */
  metadataMaxBytes: number
  /** Beside what a call's attempts take, until it counts as expired. */
  expiryMarginMs: number
}

type Result = Extract<DeskResult, { kind: 'admit' }>

export function admit(deciding: Deciding, command: AdmitCommand, rules: AdmitRules): Result {
  const { facts } = command
  const { state } = deciding
  const before = state.calls.get(facts.callId)
  // The reservation is in the log already: its answer was lost.
  const owner = before && state.runs.get(before.runId)
  if (before && owner) return { kind: 'admit', outcome: admitted(command, owner, before, false), blocked: undefined }
  const resolved = resolveRun(deciding, facts)
  if (resolved.kind === 'lookup') return { kind: 'admit', outcome: resolved, blocked: undefined }
  if (resolved.kind === 'refused') {
    const run = resolved.run === null ? undefined : state.runs.get(resolved.run.runId)
    if (run?.status !== 'running') return only(resolved)
    return refuse(deciding, run, facts, { model: facts.model ?? '', routedFrom: null }, resolved, rules)
  }
  const { run, isNew } = resolved
  const tooLong = mergeMetadata(deciding, run, facts, isNew, rules)
  if (tooLong) return only(tooLong)
  const settings = run.start.settings
  const model = modelFor(settings, facts.model)
  if ('kind' in model) return refuse(deciding, run, facts, { model: facts.model ?? '', routedFrom: null }, model, rules)
  const early = refusedByMonth(facts.monthlyStepsLeft) ?? refusedBySteps(run) ?? refusedTools(settings, facts.tools)
  if (early) return refuse(deciding, run, facts, model, early, rules)
  const waiting = waitForApproval(deciding, run, facts, model, isNew)
  if (waiting?.kind === 'refused') return refuse(deciding, run, facts, model, waiting, rules)
  if (waiting) return only(waiting)
  const tooFast = refusedByRate(state, run, facts, deciding.atMs)
  if (tooFast) return refuse(deciding, run, facts, model, tooFast, rules)
  return reserve(deciding, command, { run, isNew, ...model }, rules)
}

const only = (outcome: AdmitOutcome): Result => ({ kind: 'admit', outcome, blocked: undefined })

/** Names are taken at a run's start alone; metadata is merged later too, where it says anything new. A refusal of what is too long. */
function mergeMetadata(
  deciding: Deciding,
  run: Run,
  { agent, run: { metadata } }: CallFacts,
  isNew: boolean,
  { metadataMaxBytes }: AdmitRules,
): Refusal | undefined {
  if (isNew || metadata === null) return undefined
  const isKnown = (key: string) => JSON.stringify(run.metadata[key]) === JSON.stringify(metadata[key])
  if (Object.keys(metadata).every(isKnown)) return undefined
  const merged = { ...run.metadata, ...metadata }
  if (Buffer.byteLength(JSON.stringify(merged)) > metadataMaxBytes) {
    const message = `The metadata of the run would have more than ${metadataMaxBytes} bytes.`
    return refusal({ status: 400, code: 'metadata_too_long', message })
  }
  const author = { id: agent.agentId, tokenId: null }
  const data = { ...ofRun(deciding, run.start), metadata: merged, author }
  deciding.emit({ type: 'rungate.RunAnnotated.v1', data })
  return undefined
}

interface Wanted extends Model {
  run: Run
  isNew: boolean
}

function reserve(deciding: Deciding, command: AdmitCommand, wanted: Wanted, rules: AdmitRules): Result {
  const { state, atMs, at } = deciding
  const { facts, processId } = command
  const { run, model, routedFrom } = wanted
  const { budget, dryRun } = run.start.settings
  const all = command.candidatesOf(run.start.settings, model)
  const isLimited = budget.hardLimitUsd !== null || budget.maxCostPerHourUsd !== null
  const candidates = isLimited ? pricedOnly(all) : all
  if (candidates.reachable.length === 0 && all.reachable.length > 0) {
    const unpriced = refusal({
      ...{
        status: 403,
        code: 'model_not_allowed',
        message: `The price of ${model} is unknown, and a limit in USD holds.`,
      },
      details: { asked: model, reason: 'price_unknown' },
    })
    return refuse(deciding, run, facts, wanted, unpriced, rules, all.owner)
  }
  const fit = fitBudget(state, run, facts, candidates, atMs, rules)
  if (fit.kind === 'count') return only({ kind: 'count', run: viewOf(run) })
  if (fit.kind === 'refused') {
    const refused = refuse(deciding, run, facts, wanted, fit.refusal, rules, all.owner)
    if (fit.endsAs === undefined) return refused
    endRun(deciding, run, { status: 'budget_exceeded', endedReason: fit.endsAs, completionReason: null })
    return refused
  }
  const { callId, format, isStreaming, estimatedInputTokens } = facts
  emitWithTotals(deciding, run, {
    type: 'rungate.CallReserved.v1',
    data: {
      ...ofRun(deciding, run.start),
      callId,
      startedAt: at,
      format,
      type: dryRun ? 'dry_run' : 'llm_call',
      model,
      routedFrom,
      isStreaming,
      provider: candidates.reachable[0]?.provider ?? null,
      held: fit.held,
      estimatedInputTokens,
      clampedTo: fit.isClamped ? fit.outputLimit : null,
      prices: candidates.reachable.map(({ provider, model, priced }) => {
        return { provider, model, prices: priced?.prices ?? null }
      }),
      processId,
      expiresAt: new Date(atMs + candidates.longestMs + rules.expiryMarginMs).toISOString(),
      ordinal: run.ordinal,
    },
  })
  const call = state.calls.get(callId)
  if (!call) throw new Error('a call that was reserved is there')
  return only(admitted(command, run, call, wanted.isNew, candidates))
}

function admitted(
  command: AdmitCommand,
  run: Run,
  call: Call,
  isNewRun: boolean,
  candidates = command.candidatesOf(run.start.settings, call.model),
): Admission {
  const { callId, model, routedFrom, type, held, clampedTo, startedAt, expiresAt } = call
  return {
    ...{ kind: 'admitted', callId, run: viewOf(run), isNewRun, model, routedFrom, candidates },
    outputLimit: clampedTo,
    isClamped: clampedTo !== null,
    isDryRun: type === 'dry_run',
    held,
    remaining: remainingOf(run),
    startedAt,
    expiresAt,
  }
}

/** Without candidates that nobody knows the price of: their cost could not be bounded. */
function pricedOnly(candidates: Candidates): Candidates {
  const unpriced = candidates.reachable.filter(({ priced }) => priced === null)
  if (unpriced.length === 0) return candidates
  const skipped = unpriced.map(({ provider }) => ({ provider, reason: 'price_unknown' }))
  return {
    ...candidates,
    reachable: candidates.reachable.filter(({ priced }) => priced !== null),
    skipped: [...candidates.skipped, ...skipped],
  }
}

function waitForApproval(
  deciding: Deciding,
  run: Run,
  facts: CallFacts,
  { model, routedFrom }: Model,
  isNewRun: boolean,
) {
  const approvals = approvalsFor(run, facts, deciding.atMs)
  if (run.awaits.size > 0) noteDecided(deciding, facts)
  if (approvals.kind === 'none') return undefined
  if (approvals.kind === 'refused') return approvals
  const { callId, fingerprint } = facts
  const before = fingerprint === null ? undefined : run.awaits.get(fingerprint)
  const stepId = before?.stepId ?? callId
  const outcome = { kind: 'approval', isNewRun, stepId, model } as const
  if (approvals.kind === 'missing' || fingerprint === null) {
    const missing = approvals.kind === 'missing' ? approvals.missing : approvals.pending.map(({ tool }) => tool)
    return { ...outcome, run: viewOf(run), missing, pending: [] }
  }
  const pending = approvals.pending.map(({ tool, approvalId }) => ({ tool, approvalId }))
  const until = approvals.pending.map(({ expiresAt }) => expiresAt).reduce((a, b) => (b > a ? b : a))
  if (!before || before.untilMs < Date.parse(until)) {
    emitWithTotals(deciding, run, {
      type: 'rungate.CallBlocked.v1',
      data: {
        ...ofRun(deciding, run.start),
        ...{ stepId: callId, format: facts.format, model, routedFrom, provider: '', isStreaming: facts.isStreaming },
        ...{ status: 'policy_blocked', code: 'tool_approval_required', ordinal: run.ordinal },
        message: `Somebody has to approve: ${pending.map(({ tool }) => tool).join(', ')}.`,
        details: { approvals: pending },
        awaits: { fingerprint, until, approvalIds: pending.map(({ approvalId }) => approvalId) },
      },
    })
    return { ...outcome, stepId: callId, run: viewOf(run), missing: [], pending }
  }
  return { ...outcome, run: viewOf(run), missing: [], pending }
}

/** The request may come again before anybody has told the desk of the decision. */
function noteDecided(deciding: Deciding, { approvals }: CallFacts): void {
  for (const { runId, approvalId, status } of approvals) {
    if (status === 'approved' || status === 'rejected') noteApproval(deciding, { runId, approvalId, decision: status })
  }
}

/** Records a refusal within a run, but for those of a flood. */
function refuse(
  deciding: Deciding,
  run: Run,
  facts: CallFacts,
  { model, routedFrom }: Model,
  refused: Refusal,
  { blockedStepsMax }: AdmitRules,
  provider = '',
): Result {
  const { code, message, details, status } = refused
  if (status === 400) return only({ ...refused, run: viewOf(run) })
  const counted = run.blocked.get(code)
  const isFlood = counted?.minute === Math.floor(deciding.atMs / 60_000) && counted.steps >= blockedStepsMax
  let blocked: Uncounted | undefined
  if (isFlood) blocked = { runId: run.start.runId, stepId: counted.stepId, code }
  else {
    emitWithTotals(deciding, run, {
      type: 'rungate.CallBlocked.v1',
      data: {
        ...ofRun(deciding, run.start),
        ...{ stepId: facts.callId, format: facts.format, model, routedFrom, provider, isStreaming: facts.isStreaming },
        ...{ status: status === 402 ? 'budget_blocked' : 'policy_blocked', code, message, details },
        ...{ awaits: null, ordinal: run.ordinal },
      },
    })
  }
  return { kind: 'admit', outcome: { ...refused, run: viewOf(run) }, blocked }
}
