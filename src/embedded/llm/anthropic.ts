/** Anthropic's messages and their counting, whole and streamed. What Anthropic refuses is refused here. */
import type { AnswerOrder, Fault } from './control.ts'
import type { Stream } from './delivery.ts'
import type { Answer } from './openai.ts'
import { invalid, listOf, type Members, membersOf, textOf } from './refusal.ts'
import { idOf, piecesOf, type Question, type Script, scriptFor, tokensOf } from './script.ts'

const STOP_REASONS = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use' } as const

/** `seen`: what is in this provider's cache. Throws SimulatorRefusal. */
export function answerMessage(body: Members, order: AnswerOrder, fault: Fault, seen: Set<string>): Answer {
  if (typeof body.max_tokens !== 'number') throw invalid('max_tokens: Field required')
  const question = questionOf(body)
  const script = scriptFor(question, order)
  const usage = usageFor(script, fault, cacheOf(body, script, seen))
  const message = {
    ...{ id: `msg_${idOf(question.prompt)}`, type: 'message', role: 'assistant', model: textOf(body.model) },
    content: [
      ...(script.words.length === 0 ? [] : [{ type: 'text', text: script.words.join('') }]),
      ...script.toolCalls.map(({ id, name }, index) => ({
        type: 'tool_use',
        id: `toolu_${id}`,
        name,
        input: `@input${index}@`,
      })),
    ],
    stop_reason: script.finishReason ?? STOP_REASONS[script.end],
    stop_sequence: null,
    ...(usage && { usage }),
  }
  // Arguments stand in the answer as they were ordered, digits and all.
  const whole = () =>
    JSON.stringify(message).replace(/"@input(\d+)@"/g, (_, index) => script.toolCalls[Number(index)]!.arguments)
  return { whole, stream: () => streamFor(message, script, usage) }
}

/** As `POST /v1/messages/count_tokens` answers. */
export const countTokens = (body: Members): string =>
  JSON.stringify({ input_tokens: Math.max(1, tokensOf(questionOf(body).prompt)) })

function streamFor(message: Members, script: Script, usage: Members | undefined): Stream {
  const frame = (type: string, members: Members) => `event: ${type}\ndata: ${JSON.stringify({ type, ...members })}\n\n`
  const block = (index: number, content_block: Members, deltas: Members[]) => [
    frame('content_block_start', { index, content_block }),
    ...deltas.map((delta) => frame('content_block_delta', { index, delta })),
    frame('content_block_stop', { index }),
  ]
  const { stop_reason, stop_sequence } = message
  const start = { ...message, content: [], stop_reason: null, ...(usage && { usage: { ...usage, output_tokens: 1 } }) }
  const offset = script.words.length === 0 ? 0 : 1
  return {
    frames: [
      frame('message_start', { message: start }),
      frame('ping', {}),
      ...(offset === 0
        ? []
        : block(
            0,
            { type: 'text', text: '' },
            script.words.map((text) => ({ type: 'text_delta', text })),
          )),
      ...script.toolCalls.flatMap(({ id, name, arguments: text }, index) => {
        // An empty piece comes first, and for a tool without arguments nothing else does.
        const pieces = ['', ...(text === '{}' ? [] : piecesOf(text))]
        const deltas = pieces.map((partial_json) => ({ type: 'input_json_delta', partial_json }))
        return block(index + offset, { type: 'tool_use', id: `toolu_${id}`, name, input: {} }, deltas)
      }),
      frame('message_delta', {
        delta: { stop_reason, stop_sequence },
        ...(usage && { usage: { output_tokens: usage.output_tokens } }),
      }),
      frame('message_stop', {}),
    ],
    endFrames: 1,
    errorFrame: frame('error', { error: { type: 'overloaded_error', message: 'The simulator was told to fail.' } }),
  }
}

interface Cache {
  read: number
  written5m: number
  written1h: number
}

function usageFor({ inputTokens, outputTokens }: Script, { usage }: Fault, cache: Cache): Members | undefined {
  if (usage === 'missing') return undefined
  const { read, written5m, written1h } = cache
  return {
    input_tokens: Math.max(0, inputTokens - read - written5m - written1h),
    cache_creation_input_tokens: written5m + written1h,
    cache_read_input_tokens: read,
    cache_creation: { ephemeral_5m_input_tokens: written5m, ephemeral_1h_input_tokens: written1h },
    output_tokens: outputTokens,
    ...usage,
  }
}

