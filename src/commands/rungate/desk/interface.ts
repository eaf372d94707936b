/**
 * What an agent's desk is asked, and what it answers. Questions are plain facts: everything that a decision needs beside the
 * desk's own state stands in them, so that the desk decides the same whenever it has to decide anew.
 */
import type { CallSize } from '../../../adapters/llm/cost.ts'
import type { Attempt, FailureKind, RunStatus, RunTotals } from '../../../events/rungate/call-facts.ts'
import type { CleanupEvent } from '../../../events/rungate/cleanup.ts'
import type { DeskEvent, DeskFacts, DeskTurnEvent } from '../../../events/rungate/desk.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import type { CommandContext } from '../../handle.ts'
import type { Candidates } from './candidates.ts'
import type { StartedRun } from './recent-runs.ts'
import type { DeskOf, RunCommands } from './run-interface.ts'

export type { Candidate, CandidateKey, Candidates } from './candidates.ts'
export type { DeskOf, RunCommands, RunEnd, SaidOfRun, StepFacts } from './run-interface.ts'

export interface PolicyAtHand {
  policyId: string
  name: string
  version: number
  settings: PolicySettings
}

/** The agent as the directory knows it when the request comes in. */
export interface AgentAtHand {
  accountId: string
  agentId: string
  name: string
  memberId: string | null
}

/** Which run a call asks for (brief, section 4). The three that name one exclude each other in this order. */
export interface RunAsked {
  /** `x-rungate-run-id`, as it was sent. */
  runId: string | null
  /** `x-rungate-new-run: true`. */
  isNew: boolean
  /** At most 255 characters; taken at the run's start alone. */
  name: string | null
  /** At most 16 KiB; merged into what the run has. */
  metadata: Record<string, unknown> | null
  /** Of the run that `runId` names, what the read models say, once the desk has asked for it (`lookup`); null: not asked yet. */
  known: RunStatus | 'absent' | null
}

/** What is known of an approval of one tool for this request's fingerprint, within one run. */
export interface ApprovalAtHand {
  runId: string
  tool: string
  approvalId: string
  status: 'pending' | 'approved' | 'rejected' | 'expired'
  /** RFC 3339; an approval holds until then at most. */
  expiresAt: string
}

/** A request to a model that asks to be admitted. */
export interface CallFacts {
  /** A new UUID; it is the step's id as well. Admitted once, however often it is asked. */
  callId: string
  /** A new UUID, for the run that may have to be started. */
  newRunId: string
  agent: AgentAtHand
  /** The policy under which a new run starts: the agent's, or the one that the call chose. */
  policy: PolicyAtHand
  run: RunAsked
  /** The client's format. */
  format: 'openai' | 'anthropic'
  /** The body's; null: it names none, and the policy's default model is taken. */
  model: string | null
  /** Every tool that the request names. */
  tools: readonly string[]
  /** Of the canonical request, SHA-256 in hex. Needed where the policy wants approvals; null: not computed yet. */
  fingerprint: string | null
  /** Of this fingerprint; the desk answers which ones it misses. */
  approvals: readonly ApprovalAtHand[]
  isStreaming: boolean
  /** Prompt, cache and choices, from which input is bounded (adapters/llm/cost.ts). */
  size: CallSize
  /** Input tokens as rates count them before the call is settled: bytes/4. */
  estimatedInputTokens: number
  /** Output tokens per choice that the client asked for; null: it gave no maximum. */
  maxOutputTokens: number | null
  /** Below this the output is never clamped: a thinking budget. */
  thinkingTokens: number | null
  /** The prompt could still be counted exactly: where only its bound does not fit, the answer is `count`. */
  mayCount: boolean
  /** Steps of this calendar month that the account may still make; null: no limit. */
  monthlyStepsLeft: number | null
}

/**
 * The chain of a call: pure, synchronous, made of a directory in memory. `settings` are the snapshot's of the run, `model` the
 * one after default and override. Written in commands/rungate/routing.ts; it must not depend on breakers or on balancing,
 * since those may change between the reservation and the call.
 */
export type CandidatesOf = (settings: PolicySettings, facts: CallFacts, model: string, at: Date) => Candidates

/** What a run is bound to, and how far it is, as answers and refusals show it. */
export interface RunView {
  runId: string
  policyId: string
  policyName: string
  policyVersion: number
  agentName: string
  /** The snapshot that the run started with. */
  settings: PolicySettings
  status: RunStatus
  name: string | null
  startedAt: string
  totals: RunTotals
}

export interface Remaining {
  /** Decimal text; null: no hard limit in USD. What is reserved counts as spent. */
  usd: string | null
  tokens: number | null
}

export type AdmitOutcome =
  | Admission
  | Refusal
  | ApprovalNeeded
  /** Only the bound of the prompt stands in the way: ask again with a counted prompt, and `mayCount: false`. */
  | { kind: 'count'; run: RunView }
  /** The desk does not know the named run any more: ask again with what the read models say of it (`run.known`). */
  | { kind: 'lookup'; runId: string }

export interface Admission {
  kind: 'admitted'
  callId: string
  run: RunView
  /** The call has started the run. */
  isNewRun: boolean
  /** After default and override. */
  model: string
  /** What the client asked for, where an override replaced it: `X-Rungate-Model-Override`. */
  routedFrom: string | null
  candidates: Candidates
  /** Output tokens per choice that the provider must be told; null: as the client asked, unchanged. */
  outputLimit: number | null
  /** It is less than what was asked for, or nothing was asked for: `X-Rungate-Output-Clamped`. */
  isClamped: boolean
  isDryRun: boolean
  held: { usd: string; inputTokens: number; outputTokens: number }
  /** After this call's reservation. */
  remaining: Remaining
  startedAt: string
  expiresAt: string
}

