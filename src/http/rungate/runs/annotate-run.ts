/** PATCH /api/runs/{id}, /v1/runs/{id} and /v1/runs/current: the name of a run, and what its agent thinks came of it. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import { outcome } from '../../../events/rungate/policy-settings.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { text, uuidOut } from '../../schemas.ts'
import { type AgentPrincipal, agentKey, agents, dashboard, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams } from '../schemas.ts'
import { OUTCOME_REASON_LENGTH_MAX } from './ending.ts'
import { outcomeOut, runResponse, runView } from './run-view.ts'
import { deskShown, ownPlace, type RunPlace, runBehind, shownRun } from './up-to-date.ts'

const NAME_LENGTH_MAX = 255
const name = text(NAME_LENGTH_MAX)
  .refine((given) => given.trim().length > 0, 'must not be empty')
  .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')

const annotation = z.object({
  name: name.nullable().optional(),
  outcome: outcome.nullable().optional(),
  outcome_reason: text(OUTCOME_REASON_LENGTH_MAX).nullable().optional(),
})
type Annotation = z.output<typeof annotation>

const annotated = dataOf(
  z.object({
    run_id: uuidOut,
    name: z.string().nullable(),
    outcome: outcomeOut,
    outcome_reason: z.string().nullable(),
  }),
)

/**
 * Changes what is said of the agent's run; without a place of the latest one that goes on. Rejects with run_not_found, and with a Problem
 * (503) where neither its desk nor the read models can say how it stands.
 */
async function annotateOwn(
  { desks }: Pick<RungateParts, 'desks'>,
  { accountId, agentId, author }: AgentPrincipal,
  place: (RunPlace & { runId: string }) | undefined,
  { name, outcome, outcome_reason: outcomeReason }: Annotation,
  command: CommandContext,
) {
  const row = place?.row
  const of = { runId: place?.runId ?? null, policyId: place?.policyId ?? null, isKnown: row !== undefined, author }
  try {
    const asked = { ...of, name, outcome, outcomeReason }
    const { runId, said, position } = await desks.annotate({ accountId, agentId }, asked, command)
    const now = said ?? {
      name: name === undefined ? (row?.name ?? null) : name,
      outcome: outcome === undefined ? (row?.outcome ?? null) : outcome,
      outcomeReason: outcomeReason === undefined ? (row?.outcome_reason ?? null) : outcomeReason,
    }
    const data = { run_id: runId, name: now.name, outcome: now.outcome, outcome_reason: now.outcomeReason }
    return { status: 200 as const, body: { data }, handled: { position, replayed: false } }
  } catch (error) {
    const isForgotten = place && error instanceof Rejected && error.code === 'run_not_found'
    throw isForgotten ? runBehind() : error
  }
}

const nothingSaid = (names: string) => {
  const errors = [{ pointer: '', code: 'missing', detail: `must have one of ${names}` }]
  return new Problem<RungateCode>('member_missing', `The body must have one of ${names}.`, { errors })
}

function requireSomething(body: Annotation): void {
  if (Object.values(body).every((value) => value === undefined)) throw nothingSaid('name, outcome, outcome_reason')
}

export const renameRun = write({
  method: 'patch',
  path: '/api/runs/{id}',
  id: 'renameRun',
  tags: ['Runs'],
  summary: 'Rename a run',
  description: 'Gives the run another name, whether or not it has ended.',
  example: { name: 'nightly' },
  access: dashboard('write'),
  params: idParams,
  body: z.object({ name: name.optional() }),
  answers: { 200: json(dataOf(runResponse), 'The run as it is now.') },
  refuses: ['run_not_found', 'member_missing'],
  async handle({ principal, params: { id }, body: { name }, command, ...parts }) {
    if (name === undefined) throw nothingSaid('name')
    const row = await shownRun(parts, principal, id)
    const desk = { accountId: row.account_id, agentId: row.agent_id }
    const asked = { runId: id, policyId: row.policy_id, isKnown: true, author: principal.author, name }
    const { position } = await parts.desks.annotate(desk, asked, command)
    return { status: 200, body: { data: runView({ ...row, name }) }, handled: { position, replayed: false } }
  },
})

export const updateAgentRun = agents.write({
  method: 'patch',
  path: '/v1/runs/{id}',
  id: 'updateAgentRun',
  tags: ['Agent'],
  summary: 'Say more of a run of yours',
  description: 'Changes the run’s name and outcome, whether or not it has ended; null clears.',
  example: { outcome: 'partial' },
  access: agentKey,
  params: idParams,
  body: annotation,
  answers: { 200: json(annotated, 'What the run says now.') },
  refuses: ['run_not_found', 'run_elsewhere', 'member_missing'],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    requireSomething(body)
    await deskShown(parts, principal.agentId)
    const place = await ownPlace(parts, principal, id)
    return annotateOwn(parts, principal, { ...place, runId: id }, body, command)
  },
})

export const updateAgentCurrentRun = agents.write({
  method: 'patch',
  path: '/v1/runs/current',
  id: 'updateAgentCurrentRun',
  tags: ['Agent'],
  summary: 'Say more of your current run',
  description: 'Changes the name and the outcome of the agent’s latest run that goes on; null clears.',
  example: { outcome: 'partial' },
  access: agentKey,
  body: annotation,
  answers: { 200: json(annotated, 'What the run says now.') },
  refuses: ['run_not_found', 'member_missing'],
  async handle({ principal, body, command, ...parts }) {
    requireSomething(body)
    return annotateOwn(parts, principal, undefined, body, command)
  },
})
