/** GET /api/runs/{id}/steps and /v1/runs/{id}/steps: what a run did. */
import { z } from '@hono/zod-openapi'
import { type Cut, listSteps, type STEP_SORTS } from '../../../projections/rungate/run-lists.ts'
import { json } from '../../answers.ts'
import { agentKey, agents, dashboard, type RungateParts, read } from '../access.ts'
import { clampedLimit, idParams, listOfData } from '../schemas.ts'
import { contentsOf } from './contents.ts'
import { LISTED, offset, order, pageLimit, stepSort } from './inputs.ts'
import { stepResponse, stepView } from './step-view.ts'
import { ownRun, shownRun } from './up-to-date.ts'

type Asked = { [K in keyof Cut<(typeof STEP_SORTS)[number]>]?: Cut<(typeof STEP_SORTS)[number]>[K] | undefined }

async function page(
  parts: Pick<RungateParts, 'db' | 'providerSecrets'>,
  { account_id: accountId, run_id: runId }: { account_id: string; run_id: string },
  { sort = 'created_at', order = 'asc', limit = LISTED.steps, offset = 0 }: Asked,
) {
  const { rows, total } = await listSteps(parts.db, { accountId, runId }, { sort, order, limit, offset })
  const contents = await contentsOf(parts, accountId, rows)
  return { data: rows.map((row) => stepView(row, contents.get(row.step_id))), total }
}

export const listRunSteps = read({
  path: '/api/runs/{id}/steps',
  id: 'listRunSteps',
  tags: ['Runs'],
  summary: 'The steps of a run',
  description: 'Answers with a page of the run’s steps, the first one first unless `sort` and `order` say otherwise.',
  access: dashboard('read'),
  params: idParams,
  query: z.object({ sort: stepSort, order, limit: clampedLimit(LISTED.max), offset }),
  answer: json(listOfData(stepResponse), 'The steps.'),
  refuses: ['run_not_found'],
  handle: async ({ principal, params: { id }, query, ...parts }) =>
    page(parts, await shownRun(parts, principal, id), query),
})

export const getAgentRunSteps = agents.read({
  path: '/v1/runs/{id}/steps',
  id: 'getAgentRunSteps',
  tags: ['Agent'],
  summary: 'The steps of a run of yours',
  description: 'Answers with a page of the run’s steps, the first one first unless it is sorted otherwise.',
  access: agentKey,
  params: idParams,
  query: z.object({ limit: pageLimit, offset, sort: stepSort, order }),
  answer: json(listOfData(stepResponse), 'The steps.'),
  refuses: ['run_not_found', 'run_elsewhere'],
  handle: async ({ principal, params: { id }, query, ...parts }) =>
    page(parts, await ownRun(parts, principal, id), { limit: LISTED.agentSteps, ...query }),
})
