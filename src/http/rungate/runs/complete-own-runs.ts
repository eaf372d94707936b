/** POST /v1/runs/{id}/complete, /v1/runs/current/complete and /v1/runs/complete-all: an agent ends runs of its own. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import type { Outcome } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { uuidOut } from '../../schemas.ts'
import { type AgentPrincipal, agentKey, agents, type RungateParts } from '../access.ts'
import { requireWithin } from '../bounds.ts'
import { governanceBlock } from '../governance-block.ts'
import { idParams } from '../schemas.ts'
import { isDisabled, requireEnabled } from './agent-standing.ts'
import { completionInput, completionResponse, completionView, shownReason } from './ending.ts'
import { ownPlace, requireRunning } from './up-to-date.ts'

type Parts = Pick<RungateParts, 'db' | 'desks' | 'waiter' | 'keyKnownWaitMs' | 'bounds'>
interface Asked {
  ended_reason?: string | undefined
  metadata?: Record<string, unknown> | undefined
  outcome?: Outcome | undefined
  outcome_reason?: string | undefined
}

/** `runId` null: the latest running one. Rejects with run_not_found and run_not_running. */
async function complete(
  parts: Parts,
  { accountId, agentId, author }: AgentPrincipal,
  runId: string | null,
  asked: Asked = {},
  command: CommandContext,
) {
  const { ended_reason: endedReason, metadata, outcome, outcome_reason: outcomeReason } = asked
  requireWithin(parts.bounds, { metadata })
  const wanted = { runId, by: 'agent', endedReason, metadata, outcome, outcomeReason, author } as const
  const { ended, policyName, position } = await parts.desks.complete({ accountId, agentId }, wanted, command)
  return { body: await completionView(parts, ended, position, policyName), handled: { position, replayed: false } }
}

export const completeOwnRun = agents.write({
  path: '/v1/runs/{id}/complete',
  // The contract names two operations so; the dashboard's is the other one.
  id: 'completeRun',
  action: 'completeOwnRun',
  tags: ['Proxy'],
  summary: 'Complete a run of yours',
  description: 'Ends the run as completed and sums it up. Metadata is merged with what the run has.',
  access: agentKey,
  params: idParams,
  body: optionalBody(completionInput),
  bodyMaxBytes: 32_768,
  answers: { 200: json(completionResponse, 'The run as it ended.') },
  refuses: ['run_not_found', 'run_elsewhere', 'run_not_running', 'agent_disabled'],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    await requireEnabled(parts, principal)
    requireRunning(await ownPlace(parts, principal, id))
    return { status: 200, ...(await complete(parts, principal, id, body, command)) }
  },
})

export const completeCurrentRun = agents.write({
  path: '/v1/runs/current/complete',
  id: 'completeCurrentRun',
  tags: ['Proxy'],
  summary: 'Complete your current run',
  description: 'Ends the agent’s latest run that goes on as completed and sums it up.',
  access: agentKey,
  body: optionalBody(completionInput),
  bodyMaxBytes: 32_768,
  answers: {
    200: json(completionResponse, 'The run as it ended.'),
    403: json(governanceBlock, 'The agent is disabled: governance_block, agent_disabled.'),
  },
  refuses: ['run_not_found'],
  async handle({ principal, body, command, ...parts }) {
    if (await isDisabled(parts, principal)) {
      const error = { type: 'governance_block', code: 'agent_disabled', message: 'The agent is disabled.' } as const
      return { status: 403, body: { error }, handled: { position: undefined, replayed: false } }
    }
    return { status: 200, ...(await complete(parts, principal, null, body, command)) }
  },
})

export const completeAllRuns = agents.write({
  path: '/v1/runs/complete-all',
  id: 'completeAllRuns',
  tags: ['Proxy'],
  summary: 'Complete all your runs',
  description: 'Ends every run of the agent that goes on, and says how many there were; none is fine.',
  access: agentKey,
  body: optionalBody(z.object({ ended_reason: shownReason })),
  answers: {
    200: json(z.object({ completed_count: z.int(), completed_run_ids: z.array(uuidOut) }), 'The runs that ended.'),
  },
  async handle({ desks, principal: { accountId, agentId, author }, body, command }) {
    const wanted = { endedReason: body?.ended_reason, author }
    const { runIds, position } = await desks.completeAll({ accountId, agentId }, wanted, command)
    const ended = { completed_count: runIds.length, completed_run_ids: runIds }
    return { status: 200, body: ended, handled: { position, replayed: false } }
  },
})
