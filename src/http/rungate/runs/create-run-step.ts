/** POST /v1/runs/{id}/steps: a tool call that the agent has made by itself, as a step of its run. */
import { z } from '@hono/zod-openapi'
import { deterministicId } from '../../../commands/identity.ts'
import { toolCallRow } from '../../../projections/rungate/step.ts'
import { json } from '../../answers.ts'
import { InexactNumber, JsonSource, jsonText } from '../../json.ts'
import { boundedText, recordOf } from '../../schemas.ts'
import { agentKey, agents } from '../access.ts'
import { dataOf, idParams, usdIn, whole } from '../schemas.ts'
import { requireEnabled } from './agent-standing.ts'
import { shown } from './contents.ts'
import { stepResponse, stepView } from './step-view.ts'
import { ownPlace, requireRunning } from './up-to-date.ts'

const STEP_BODY_MAX_BYTES = 262_144
const NAME_LENGTH_MAX = 255
const ERROR_LENGTH_MAX = 1_000
/** Of what a tool was asked and has answered, on the uppermost level. */
const [MEMBERS_MAX, MEMBER_NAME_MAX] = [5_000, 2_000]
const TOKENS_MAX = 1_000_000_000
const LATENCY_MAX_MS = 2_000_000_000

const toolName = boundedText(NAME_LENGTH_MAX)
  .refine((given) => given.trim().length > 0, 'must not be empty')
  .refine((given) => !/\p{Cc}/u.test(given), 'must have no control characters')
const tokens = whole(0, TOKENS_MAX).optional()
/** Milliseconds, rounded to whole ones. */
const latency = z
  .union([z.number(), z.instanceof(InexactNumber)], { error: () => 'must be a number' })
  .transform((given) => (given instanceof InexactNumber ? Number(given.source) : given))
  .refine((given) => given >= 0 && given <= LATENCY_MAX_MS, `must be from 0 to ${LATENCY_MAX_MS}`)
  .transform(Math.round)
  .openapi({ type: 'number' })
const anything = recordOf(z.unknown(), MEMBERS_MAX, MEMBER_NAME_MAX).openapi({ type: 'object' })

const request = z.object({
  type: z.literal('tool_call'),
  name: toolName,
  provider: toolName.optional(),
  request: anything.optional(),
  response: anything.optional(),
  tokens: z.object({ input: tokens, output: tokens, cache_read: tokens, cache_creation: tokens }).optional(),
  cost_usd: usdIn.optional(),
  latency_ms: latency.optional(),
  status: z.enum(['success', 'error', 'timeout']),
  error_message: boundedText(ERROR_LENGTH_MAX).nullable().optional(),
})

export const createRunStep = agents.write({
  path: '/v1/runs/{id}/steps',
  id: 'createRunStep',
  tags: ['Proxy'],
  summary: 'Report a tool call',
  description:
    'Adds a tool call to a run that goes on; what it cost counts toward the run’s budget. `request` and `response` are kept, ' +
    'sealed, where the run’s policy and the installation keep contents.',
  example: { cost_usd: 0.01, latency_ms: 90 },
  access: agentKey,
  params: idParams,
  body: request,
  bodyMaxBytes: STEP_BODY_MAX_BYTES,
  answers: { 201: json(dataOf(stepResponse), 'The step.') },
  refuses: ['run_not_found', 'run_elsewhere', 'run_not_running', 'step_limit_reached', 'agent_disabled'],
  async handle({ principal, params: { id: runId }, body, command, ...parts }) {
    await requireEnabled(parts, principal)
    requireRunning(await ownPlace(parts, principal, runId))
    const { input = 0, output = 0, cache_read: cacheRead = 0, cache_creation: cacheCreation = 0 } = body.tokens ?? {}
    const { accountId, agentId } = principal
    const agent = { accountId, agentId }
    const said = { request: bytesOf(body.request), answer: bytesOf(body.response) }
    const isSaid = (said.request ?? said.answer) !== undefined
    const logged = await parts.desks.logToolCall(
      agent,
      {
        ...{ runId, stepId: deterministicId('rungate.step', command.commandId), name: body.name },
        ...{ provider: body.provider ?? 'sdk', status: body.status },
        ...{ tokens: { input, output, cacheRead, cacheCreation } },
        ...{ costUsd: body.cost_usd ?? '0', latencyMs: body.latency_ms ?? 0 },
        errorMessage: body.error_message ?? null,
        mayKeep: (settings) => isSaid && parts.contentLog.isOn(settings),
      },
      command,
    )
    const { stepId, hasContent } = logged.step
    const { keptText } = parts.contentLog
    const kept = hasContent ? await parts.contentLog.keep({ agent, runId, stepId, command, ...said }) : undefined
    const content = { request: shown(keptText(said.request)), response: shown(keptText(said.answer)) }
    return {
      ...{ status: 201, body: { data: stepView(toolCallRow(logged.step), hasContent ? content : undefined) } },
      handled: { position: kept ?? logged.position, replayed: false },
    }
  },
})

/** What the agent says of its tool call, as JSON with every number as it was sent. */
const bytesOf = (said: object | undefined): Buffer | undefined => said && Buffer.from(jsonText(sourced(said)))

function sourced(value: unknown): unknown {
  if (value instanceof InexactNumber) return new JsonSource(value, value.source)
  if (Array.isArray(value)) return value.map(sourced)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, sourced(member)]))
}