/** Codes that the contract gives to governance, and those of its other errors. */
export type GovernanceCode =
  | 'budget_exceeded'
  | 'budget_alert_exceeded'
  | 'rate_limited'
  | 'model_not_allowed'
  | 'tool_blocked'
  | 'run_force_stopped'
  | 'run_blocked_after_force_stop'
  | 'runaway_prevention'
export type RefusalCode = GovernanceCode | 'not_found' | 'conflict' | 'model_missing' | 'metadata_too_long'

export interface Refusal {
  kind: 'refused'
  /** 402, 403 and 429 have governance's body; 404 and 409 the ordinary one; `model_missing` and `metadata_too_long` are 400 in the client's format. */
  status: 400 | 402 | 403 | 404 | 409 | 429
  code: RefusalCode
  message: string
  /** In the form of the API; amounts are decimal text under names that end in `_usd`. */
  details: Record<string, unknown> | null
  /** Null before a run was found. */
  run: RunView | null
  /** The run that was named and has ended: the desk may hold no more of it. */
  endedRunId?: string
  /** Whole seconds; null: waiting changes nothing. */
  retryAfterS: number | null
  /** Whether a client's own retries are worth while: else `x-should-retry: false`. */
  mayRetry: boolean
}

export interface ApprovalNeeded {
  kind: 'approval'
  run: RunView
  isNewRun: boolean
  /** The step that says so; the same for a repeat. */
  stepId: string
  model: string
  /**
   * Tools whose approval the facts did not hold: look them up or ask for them, under the step `callId`, and ask again. Nothing was
   * recorded but the run, where it is new.
   */
  missing: readonly string[]
  /** Tools that wait, once none is missing. */
  pending: readonly { tool: string; approvalId: string }[]
}

/** How a call ended, as the one who made it knows. Members as in CallSettled. */
export interface SettlementFacts
  extends Pick<
    DeskFacts<'rungate.CallSettled.v1'>,
    | 'status'
    | 'provider'
    | 'servedModel'
    | 'providerKeyId'
    | 'usage'
    | 'isEstimated'
    | 'costUsd'
    | 'prices'
    | 'latencyMs'
    | 'timeToFirstByteMs'
    | 'skipped'
    | 'errorStatus'
    | 'errorMessage'
    | 'finishReason'
    | 'hasContent'
  > {
  callId: string
  attempts: readonly Attempt[]
  errorKind: FailureKind | null
}

/** At once, before the log has it. */
export interface Settled {
  /** Undefined: the call is unknown here, or was settled before; nothing is recorded. */
  run: RunView | undefined
  remaining: Remaining | undefined
  /** Resolves when the log has it. Rejects only where the process stops before. */
  recorded: Promise<void>
}

/** The desks of all agents in this process. */
export interface Desks extends RunCommands {
  /** Decides on a call and resolves when the log has the reservation. Rejects with DeskBusy (503) and StoreUnavailable. */
  admit(facts: CallFacts, candidatesOf: CandidatesOf, context: CommandContext): Promise<AdmitOutcome>
  /** Ends a call that this process admitted. Synchronous: totals are those of this process at this moment. */
  settle(agent: DeskOf, facts: SettlementFacts, context: CommandContext): Settled
  /**
   * Resolves when all that this process has under way at the agent's desk is in the log, or after `waitMs`, and answers the
   * commit position up to which a read model has to be for an answer that shows it.
   */
  quiet(agentId: string, waitMs: number): Promise<bigint | undefined>
  /** The same of all desks of the account at which this process was within the last two seconds. */
  quietOf(accountId: string, waitMs: number): Promise<bigint | undefined>
  /**
   * A run of the account that began since the read models' place at this process's start, or undefined. The last 20,000 are known; it
   * may have ended. One that was deleted since is known no more.
   */
  startedRun(accountId: string, runId: string): StartedRun | undefined
  /** Told of each run that a force-stop ends, on whichever process; the calls of it that are under way are to be aborted. */
  onForceStop(listener: (runId: string) => void): void
}

/** What background work asks of desks. */
export interface DeskUpkeep {
  /** Ends idle runs, and expires calls past their time. Answers when there is something to do next, by the clock. */
  sweep(agent: DeskOf, context: CommandContext): Promise<{ nextAt: Date | undefined }>
  /** Tells the desk that an approval was decided: its run waits for that one no more. Resolves when the log has it. */
  noteApproval(
    agent: DeskOf,
    noted: { runId: string; approvalId: string; decision: 'approved' | 'rejected' },
    context: CommandContext,
  ): Promise<void>
  /** Expires all calls that a process admitted which is gone for good. */
  expireOf(agent: DeskOf, processId: string, context: CommandContext): Promise<void>
  /** Records the end of a call by hand, whichever process admitted it. Resolves when the log has it. */
  settleNow(agent: DeskOf, facts: SettlementFacts, context: CommandContext): Promise<RunView | undefined>
  /** Writes down refusals that were only counted so far. */
  flush(): void
  /** Resolves when nothing is under way in this process any more. */
  drained(): Promise<void>
  /**
   * What the log says of desks, as this process follows it: `rungate.TurnAsked`, `rungate.RunStarted`, `rungate.RunEnded`, and
   * `rungate.OldDataDeleted`, by which runs are gone.
   */
  follow(event: DeskEvent | DeskTurnEvent | CleanupEvent): void
}
