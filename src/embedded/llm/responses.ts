/** OpenAI's responses and embeddings, for those who use the simulator without a proxy before it. */
import { createHash } from 'node:crypto'
import type { AnswerOrder, Fault } from './control.ts'
import type { Stream } from './delivery.ts'
import { type Answer, cachedOf } from './openai.ts'
import { invalid, listOf, type Members, membersOf, textOf } from './refusal.ts'
import { idOf, piecesOf, type Question, type Script, scriptFor, tokensOf } from './script.ts'

/** A text, or items: messages, calls of tools and their results. `seen`: prompts of this provider's cache. Throws SimulatorRefusal. */
export function answerResponse(body: Members, order: AnswerOrder, fault: Fault, seen: Set<string>): Answer {
  const question = questionOf(body)
  const script = scriptFor(question, order)
  const usage = usageFor(script, fault, cachedOf(question, script, seen))
  const head = {
    id: `resp_${idOf(question.prompt)}`,
    object: 'response',
    created_at: 1_800_000_000,
    model: textOf(body.model),
    error: null,
    tools: listOf(body.tools),
  }
  const isCut = script.end === 'length'
  const whole = {
    ...head,
    status: isCut ? 'incomplete' : 'completed',
    incomplete_details: isCut ? { reason: 'max_output_tokens' } : null,
    output: itemsOf(question, script),
    ...(usage && { usage }),
  }
  return { whole: () => JSON.stringify(whole), stream: () => streamFor(head, whole, script.words) }
}

type Item =
  | { type: 'message'; id: string; role: 'assistant'; status: string; content: Part[] }
  | { type: 'function_call'; id: string; call_id: string; name: string; arguments: string; status: string }
type Part = { type: 'output_text'; text: string; annotations: never[] }

function itemsOf({ prompt }: Question, { words, toolCalls, end }: Script): Item[] {
  const status = end === 'length' ? 'incomplete' : 'completed'
  const part: Part = { type: 'output_text', text: words.join(''), annotations: [] }
  const message: Item = { type: 'message', id: `msg_${idOf(prompt)}`, role: 'assistant', status, content: [part] }
  const calls = toolCalls.map(({ id, name, arguments: text }): Item => {
    return { type: 'function_call', id: `fc_${id}`, call_id: `call_${id}`, name, arguments: text, status: 'completed' }
  })
  return words.length === 0 && calls.length > 0 ? calls : [message, ...calls]
}

function streamFor(
  head: Members,
  whole: Members & { status: string; output: Item[] },
  words: readonly string[],
): Stream {
  let sequence_number = 0
  const frame = (type: string, members: Members) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence_number++, ...members })}\n\n`
  const begun = { response: { ...head, status: 'in_progress', output: [] } }
  return {
    frames: [
      frame('response.created', begun),
      frame('response.in_progress', begun),
      ...whole.output.flatMap((item, output_index) => [
        frame('response.output_item.added', { output_index, item: emptied(item) }),
        ...(item.type === 'message'
          ? item.content.flatMap((part, content_index) =>
              textFrames({ item_id: item.id, output_index, content_index }, part),
            )
          : argumentFrames({ item_id: item.id, output_index }, item.arguments)),
        frame('response.output_item.done', { output_index, item }),
      ]),
      frame(`response.${whole.status}`, { response: whole }),
    ],
    endFrames: 1,
    errorFrame: frame('error', { code: 'server_error', message: 'The simulator was told to fail.', param: null }),
  }

  function textFrames(place: Members, part: Part): string[] {
    return [
      frame('response.content_part.added', { ...place, part: { ...part, text: '' } }),
      ...words.map((delta) => frame('response.output_text.delta', { ...place, delta })),
      frame('response.output_text.done', { ...place, text: part.text }),
      frame('response.content_part.done', { ...place, part }),
    ]
  }

  function argumentFrames(place: Members, text: string): string[] {
    return [
      ...piecesOf(text).map((delta) => frame('response.function_call_arguments.delta', { ...place, delta })),
      frame('response.function_call_arguments.done', { ...place, arguments: text }),
    ]
  }
}

/** As it is before anything of it has come. */
const emptied = (item: Item): Item =>
  item.type === 'message'
    ? { ...item, status: 'in_progress', content: [] }
    : { ...item, status: 'in_progress', arguments: '' }

function usageFor({ inputTokens, outputTokens }: Script, { usage }: Fault, cached: number): Members | undefined {
  if (usage === 'missing') return undefined
  return {
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: cached },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: inputTokens + outputTokens,
    ...usage,
  }
}

function questionOf(body: Members): Question {
  if (textOf(body.model) === '') throw invalid('you must provide a model parameter')
  const items = typeof body.input === 'string' ? [{ role: 'user', content: body.input }] : listOf(body.input)
  if (items.length === 0) throw invalid("Missing required parameter: 'input'.")
  refuseLooseResults(items)
  const last = items.at(-1) ?? {}
  const tools = listOf(body.tools).flatMap(({ type, name, parameters }) =>
    type === 'function' ? [{ name: textOf(name), schema: parameters }] : [],
  )
  return {
    prompt: [textOf(body.instructions), ...items.map(textIn), JSON.stringify(body.tools ?? '')].join('\n'),
    lastUserText: last.role === 'user' ? textIn(last) : '',
    tools,
    toolChoice: choiceOf(body.tool_choice),
    maxTokens: typeof body.max_output_tokens === 'number' ? body.max_output_tokens : undefined,
  }
}

function choiceOf(choice: unknown): Question['toolChoice'] {
  if (choice === 'none' || choice === 'required') return choice
  const name = textOf(membersOf(choice).name)
  return name === '' ? 'auto' : { name }
}

/** A result stands behind the call that it is of. */
function refuseLooseResults(items: readonly Members[]): void {
  const called = new Set<unknown>()
  for (const { type, call_id } of items) {
    if (type === 'function_call') called.add(call_id)
    if (type !== 'function_call_output' || called.has(call_id)) continue
    throw invalid(`No tool call found for function call output with call_id ${textOf(call_id)}.`)
  }
}

/** Of a message its texts, of a call its arguments, of a result its text. */
const textIn = ({ content, arguments: given, output }: Members): string =>
  [content, given, output]
    .flatMap((value) => (typeof value === 'string' ? [value] : listOf(value).map((part) => textOf(part.text))))
    .join(' ')

const DIMENSIONS = 8

/** Vectors of eight numbers that are the same for the same text. Throws SimulatorRefusal. */
export function answerEmbeddings(body: Members): string {
  const inputs = Array.isArray(body.input) ? body.input.map(String) : [textOf(body.input)]
  if (textOf(body.model) === '' || inputs.length === 0) throw invalid('you must provide a model and an input')
  const tokens = inputs.reduce((sum, text) => sum + Math.max(1, tokensOf(text)), 0)
  const data = inputs.map((text, index) => ({
    object: 'embedding',
    index,
    embedding: vectorOf(text, body.encoding_format),
  }))
  return JSON.stringify({
    object: 'list',
    data,
    model: body.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  })
}

function vectorOf(text: string, format: unknown): number[] | string {
  const digest = createHash('sha256').update(text).digest()
  const floats = Float32Array.from({ length: DIMENSIONS }, (_, at) => digest.readInt16LE(at * 2) / 32_768)
  return format === 'base64' ? Buffer.from(floats.buffer).toString('base64') : [...floats]
}
