/** POST /api/runs/{id}/stop, /complete and /unblock: what an operator does to a run. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import type { RunEnd } from '../../../commands/rungate/desk/interface.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import type { RunRow } from '../../../projections/rungate/run.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { Problem } from '../../errors.ts'
import { timeOut } from '../../schemas.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams } from '../schemas.ts'
import { endedRow, reason } from './ending.ts'
import { runResponse, runView } from './run-view.ts'
import { shownRun } from './up-to-date.ts'

type Parts = Pick<RungateParts, 'db' | 'desks' | 'waiter' | 'contentLog'>
type End = (run: RunRow, desk: { accountId: string; agentId: string }) => Promise<RunEnd>

const ended = () => new Problem<RungateCode>('run_ended', 'The run has ended.')

/** Ends a running run. Throws run_not_found, and a Problem (400) where it has ended, or somebody else ends it first. */
async function end(parts: Parts, principal: Operator, id: string, how: End) {
  const run = await shownRun(parts, principal, id)
  if (run.status !== 'running') throw ended()
  try {
    return { run, ...(await how(run, { accountId: run.account_id, agentId: run.agent_id })) }
  } catch (error) {
    // The desk forgets runs that ended long ago; the read models know that this one was there.
    const isOver = error instanceof Rejected && ['run_not_running', 'run_not_found'].includes(error.code)
    throw isOver ? ended() : error
  }
}

const handledAt = (position: bigint | undefined) => ({ position, replayed: false })

export const stopRun = write({
  path: '/api/runs/{id}/stop',
  id: 'stopRun',
  tags: ['Runs'],
  summary: 'Stop a run',
  description: 'Ends the run at once, aborts its calls, and keeps new runs from starting by themselves for a while.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string() })), 'The run is stopped.') },
  refuses: ['run_not_found', 'run_ended'],
  async handle({ principal, params: { id }, command, ...parts }) {
    const { position } = await end(parts, principal, id, ({ run_id: runId }, desk) =>
      parts.desks.stop(desk, { runId, author: principal.author }, command),
    )
    return { status: 200, body: { data: { message: 'The run is stopped.' } }, handled: handledAt(position) }
  },
})

export const completeRun = write({
  path: '/api/runs/{id}/complete',
  id: 'completeRun',
  tags: ['Runs'],
  summary: 'Complete a run',
  description: 'Ends the run as completed, with a reason of yours or `admin_completed`.',
  access: dashboard('write'),
  params: idParams,
  body: optionalBody(z.object({ reason })),
  answers: { 200: json(dataOf(runResponse), 'The run as it is now.') },
  refuses: ['run_not_found', 'run_ended'],
  async handle({ principal, params: { id }, body, command, ...parts }) {
    const { author } = principal
    const found = await end(parts, principal, id, ({ run_id: runId }, desk) =>
      parts.desks.complete(desk, { runId, by: 'dashboard', endedReason: body?.reason, author }, command),
    )
    const data = runView(endedRow(found.run, found.ended))
    return { status: 200, body: { data }, handled: handledAt(found.position) }
  },
})

export const unblockRun = write({
  path: '/api/runs/{id}/unblock',
  id: 'unblockRun',
  tags: ['Runs'],
  summary: 'Let runs start again',
  description: 'Lifts the block that a stopped run left: from now on calls of its agent start runs again.',
  access: dashboard('write'),
  params: idParams,
  answers: { 200: json(dataOf(z.object({ message: z.string(), lifted_at: timeOut })), 'The block is lifted.') },
  refuses: ['run_not_found', 'run_not_stopped'],
  async handle({ principal, params: { id }, command, ...parts }) {
    const run = await shownRun(parts, principal, id)
    if (run.status !== 'force_stopped') {
      throw new Problem<RungateCode>('run_not_stopped', 'The run was not stopped.')
    }
    const { lifted_at, position } = await lifted(parts, run, principal, command)
    const data = { message: 'New runs may start again.', lifted_at }
    return { status: 200, body: { data }, handled: handledAt(position) }
  },
})

/** When it was lifted first. */
async function lifted({ desks }: Parts, run: RunRow, { author }: Operator, command: CommandContext) {
  const { run_id: runId, policy_id: policyId, force_stop_lifted_at: before } = run
  if (before !== null) return { lifted_at: before, position: undefined }
  const desk = { accountId: run.account_id, agentId: run.agent_id }
  const { liftedAt, position } = await desks.lift(desk, { runId, policyId, author }, command)
  return { lifted_at: liftedAt, position }
}
