/** OpenAI's chat completions, whole and streamed. What OpenAI refuses is refused here, so that a wrong translation shows. */
import type { AnswerOrder, Fault } from './control.ts'
import type { Stream } from './delivery.ts'
import { invalid, listOf, type Members, membersOf, textOf } from './refusal.ts'
import { idOf, piecesOf, type Question, type Script, scriptFor } from './script.ts'

/** A provider caches prompts of this length, in steps of that many tokens. */
const CACHED_FROM_TOKENS = 1_024
const CACHE_STEP_TOKENS = 128

export interface Answer {
  /** JSON, for those who want it whole. */
  whole(): string
  stream(): Stream
}

/** `seen`: prompts of this provider's cache. Throws SimulatorRefusal. */
export function answerChat(body: Members, order: AnswerOrder, fault: Fault, seen: Set<string>): Answer {
  const question = questionOf(body)
  const script = scriptFor(question, order)
  const model = textOf(body.model)
  const usage = usageFor(script, fault, cachedOf(question, script, seen))
  const head = {
    id: `chatcmpl-${idOf(question.prompt)}`,
    created: 1_800_000_000,
    model,
    system_fingerprint: 'fp_simulated',
  }
  const finish_reason = script.finishReason ?? script.end
  const calls = script.toolCalls.map(({ id, name, arguments: text }) => ({
    ...{ id: `call_${id}`, type: 'function', function: { name, arguments: text } },
  }))
  const message = {
    ...{
      role: 'assistant',
      content: script.words.length === 0 ? null : script.words.join(''),
      refusal: null,
      annotations: [],
    },
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  }
  const count = typeof body.n === 'number' ? body.n : 1
  const choices = Array.from({ length: count }, (_, index) => ({ index, message, logprobs: null, finish_reason }))
  const wantsUsage = membersOf(body.stream_options).include_usage === true
  return {
    whole: () => JSON.stringify({ ...head, object: 'chat.completion', choices, ...(usage && { usage }) }),
    stream: () => streamFor(head, script, finish_reason, wantsUsage ? usage : undefined),
  }
}

function streamFor(head: Members, script: Script, finish_reason: string, usage: Members | undefined): Stream {
  const frame = (members: Members) =>
    `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...members })}\n\n`
  const chunk = (delta: Members, finish: string | null = null) =>
    frame({ choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }], ...(usage && { usage: null }) })
  const calls = script.toolCalls.map(({ id, name, arguments: text }, index) => [
    chunk({ tool_calls: [{ index, id: `call_${id}`, type: 'function', function: { name, arguments: '' } }] }),
    ...piecesOf(text).map((piece) => chunk({ tool_calls: [{ index, function: { arguments: piece } }] })),
  ])
  const endings = [...(usage ? [frame({ choices: [], usage })] : []), 'data: [DONE]\n\n']
  return {
    frames: [
      chunk({ role: 'assistant', content: script.toolCalls.length > 0 ? null : '', refusal: null }),
      ...script.words.map((content) => chunk({ content })),
      ...(script.interleaved ? inTurn(calls) : calls.flat()),
      chunk({}, finish_reason),
      ...endings,
    ],
    endFrames: endings.length,
    errorFrame: `data: ${JSON.stringify({ error: { message: 'The simulator was told to fail.', type: 'server_error', code: null } })}\n\n`,
  }
}

/** One of each list after the other. */
function inTurn(lists: readonly string[][]): string[] {
  const length = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length }, (_, at) => lists.flatMap((list) => list[at] ?? [])).flat()
}

function usageFor(script: Script, { usage }: Fault, cached: number): Members | undefined {
  if (usage === 'missing') return undefined
  return {
    prompt_tokens: script.inputTokens,
    completion_tokens: script.outputTokens,
    total_tokens: script.inputTokens + script.outputTokens,
    prompt_tokens_details: { cached_tokens: cached, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0 },
    ...usage,
  }
}

/** A long prompt that was there before comes out of the cache, but for its last part. */
export function cachedOf({ prompt }: Question, { inputTokens }: Script, seen: Set<string>): number {
  if (inputTokens < CACHED_FROM_TOKENS) return 0
  const id = idOf(prompt)
  const isCached = seen.has(id)
  seen.add(id)
  return isCached ? Math.floor((inputTokens - 1) / CACHE_STEP_TOKENS) * CACHE_STEP_TOKENS : 0
}

function questionOf(body: Members): Question {
  const messages = listOf(body.messages)
  if (textOf(body.model) === '') throw invalid('you must provide a model parameter')
  if (messages.length === 0) throw invalid("Missing required parameter: 'messages'.")
  if (body.stream !== true && body.stream_options !== undefined && body.stream_options !== null) {
    throw invalid("The 'stream_options' parameter is only allowed when 'stream' is enabled.")
  }
  refuseLooseCalls(messages)
  const last = messages.findLast(({ role }) => role !== 'system' && role !== 'developer') ?? messages[0]!
  const tools = listOf(body.tools).map((tool) => toolOf(tool))
  const limit = body.max_completion_tokens ?? body.max_tokens
  return {
    prompt:
      messages.map((message) => `${textOf(message.role)} ${textIn(message)}`).join('\n') +
      JSON.stringify(body.tools ?? ''),
    lastUserText: last.role === 'user' ? textIn(last) : '',
    tools,
    toolChoice: choiceOf(body.tool_choice),
    maxTokens: typeof limit === 'number' ? limit : undefined,
  }
}

function toolOf(tool: Members): { name: string; schema: unknown } {
  const called = membersOf(tool.function)
  const name = textOf(called.name)
  if (tool.type !== 'function' || !/^[\w-]{1,64}$/.test(name))
    throw invalid("Invalid 'tools': a function needs a name of letters.")
  return { name, schema: called.parameters }
}

function choiceOf(choice: unknown): Question['toolChoice'] {
  if (choice === 'none' || choice === 'required') return choice
  const name = textOf(membersOf(membersOf(choice).function).name)
  return name === '' ? 'auto' : { name }
}

const textIn = ({ content, tool_calls }: Members): string => {
  const parts = typeof content === 'string' ? [content] : listOf(content).map((part) => textOf(part.text))
  const calls = listOf(tool_calls).map((call) => JSON.stringify(membersOf(call.function)))
  return [...parts, ...calls].join(' ')
}

/** Every call of a tool is answered at once, and no answer stands without its call. */
function refuseLooseCalls(messages: readonly Members[]): void {
  let open = new Set<unknown>()
  for (const message of messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) {
        throw invalid(
          "Invalid parameter: messages with role 'tool' must be a response to a preceding message with 'tool_calls'.",
        )
      }
      continue
    }
    if (open.size > 0)
      throw invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each.")
    for (const call of listOf(message.tool_calls)) JSON.parse(textOf(membersOf(call.function).arguments))
    open = new Set(listOf(message.tool_calls).map(({ id }) => id))
  }
  if (open.size > 0)
    throw invalid("An assistant message with 'tool_calls' must be followed by tool messages responding to each.")
}
