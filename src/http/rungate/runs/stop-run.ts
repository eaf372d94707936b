/** POST /api/runs/{id}/stop, /complete and /unblock: what an operator does to a run. */
import { z } from '@hono/zod-openapi'
import type { CommandContext } from '../../../commands/handle.ts'
import type { DeskOf } from '../../../commands/rungate/desk/interface.ts'
import { Rejected } from '../../../commands/rungate/rejection.ts'
import { json } from '../../answers.ts'
import { optionalBody } from '../../body.ts'
import { Problem } from '../../errors.ts'
import { timeOut } from '../../schemas.ts'
import { dashboard, type Operator, type RungateParts, write } from '../access.ts'
import type { RungateCode } from '../errors.ts'
import { dataOf, idParams } from '../schemas.ts'
import { endedRow, reason } from './ending.ts'
import { runResponse, runView } from './run-view.ts'
import { placeOf, type RunPlace, shownRun } from './up-to-date.ts'

type Parts = Pick<RungateParts, 'db' | 'desks'>

const ended = () => new Problem<RungateCode>('run_ended', 'The run has ended.')

/** Whether a desk says that a run has ended: it forgets those of long ago, and the caller knows that this one was there. */
const isOver = (error: unknown): boolean =>
  error instanceof Rejected && ['run_not_running', 'run_not_found'].includes(error.code)

/** Ends a running run. Rejects with a Problem (400) where it has ended, or somebody else ends it first. */
async function end<T>({ row, desk }: Pick<RunPlace, 'row' | 'desk'>, how: (desk: DeskOf) => Promise<T>): Promise<T> {
  if (row && row.status !== 'running') throw ended()
  try {
    return await how(desk)
  } catch (error) {
    throw isOver(error) ? ended() : error
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
    const place = await placeOf(parts, principal, id)
    const asked = { runId: id, author: principal.author }
    const { position } = await end(place, (desk) => parts.desks.stop(desk, asked, command))
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
    const row = await shownRun(parts, principal, id)
    const asked = { runId: id, by: 'dashboard', endedReason: body?.reason, author: principal.author } as const
    const place = { row, desk: { accountId: row.account_id, agentId: row.agent_id } }
    const found = await end(place, (desk) => parts.desks.complete(desk, asked, command))
    return { status: 200, body: { data: runView(endedRow(row, found.ended)) }, handled: handledAt(found.position) }
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
    const { lifted_at, position } = await lifted(parts, await placeOf(parts, principal, id), id, principal, command)
    const data = { message: 'New runs may start again.', lifted_at }
    return { status: 200, body: { data }, handled: handledAt(position) }
  },
})

/** When it was lifted first. Rejects with a Problem (400) where the run was not stopped. */
async function lifted(
  { desks }: Parts,
  { row, desk, policyId }: RunPlace,
  runId: string,
  { author }: Operator,
  command: CommandContext,
) {
  const before = row?.force_stop_lifted_at ?? null
  if (before !== null) return { lifted_at: before, position: undefined }
  // It may have been stopped since the read models' place: then its desk knows of the block.
  const isKnown = row?.status === 'force_stopped'
  try {
    const { liftedAt, position } = await desks.lift(desk, { runId, policyId, isKnown, author }, command)
    return { lifted_at: liftedAt, position }
  } catch (error) {
    throw isOver(error) ? new Problem<RungateCode>('run_not_stopped', 'The run was not stopped.') : error
  }
}
