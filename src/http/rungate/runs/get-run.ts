/** GET /api/runs/{id}, /v1/runs/{id} and /v1/runs/current. */
import { json } from '../../answers.ts'
import { agentKey, agents, dashboard, read } from '../access.ts'
import { dataOf, idParams } from '../schemas.ts'
import { runResponse, runView } from './run-view.ts'
import { ownCurrentRun, ownRun, shownRun } from './up-to-date.ts'

export const getRun = read({
  path: '/api/runs/{id}',
  id: 'getRun',
  tags: ['Runs'],
  summary: 'A run',
  description: 'Answers with one run, with the policy that it started with and what it has spent.',
  access: dashboard('read'),
  params: idParams,
  answer: json(dataOf(runResponse), 'The run.'),
  refuses: ['run_not_found'],
  handle: async ({ principal, params: { id }, ...parts }) => ({ data: runView(await shownRun(parts, principal, id)) }),
})

export const getAgentRun = agents.read({
  path: '/v1/runs/{id}',
  id: 'getAgentRun',
  tags: ['Agent'],
  summary: 'A run of yours',
  description: 'Answers with one run of the agent.',
  access: agentKey,
  params: idParams,
  answer: json(dataOf(runResponse), 'The run.'),
  refuses: ['run_not_found', 'run_elsewhere'],
  handle: async ({ principal, params: { id }, ...parts }) => ({ data: runView(await ownRun(parts, principal, id)) }),
})

export const getAgentCurrentRun = agents.read({
  path: '/v1/runs/current',
  id: 'getAgentCurrentRun',
  tags: ['Agent'],
  summary: 'Your current run',
  description: 'Answers with the agent’s latest run that goes on.',
  access: agentKey,
  answer: json(dataOf(runResponse), 'The run.'),
  refuses: ['run_not_found'],
  handle: async ({ principal, ...parts }) => ({ data: runView(await ownCurrentRun(parts, principal)) }),
})
