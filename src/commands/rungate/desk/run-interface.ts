/** What agents and operators may do to runs at a desk. */
import type { Tokens } from '../../../events/rungate/call-facts.ts'
import type { DeskFacts } from '../../../events/rungate/desk.ts'
import type { PolicySettings } from '../../../events/rungate/policy-settings.ts'
import type { Author } from '../../../events/rungate/vocabulary.ts'
import type { CommandContext } from '../../handle.ts'

/** What an agent or an operator may do to runs. Refusals are `Rejected`, with the codes that are named. */
export interface RunCommands {
  /**
   * Ends a running run. `runId` null: the latest running one. Rejects with run_not_found and run_not_running. `by`: the agent
   * (`agent_signaled`, or its own reason), or the dashboard (`admin_completed`).
   */
  complete(
    agent: DeskOf,
    asked: {
      runId: string | null
      by: 'agent' | 'dashboard'
      endedReason?: string | undefined
      metadata?: Record<string, unknown> | undefined
      outcome?: 'success' | 'partial' | 'failed' | undefined
      outcomeReason?: string | undefined
      author: Author
    },
    context: CommandContext,
  ): Promise<RunEnd>
  /** Force-stops. Rejects with run_not_found and run_not_running. */
  stop(agent: DeskOf, asked: { runId: string; author: Author }, context: CommandContext): Promise<RunEnd>
  completeAll(
    agent: DeskOf,
    asked: { endedReason?: string | undefined; author: Author },
    context: CommandContext,
  ): Promise<{ runIds: string[]; position: bigint | undefined }>
  /**
   * Changes name, outcome or its reason; null clears. `runId` null: the latest running run. `isKnown`: the read models have the
   * run, so that one which has ended, and which the desk has forgotten, may be changed as well. Rejects with run_not_found.
   */
  annotate(
    agent: DeskOf,
    asked: {
      runId: string | null
      /** Of the run, where it is known from the read models. */
      policyId: string | null
      isKnown: boolean
      name?: string | null | undefined
      outcome?: 'success' | 'partial' | 'failed' | null | undefined
      outcomeReason?: string | null | undefined
      author: Author
    },
    context: CommandContext,
  ): Promise<{ runId: string; said: SaidOfRun | undefined; position: bigint | undefined }>
  /**
   * Lifts the block after a force-stop. `isKnown`: the read models have the run as force-stopped; else the desk has to know of a block,
   * or rejects with run_not_running. Answers when it was lifted first.
   */
  lift(
    agent: DeskOf,
    asked: { runId: string; policyId: string; isKnown: boolean; author: Author },
    context: CommandContext,
  ): Promise<{ liftedAt: string; position: bigint | undefined }>
  /** Rejects with run_not_found, run_not_running and step_limit_reached. */
  logToolCall(
    agent: DeskOf,
    asked: { runId: string } & StepFacts,
    context: CommandContext,
  ): Promise<{ step: DeskFacts<'rungate.ToolCallLogged.v1'>; position: bigint | undefined }>
}

/** What is said of a run; undefined where the desk has forgotten it since its end. */
export interface SaidOfRun {
  name: string | null
  outcome: 'success' | 'partial' | 'failed' | null
  outcomeReason: string | null
}

/** A tool call as the agent reports it. */
export interface StepFacts {
  /** A new UUID. */
  stepId: string
  name: string
  provider: string
  status: 'success' | 'error' | 'timeout'
  tokens: Tokens
  /** Decimal text, at most 24 places. */
  costUsd: string
  latencyMs: number
  errorMessage: string | null
  /** Whether what it was asked and answered is kept, under the policy of its run. */
  mayKeep: (settings: PolicySettings) => boolean
}

/** Whose desk it is. */
export interface DeskOf {
  accountId: string
  agentId: string
}

export interface RunEnd {
  ended: DeskFacts<'rungate.RunEnded.v1'>
  /** As it was when the run began. */
  policyName: string
  position: bigint | undefined
}
