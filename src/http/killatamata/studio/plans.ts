/** POST agent/approval-plans/execute. */
import { z } from '@hono/zod-openapi'
import { numberOf } from '../../../commands/killatamata/money.ts'
import { executePlan } from '../../../processes/killatamata/studio/executing.ts'
import { json } from '../../answers.ts'
import { accountKey, change } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { idIn } from './inputs.ts'

export const executeApprovalPlan = change({
  path: '/api/v1/studio/agent/approval-plans/execute',
  id: 'executeStudioApprovalPlan',
  tags: ['studio'],
  summary: 'Execute approved Studio plan',
  description:
    'Runs the jobs of the plan as they stand there, at the prices that stand there: all of them, or none where the balance is too ' +
    'small. Executing it again answers with the same jobs.',
  access: accountKey,
  key: requestKey,
  isIdempotent: true,
  body: z.object({ approvalPlanId: idIn }).openapi('StudioApprovalPlanExecuteRequest'),
  answers: {
    202: json(
      z
        .object({
          ...{ ok: z.literal(true), approvalPlanId: z.string(), status: z.literal('executed'), requestId: z.string() },
          jobs: z.array(
            z
              .object({ externalJobId: z.string(), task: z.string(), usdChargedMicros: z.int() })
              .openapi('StudioExecutedJob'),
          ),
        })
        .openapi('StudioApprovalPlanExecuteResponse'),
      'The jobs are under way.',
    ),
  },
  refuses: ['approval_plan_not_found', 'approval_plan_expired', 'insufficient_balance', 'job_abandoned', 'hold_ended'],
  async handle({ studio, principal: { accountId }, body, command }) {
    const of = { accountId, planId: body.approvalPlanId }
    const { plan, position, isReplay } = await executePlan(studio.agent, of, command)
    const jobs = plan.execution.jobs.map(({ externalJobId, task, usdMicros }) => ({
      ...{ externalJobId, task, usdChargedMicros: numberOf(BigInt(usdMicros)) },
    }))
    const executed = { ok: true as const, approvalPlanId: plan.planId, status: 'executed' as const }
    return {
      ...{ status: 202, body: { ...executed, requestId: plan.execution.requestId, jobs } },
      handled: { position, replayed: isReplay && command.fingerprint !== undefined },
    }
  },
})
