/** POST /v1/chat/completions and POST /v1/messages: calls of models, governed, in the provider's own formats. */
import { z } from '@hono/zod-openapi'
import type { Format } from '../../../adapters/llm/call-scan.ts'
import { type Answers, json } from '../../answers.ts'
import { jsonBody } from '../../body.ts'
import { agentKey, agents } from '../access.ts'
import { governanceBlock } from '../governance-block.ts'
import { callHeaders } from './documented-headers.ts'

const providerError = z
  .object({
    error: z.object({
      type: z.enum(['provider_error']),
      message: z.string(),
      details: z
        .array(z.looseObject({ provider: z.string(), status: z.int(), message: z.string() }).partial())
        .optional(),
    }),
  })
  .openapi('ProviderErrorResponse')

const signIn = z
  .object({ error: z.object({ type: z.enum(['unauthorized']), message: z.string() }) })
  .openapi('ProxyAuthError')
const ordinary = z
  .looseObject({ error: z.looseObject({ type: z.string(), message: z.string() }) })
  .openapi('CallErrorResponse')

const awaiting = z.object({
  status: z.enum(['awaiting_approval']),
  approval_requests: z.array(z.object({ id: z.uuid(), tool: z.string() })),
  run_id: z.uuid(),
  message: z.string(),
})

const runHeaders = z.object({
  'x-rungate-run-id': z.string().optional(),
  'x-rungate-run-policy': z.string().optional(),
  'x-rungate-run-name': z.string().optional(),
  'x-rungate-run-metadata': z.string().optional(),
  'x-rungate-new-run': z.enum(['true']).optional(),
})

/** What the document says; the setting of this name may say otherwise. */
const PROXY_BODY_MAX_BYTES = 33_554_432

const open = z.record(z.string(), z.unknown())
const IN_FORMAT = 'invalid_request_error'

/** Everything that a call can be answered with. */
const answers = {
  200: json(open, 'The provider’s answer, or its stream of events.'),
  202: json(awaiting, 'Tools of the request wait for approval.'),
  400: json(ordinary, `The request cannot be read, in the client’s own format: ${IN_FORMAT}.`),
  401: json(signIn, 'No key of an agent: unauthorized.'),
  402: json(governanceBlock, 'A budget does not pay for it: governance_block.'),
  403: json(governanceBlock, 'The model, a tool, the agent or the run is refused: governance_block.'),
  404: json(ordinary, 'The run that it names does not exist: not_found. Or the provider has not found something.'),
  409: json(ordinary, 'The run that it names has ended: conflict.'),
  413: json(ordinary, `The body is too large: ${IN_FORMAT}, request_too_large.`),
  415: json(ordinary, `The body is no JSON: ${IN_FORMAT}.`),
  429: json(z.union([governanceBlock, ordinary]), 'Too many calls or tokens: governance_block, rate_limited.'),
  500: json(ordinary, 'Something went wrong on this side: internal_error.'),
  502: json(providerError, 'No provider served it: provider_error.'),
  503: json(ordinary, 'Nothing was sent to a provider; send the call again: service_unavailable.'),
}

/** Those that have pages which explain them. */
const REFUSALS = [
  ...(['budget_exceeded', 'budget_alert_exceeded', 'model_not_allowed', 'tool_blocked', 'agent_disabled'] as const),
  ...(['run_force_stopped', 'run_blocked_after_force_stop', 'runaway_prevention', 'rate_limited'] as const),
  ...(['run_not_found', 'run_not_running', 'provider_error', 'invalid_request_error', 'mid_stream_error'] as const),
]

/** With the headers of each; `example`: of what a provider answers. */
const answersWith = (example: Record<string, unknown>): Answers => {
  const said: Readonly<Record<string, Readonly<Record<string, string>> | undefined>> = callHeaders
  const all = Object.entries(answers).map(([status, answer]) => [status, { ...answer, says: said[status] ?? {} }])
  return { ...Object.fromEntries(all), 200: { ...answers[200], says: callHeaders[200], example } }
}

interface Examples {
  request: Record<string, unknown>
  answer: Record<string, unknown>
}
const messages = [{ role: 'user', content: 'Say hello.' }]

const HEADERS_WORDS =
  'Members of the body with the names of the `x-rungate-…` headers have the same effect, and no provider gets them. The answer says in ' +
  '`X-Rungate-…` headers which run and step it is, who served it, and what it cost; a stream says the latter in trailers.'

const proxied = (format: Format, path: string, id: string, summary: string, examples: Examples) =>
  agents.direct({
    ...{ path, id, summary, tags: ['Proxy'] },
    description: `Sends the call to a provider once policy, budgets and rates allow it. ${HEADERS_WORDS}`,
    access: agentKey,
    headers: runHeaders,
    body: jsonBody(open),
    bodyMaxBytes: PROXY_BODY_MAX_BYTES,
    example: examples.request,
    answers: answersWith(examples.answer),
    refuses: REFUSALS,
    rate: 'calls',
    handle: ({ proxy, principal: { governed }, incoming, outgoing, exchange, counted }) =>
      proxy.serve({ format, governed, incoming, outgoing, exchange, counted }),
  })

export const proxyChatCompletions = proxied(
  'openai',
  '/v1/chat/completions',
  'proxyChatCompletions',
  'Call a model in the format of OpenAI’s chat completions',
  {
    request: { model: 'gpt-5', messages },
    answer: {
      ...{ id: 'chatcmpl-1', object: 'chat.completion', created: 1_772_442_000, model: 'gpt-5' },
      choices: [{ index: 0, message: { role: 'assistant', content: 'Hello.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    },
  },
)
export const proxyMessages = proxied(
  'anthropic',
  '/v1/messages',
  'proxyMessages',
  'Call a model in the format of Anthropic’s messages',
  {
    request: { model: 'claude-haiku-4-5', max_tokens: 1_024, messages },
    answer: {
      ...{ id: 'msg_1', type: 'message', role: 'assistant', model: 'claude-haiku-4-5' },
      ...{ content: [{ type: 'text', text: 'Hello.' }], stop_reason: 'end_turn', stop_sequence: null },
      usage: { input_tokens: 5, output_tokens: 2 },
    },
  },
)
