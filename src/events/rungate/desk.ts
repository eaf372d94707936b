/**
 * Facts of an agent's desk: its runs, and every call that was admitted, refused and settled. Streams `rungate.desk-<agent>`, and
 * `rungate.desk-<agent>.<book>` from the second book on. Totals stand in the events, so that nobody computes sums anew.
 */
import { z } from 'zod'
import type { EventOf } from '../event.ts'
import {
  attempt,
  call,
  failureKind,
  held,
  metadata,
  modelPrices,
  runStatus,
  runTotals,
  tokens,
  usage,
} from './call-facts.ts'
import { deskBook } from './desk-book.ts'
import { outcome, policySettings } from './policy-settings.ts'
import { author, time, usd, uuid } from './vocabulary.ts'

const ofDesk = { accountId: uuid, agentId: uuid, occurredAt: time }
const ofRun = { ...ofDesk, runId: uuid, policyId: uuid }
/** The run after the event, and the step's place among the run's steps, from 0. */
const step = { ordinal: z.int().min(0), run: runTotals }

export const deskEvents = {
  'rungate.RunStarted.v1': z.object({
    ...ofRun,
    agentName: z.string(),
    /** Whose agent it is. */
    memberId: uuid.nullable(),
    policyName: z.string(),
    policyVersion: z.int().min(1),
    /** The policy as it stands; it holds for the run until its end. */
    settings: policySettings,
    name: z.string().nullable(),
    metadata,
    creationMethod: z.enum(['explicit', 'implicit', 'sdk']),
  }),
  /** Set aside before the provider hears of the call. */
  'rungate.CallReserved.v1': z.object({
    ...ofRun,
    ...call.shape,
    /** The provider that is asked first; null: none can be, which the call will say. */
    provider: z.string().nullable(),
    held,
    /** Input tokens as the rate counts them until the call is settled. */
    estimatedInputTokens: z.int().min(0),
    /** The output that the provider is told not to pass, where it is less than was asked for; null: as asked. */
    clampedTo: z.int().min(1).nullable(),
    /** Of every candidate that the chain may reach; null: unknown. */
    prices: z.array(z.object({ provider: z.string(), model: z.string(), prices: modelPrices.nullable() })),
    processId: uuid,
    expiresAt: time,
    ...step,
  }),
  /** The end of a call, whatever happened, and its entry in the ledger. */
  'rungate.CallSettled.v1': z.object({
    ...ofRun,
    ...call.shape,
    /** The run had ended before the call did. */
    isAfterEnd: z.boolean(),
    /** The call had expired: this replaces what was held for it. */
    replacesHeld: z.boolean(),
    status: z.enum(['success', 'error', 'timeout']),
    /** What served it, or was asked last; key and served model are null where no request was sent. */
    provider: z.string(),
    servedModel: z.string().nullable(),
    providerKeyId: uuid.nullable(),
    usage,
    isEstimated: z.boolean(),
    costUsd: usd,
    /** Null: the price is unknown, or nothing was sent. */
    prices: modelPrices.nullable(),
    /** What was held for it. */
    held,
    clampedTo: z.int().min(1).nullable(),
    latencyMs: z.int().min(0),
    timeToFirstByteMs: z.int().min(0).nullable(),
    /** In their order; the last one served the call where the status says success. */
    attempts: z.array(attempt),
    /** Candidates that were passed over, and why. */
    skipped: z.array(z.object({ provider: z.string(), reason: z.string() })),
    errorKind: failureKind.nullable(),
    errorStatus: z.int().nullable(),
    errorMessage: z.string().nullable(),
    finishReason: z.string().nullable(),
    /** A document of its own says what was asked and answered. */
    hasContent: z.boolean(),
    ...step,
  }),
  /** A call that was refused within a run. */
  'rungate.CallBlocked.v1': z.object({
    ...ofRun,
    stepId: uuid,
    format: call.shape.format,
    model: z.string(),
    routedFrom: z.string().nullable(),
    provider: z.string(),
    isStreaming: z.boolean(),
    status: z.enum(['policy_blocked', 'budget_blocked']),
    /** As the client was told: `rate_limited`. */
    code: z.string(),
    message: z.string(),
    details: metadata.nullable(),
    /** For an approval: the request's fingerprint, and until when the run waits for it. */
    awaits: z
      .object({
        fingerprint: z.string(),
        until: time,
        /** Those that wait; left out by releases that did not follow decisions. */
        approvalIds: z.array(uuid).optional(),
      })
      .nullable(),
    ...step,
  }),
  /** Further refusals of one kind within a minute, of which each has no step of its own. */
  'rungate.CallsBlocked.v1': z.object({
    ...ofRun,
    /** The last refusal that has one. */
    stepId: uuid,
    code: z.string(),
    count: z.int().min(1),
    run: runTotals,
  }),
  /** Somebody has decided on an approval that the run waits for; who, says the approval. */
  'rungate.DecisionNoted.v1': z.object({
    ...ofRun,
    approvalId: uuid,
    /** Of the request that waits. */
    fingerprint: z.string(),
    decision: z.enum(['approved', 'rejected']),
  }),
  /** Nobody has settled the call in its time. What was held stays held, since it may have been spent. */
  'rungate.CallExpired.v1': z.object({
    ...ofRun,
    ...call.shape,
    provider: z.string(),
    held,
    isAfterEnd: z.boolean(),
    ...step,
  }),
  /** A tool call that the agent reports. */
  'rungate.ToolCallLogged.v1': z.object({
    ...ofRun,
    stepId: uuid,
    name: z.string(),
    provider: z.string(),
    status: z.enum(['success', 'error', 'timeout']),
    tokens,
    costUsd: usd,
    latencyMs: z.int().min(0),
    errorMessage: z.string().nullable(),
    hasContent: z.boolean(),
    ...step,
  }),
  /** What is not named stays; null clears. Metadata is the whole after the merge. */
  'rungate.RunAnnotated.v1': z.object({
    ...ofRun,
    name: z.string().nullable().optional(),
    outcome: outcome.nullable().optional(),
    outcomeReason: z.string().nullable().optional(),
    metadata: metadata.optional(),
    author,
  }),
  /** Once for each run. */
  'rungate.AlertThresholdReached.v1': z.object({
    ...ofRun,
    /** Which of the two was passed. */
    threshold: z.enum(['usd', 'tokens']),
    thresholdUsd: usd.nullable(),
    thresholdTokens: z.int().nullable(),
    action: policySettings.shape.budget.shape.onAlertThreshold,
    run: runTotals,
  }),
  'rungate.RunEnded.v1': z.object({
    ...ofRun,
    startedAt: time,
    name: z.string().nullable(),
    status: runStatus.exclude(['running']),
    /** Out of the contract's words, or the caller's own. */
    endedReason: z.string(),
    completionReason: z.enum(['explicit', 'idle_timeout']).nullable(),
    outcome: outcome.nullable(),
    outcomeReason: z.string().nullable(),
    metadata,
    /** Null: the desk itself. */
    author: author.nullable(),
    /** Calls that are still under way. */
    openCalls: z.int().min(0),
    run: runTotals,
  }),
  /** New runs start again by themselves after the force-stop of this one. */
  'rungate.ForceStopLifted.v1': z.object({ ...ofRun, author }),
  /** The first event of a book, but for the first book: all that the desk knew. */
  'rungate.BookOpened.v1': z.object({ ...ofDesk, book: z.int().min(2), state: deskBook }),
  /** The last event of a book; the desk goes on in the next one. */
  'rungate.BookClosed.v1': z.object({ ...ofDesk, book: z.int().min(1), events: z.int().min(1) }),
}
export type DeskEvent = EventOf<typeof deskEvents>
export type DeskFacts<T extends DeskEvent['type']> = Extract<DeskEvent, { type: T }>['data']

/** Which book of a desk is open. Stream `rungate.deskBook-<agent>`. */
export const deskBookEvents = {
  'rungate.BookTurned.v1': z.object({ ...ofDesk, book: z.int().min(2) }),
}
export type DeskBookEvent = EventOf<typeof deskBookEvents>

/** A process that another one leaves no room at a desk. Stream `rungate.deskTurn-<agent>`. */
export const deskTurnEvents = {
  'rungate.TurnAsked.v1': z.object({ ...ofDesk, processId: uuid }),
}
export type DeskTurnEvent = EventOf<typeof deskTurnEvents>
