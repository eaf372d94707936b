/** GET /api/runs and /v1/runs/mine: runs under a filter, newest first unless it is sorted otherwise. */
import { z } from '@hono/zod-openapi'
import { type Cut, listRuns as find, type RUN_SORTS, type RunFilter } from '../../../projections/rungate/run-lists.ts'
import { json } from '../../answers.ts'
import { uuid } from '../../schemas.ts'
import { agentKey, agents, dashboard, type RungateParts, read } from '../access.ts'
import { clampedLimit, listOfData } from '../schemas.ts'
import {
  anyRunSort,
  governanceQuery,
  isTrue,
  LISTED,
  offset,
  order,
  pageLimit,
  requireWindow,
  runSort,
  statusQuery,
  window,
} from './inputs.ts'
import { runResponse, runView } from './run-view.ts'
import { accountShown, deskShown } from './up-to-date.ts'

interface Asked extends Partial<Cut<(typeof RUN_SORTS)[number]>> {
  since?: string | undefined
  until?: string | undefined
}

async function page(
  { db }: Pick<RungateParts, 'db'>,
  filter: RunFilter,
  asked: { [K in keyof Asked]: Asked[K] | undefined },
) {
  requireWindow(asked)
  const { sort = 'started_at', order = 'desc', limit = LISTED.runs, offset = 0, since, until } = asked
  const { rows, total } = await find(db, { ...filter, since, until }, { sort, order, limit, offset })
  return { data: rows.map(runView), total }
}

export const listRuns = read({
  path: '/api/runs',
  id: 'listRuns',
  tags: ['Runs'],
  summary: 'The account’s runs',
  description: 'Answers with a page of runs, the last started first unless `sort` and `order` say otherwise.',
  access: dashboard('read'),
  query: z.object({
    ...{ agent_id: uuid.optional(), ...statusQuery, ...window, sort: anyRunSort, order },
    ...{ limit: clampedLimit(LISTED.max), offset, ...governanceQuery },
  }),
  answer: json(listOfData(runResponse), 'The runs.'),
  async handle({ principal: { accountId }, query, ...parts }) {
    const { agent_id: agentId, status, had_governance_block, had_failover, ...asked } = query
    await accountShown(parts, accountId)
    const flags = { hadGovernanceBlock: isTrue(had_governance_block), hadFailover: isTrue(had_failover) }
    return page(parts, { accountId, agentId, status, ...flags }, asked)
  },
})

export const listAgentRuns = agents.read({
  path: '/v1/runs/mine',
  id: 'listAgentRuns',
  tags: ['Agent'],
  summary: 'Your runs',
  description: 'Answers with a page of the agent’s own runs, the last started first unless it is sorted otherwise.',
  access: agentKey,
  query: z.object({ ...statusQuery, ...window, sort: runSort, order, limit: pageLimit, offset }),
  answer: json(listOfData(runResponse), 'The runs.'),
  async handle({ principal: { accountId, agentId }, query: { status, ...asked }, ...parts }) {
    await deskShown(parts, agentId)
    return page(parts, { accountId, agentId, status }, asked)
  },
})