/** A text with `cache_control`, of the system prompt or of a message, is written the first time and read from then on. */
function cacheOf({ system, messages }: Members, { inputTokens }: Script, seen: Set<string>): Cache {
  const cache = { read: 0, written5m: 0, written1h: 0 }
  let left = inputTokens
  for (const block of [...listOf(system), ...listOf(messages).flatMap(blocksOf)]) {
    const control = membersOf(block.cache_control)
    if (control.type !== 'ephemeral') continue
    const tokens = Math.min(left, tokensOf(textOf(block.text)))
    left -= tokens
    const id = idOf(textOf(block.text))
    if (seen.has(id)) cache.read += tokens
    else if (control.ttl === '1h') cache.written1h += tokens
    else cache.written5m += tokens
    seen.add(id)
  }
  return cache
}

function questionOf(body: Members): Question {
  if (textOf(body.model) === '') throw invalid('model: Field required')
  const messages = listOf(body.messages)
  if (messages.length === 0) throw invalid('messages: at least one message is required')
  refuseLooseCalls(messages)
  const system =
    typeof body.system === 'string'
      ? body.system
      : listOf(body.system)
          .map((block) => textOf(block.text))
          .join('\n')
  const last = messages.findLast(({ role }) => role !== 'system') ?? messages[0]!
  const results = blocksOf(last).filter(({ type }) => type === 'tool_result')
  const said = blocksOf(last)
    .filter(({ type }) => type === 'text')
    .map((block) => textOf(block.text))
    .join(' ')
  return {
    prompt:
      [system, ...messages.map((message) => `${textOf(message.role)} ${textIn(message)}`)].join('\n') +
      JSON.stringify(body.tools ?? ''),
    lastUserText: last.role === 'user' && results.length === 0 ? said : '',
    tools: listOf(body.tools).map(toolOf),
    toolChoice: choiceOf(membersOf(body.tool_choice)),
    maxTokens: typeof body.max_tokens === 'number' ? body.max_tokens : undefined,
  }
}

function toolOf({ name, input_schema }: Members): { name: string; schema: unknown } {
  if (!/^[\w-]{1,128}$/.test(textOf(name)))
    throw invalid("tools: name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'")
  if (membersOf(input_schema).type !== 'object') throw invalid('tools: input_schema.type: Field required')
  return { name: textOf(name), schema: input_schema }
}

function choiceOf({ type, name }: Members): Question['toolChoice'] {
  if (type === 'none') return 'none'
  if (type === 'any') return 'required'
  return type === 'tool' ? { name: textOf(name) } : 'auto'
}

const blocksOf = ({ content }: Members): Members[] =>
  typeof content === 'string' ? [{ type: 'text', text: content }] : listOf(content)

const textIn = (message: Members): string =>
  blocksOf(message)
    .map(
      (block) => textOf(block.text) + (block.type === 'text' ? '' : JSON.stringify(block.input ?? block.content ?? '')),
    )
    .join(' ')

/** Newer models take a system message within the conversation too, as Claude Code sends it. */
const ROLES = ['user', 'assistant', 'system']

function refuseLooseCalls(messages: readonly Members[]): void {
  let open: unknown[] = []
  for (const message of messages) {
    if (!ROLES.includes(textOf(message.role))) throw invalid(`messages: Unexpected role "${textOf(message.role)}"`)
    const blocks = blocksOf(message)
    if (blocks.some(({ type, text }) => type === 'text' && text === ''))
      throw invalid('messages: text content blocks must be non-empty')
    const results = blocks.filter(({ type }) => type === 'tool_result').map(({ tool_use_id }) => tool_use_id)
    if (open.some((id) => !results.includes(id))) {
      throw invalid('messages: `tool_use` ids were found without `tool_result` blocks immediately after')
    }
    if (results.some((id) => !open.includes(id)))
      throw invalid('messages: unexpected `tool_use_id` found in `tool_result` blocks')
    const uses = blocks.filter(({ type }) => type === 'tool_use')
    if (uses.some(({ id }) => !/^[\w-]+$/.test(textOf(id))))
      throw invalid("messages: tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    open = uses.map(({ id }) => id)
  }
}
