/** PATCH /api/runs/{id}, /v1/runs/{id} and /v1/runs/current: the name of a run, and what its agent thinks came of it. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import { outcome } from '../../../events/rungate/policy-settings.ts'
import type { RunRow } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { Problem } from '../../errors.ts'
import { text, uuidOut } from '../../schemas.ts'
import { agentKey, agents, dashboard, type Operator, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams } from '../schemas.ts'
import { OUTCOME_REASON_LENGTH_MAX } from './ending.ts'
import { outcomeOut, runResponse, runView } from './run-view.ts'
import { ownCurrentRun, ownRun, shownRun } from './up-to-date.ts'

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

/** Changes what is said. Answers the row as it is then. */
async function annotate(
  { desks }: Pick<RungateParts, 'desks'>,
  row: RunRow,
  { name, outcome, outcome_reason: outcomeReason }: Annotation,
  { author }: Operator,
  command: CommandContext,
) {
  const desk = { accountId: row.account_id, agentId: row.agent_id }
  const of = { runId: row.run_id, policyId: row.policy_id, isKnown: true, author }
  const { position } = await desks.annotate(desk, { ...of, name, outcome, outcomeReason }, command)
  const now: RunRow = {
    ...row,
    ...(name !== undefined && { name }),
    ...(outcome !== undefined && { outcome }),
    ...(outcomeReason !== undefined && { outcome_reason: outcomeReason }),
  }
  return { row: now, handled: { position, replayed: false } }
}

const nothingSaid = (names: string) => {
  const errors = [{ pointer: '', code: 'missing', detail: `must have one of ${names}` }]
  return new Problem<RungateCode>('member_missing', `The body must have one of ${names}.`, { errors })
}

function requireSomething(body: Annotation): void {
  if (Object.values(body).every((value) => value === undefined)) throw nothingSaid('name, outcome, outcome_reason')
}

const answerOf = ({ row, handled }: Awaited<ReturnType<typeof annotate>>) => {
  const data = { run_id: row.run_id, name: row.name, outcome: row.outcome, outcome_reason: row.outcome_reason }
  return { status: 200 as const, body: { data }, handled }
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
  async handle({ principal, params: { id }, body, command, ...parts }) {
    if (body.name === undefined) throw nothingSaid('name')
    const { row, handled } = await annotate(parts, await shownRun(parts, principal, id), body, principal, command)
    return { status: 200, body: { data: runView(row) }, handled }
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
    return answerOf(await annotate(parts, await ownRun(parts, principal, id), body, principal, command))
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
    return answerOf(await annotate(parts, await ownCurrentRun(parts, principal), body, principal, command))
  },
})
