/**
 * Paid jobs that wait for an approval: what they are and what each costs stands fast from the beginning. It is executed once. Its money
 * is held before (processes/killatamata/studio/executing.ts), all of it or none, so that a plan which cannot be paid stays as it is.
 */
import type { ApprovalPlanEvent, ExecutedJob, PlannedJob } from '../../events/killatamata/agent.ts'
import type { AgentModel, ReasoningLevel } from '../../events/killatamata/studio.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export interface NewPlan {
  projectId: string
  threadId: string | null
  prompt: string
  agentModel: AgentModel
  reasoningLevel: ReasoningLevel
  jobs: readonly PlannedJob[]
  expiresAt: string
}

export interface Plan extends NewPlan {
  status: 'pending' | 'executed' | 'expired'
  planId: string
  accountId: string
  totalUsdMicros: string
  /** Null: it is not executed. */
  execution: { requestId: string; jobs: readonly ExecutedJob[]; at: string } | null
}
export type PlanState = { status: 'absent' } | Plan

export type PlanCommand = { accountId: string; planId: string; at: string } & (
  | { kind: 'prepare'; plan: NewPlan }
  | { kind: 'execute'; requestId: string; jobs: readonly ExecutedJob[] }
  | { kind: 'expire' }
)

export const approvalPlan: Aggregate<PlanState, PlanCommand, ApprovalPlanEvent> = {
  category: 'killatamata.approvalPlan',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.PlanPrepared.v1') {
      const { occurredAt: _, ...prepared } = event.data
      return { status: 'pending', ...prepared, execution: null }
    }
    if (state.status === 'absent') return state
    switch (event.type) {
      case 'killatamata.PlanExecuted.v1': {
        const { requestId, jobs, occurredAt: at } = event.data
        return { ...state, status: 'executed', execution: { requestId, jobs, at } }
      }
      case 'killatamata.PlanExpired.v1':
        return { ...state, status: 'expired' }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    const { accountId, planId, at: occurredAt } = command
    const of = { accountId, planId, occurredAt }
    if (command.kind === 'prepare') {
      if (state.status !== 'absent') return []
      const { jobs, ...plan } = command.plan
      const total = jobs.reduce((sum, { estimatedUsdMicros }) => sum + BigInt(estimatedUsdMicros), 0n)
      const data = { ...of, ...plan, jobs: [...jobs], totalUsdMicros: String(total) }
      return [{ type: 'killatamata.PlanPrepared.v1', data }]
    }
    const known = ownPlan(state, command)
    switch (command.kind) {
      case 'execute': {
        // Its jobs are there already: what its time has to say was said before they were held.
        if (known.status === 'executed') return []
        const { requestId, jobs } = command
        return [{ type: 'killatamata.PlanExecuted.v1', data: { ...of, requestId, jobs: [...jobs] } }]
      }
      case 'expire':
        if (known.status !== 'pending' || known.expiresAt > occurredAt) return []
        return [{ type: 'killatamata.PlanExpired.v1', data: of }]
      default:
        return command satisfies never
    }
  },
}

/** The account's plan. Another account's is answered like one that there is not. */
export function ownPlan(state: PlanState, of: Pick<Plan, 'accountId' | 'planId'>): Plan {
  const { accountId, planId } = of
  if (state.status !== 'absent' && state.accountId === accountId && state.planId === planId) return state
  throw new Rejected('approval_plan_not_found', 'The account has no such plan.', '/approvalPlanId')
}

/** Throws approval_plan_expired where nobody may execute it any more. */
export function requireLiving({ status, expiresAt }: Plan, at: string): void {
  if (status !== 'expired' && expiresAt > at) return
  throw new Rejected('approval_plan_expired', `The plan was good until ${expiresAt}.`)
}
