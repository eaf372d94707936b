/**
 * Whole answers of one format in the other. Arguments of tools are carried over as text, so that no number in them changes. An answer
 * may have tens of megabytes: its texts go on as the bytes that they were written in.
 */
import { type Counted, inSlices, uncounted } from '../../runtime/counted.ts'
import type { Format } from './call-scan.ts'
import { anthropicUsage, finishReasonOf, openAiUsage, stopReasonOf, translatedId } from './finish-reasons.ts'
import { joined } from './joined.ts'
import { readTapeInSlices } from './json-tape.ts'
import { JsonText, type Writable, writeJson } from './json-text.ts'
import { innerOf, type JsonValue, rootOf } from './json-value.ts'
import { ARGUMENTS_MAX_BYTES, inputText, tooLong } from './request-to-anthropic.ts'
import { given } from './untranslatable.ts'
import { noUsage, type Usage, usageOf } from './usage.ts'

/** A provider's answer that is none of its format. */
export class UnreadableAnswer extends Error {
  override name = 'UnreadableAnswer'
}

export interface ReadAnswer {
  usage: Usage | undefined
  /** UTF-8 bytes of text, reasoning and tool arguments. */
  deliveredBytes: number
  finishReason: string | undefined
  root: JsonValue
}

/** Of an answer, whose bytes are bounded by a setting: what its tape takes of memory follows from them. */
const ANSWER_LIMITS = { depthMax: 128, valuesMax: 2_000_000 }
/** Choices of an answer, blocks of a message, calls of a choice. */
const PARTS_MAX = 10_000
/** Ids, types, reasons and figures of use are short; what is longer is none. */
const SHORT_MAX_BYTES = 16_384

/** Reads a whole answer, and gives way to others meanwhile. Rejects with UnreadableAnswer for what is none of the format. */
export async function readAnswer(format: Format, bytes: Buffer, counted: Counted = uncounted): Promise<ReadAnswer> {
  const tape = await readTapeInSlices(bytes, ANSWER_LIMITS, counted).catch(() => {
    throw new UnreadableAnswer('The provider’s answer is not JSON.')
  })
  return inSlices(interpret(format, rootOf(tape)), counted)
}

/** Reads, and yields after each of the answer's parts. */
function* interpret(format: Format, root: JsonValue): Generator<undefined, ReadAnswer> {
  const list = root.get(format === 'openai' ? 'choices' : 'content')
  const items = list && itemsOf(list)
  const parts = format === 'openai' ? items?.flatMap((choice) => choice.get('message') ?? []) : items
  if (!parts || parts.length === 0 ? !hasEnded(format, root) : false) throw withoutContent(root)
  let deliveredBytes = 0
  for (const part of parts ?? []) {
    deliveredBytes += contentBytes(part)
    yield
  }
  const source = short(given(root.get('usage')))?.source
  return {
    root,
    usage: source === undefined ? undefined : usageOf(format, JSON.parse(source)),
    deliveredBytes,
    finishReason: short(format === 'openai' ? items?.[0]?.get('finish_reason') : root.get('stop_reason'))?.text,
  }
}

/** Servers exist that answer with an error and the status of a success: its words are told. */
function withoutContent(root: JsonValue): UnreadableAnswer {
  const error = given(root.get('error'))
  const words = short(error?.get('message'))?.text ?? short(error)?.text
  return new UnreadableAnswer(words || 'The provider’s answer has no content.')
}

function itemsOf(list: JsonValue): JsonValue[] {
  if (list.kind !== 'array' || list.size <= PARTS_MAX) return list.items()
  throw new UnreadableAnswer(`The provider’s answer has more than ${PARTS_MAX} parts.`)
}

const short = (value: JsonValue | undefined): JsonValue | undefined =>
  value && value.end - value.start <= SHORT_MAX_BYTES ? value : undefined

/** Anthropic answers with no block at all where the model has nothing to add. */
const hasEnded = (format: Format, root: JsonValue): boolean =>
  format === 'anthropic' && root.get('content')?.kind === 'array' && root.get('stop_reason')?.kind === 'string'

const CONTENT = new Set([
  'content',
  'refusal',
  'reasoning_content',
  'reasoning',
  'text',
  'thinking',
  'arguments',
  'name',
])

/** Texts as such, and a tool's input, or arguments that are no text, as the JSON that the model wrote. */
function contentBytes(value: JsonValue): number {
  return value.entries().reduce((sum, { key, value: member }) => {
    if (key === 'input' || (key === 'arguments' && member.kind === 'object')) return sum + member.end - member.start
    if (CONTENT.has(key) && member.kind === 'string') return sum + member.size
    if (key === 'tool_calls') return sum + itemsOf(member).reduce((total, call) => total + contentBytes(call), 0)
    return key === 'function' || key === 'function_call' || key === 'custom' ? sum + contentBytes(member) : sum
  }, 0)
}

/** The answer in the other format. `createdS`: Unix time in seconds. Rejects with Untranslatable and UnreadableAnswer. */
export async function translatedAnswer(
  to: Format,
  answer: ReadAnswer,
  model: string,
  createdS: number,
  counted: Counted = uncounted,
): Promise<Buffer> {
  const written = () => writeJson(to === 'openai' ? toOpenAi(answer, model, createdS) : toAnthropic(answer, model))
  return joined(await counted(written), counted)
}

function toOpenAi({ root, usage, finishReason }: ReadAnswer, model: string, createdS: number): Writable {
  const blocks = root.get('content')?.items() ?? []
  const ofType = (type: string) => blocks.filter((block) => short(block.get('type'))?.text === type)
  const texts = ofType('text').map((block) => innerOf(block.get('text')))
  const calls = ofType('tool_use')
  const message = {
    role: 'assistant',
    content: texts.length === 0 ? null : new JsonText('"', ...texts, '"'),
    refusal: null,
    tool_calls: calls.length === 0 ? undefined : calls.map(toolCall),
  }
  return {
    id: translatedId(short(root.get('id'))?.text, 'chatcmpl-'),
    object: 'chat.completion',
    created: createdS,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasonOf(finishReason) }],
    usage: openAiUsage(usage ?? noUsage) as Writable,
  }
}

function toolCall(block: JsonValue): Writable {
  const input = block.get('input')
  if (input && input.end - input.start > ARGUMENTS_MAX_BYTES) throw tooLong()
  return {
    id: block.get('id'),
    type: 'function',
    function: { name: block.get('name'), arguments: input?.source ?? '{}' },
  }
}

function toAnthropic({ root, usage, finishReason }: ReadAnswer, model: string): Writable {
  const message = root.get('choices')?.items()[0]?.get('message')
  if (!message) throw new UnreadableAnswer('The provider’s answer has no message.')
  const texts = [message.get('content'), message.get('refusal')].filter(
    (text) => text?.kind === 'string' && text.size > 0,
  )
  const calls = withoutCut(given(message.get('tool_calls'))?.items() ?? [], finishReason)
  const hasRefused = given(message.get('refusal')) !== undefined
  return {
    id: translatedId(short(root.get('id'))?.text, 'msg_'),
    type: 'message',
    role: 'assistant',
    model,
    content: [...texts.map((text) => ({ type: 'text', text })), ...calls.map(toolUse)],
    stop_reason: hasRefused ? 'refusal' : stopReasonOf(finishReason, calls.length > 0),
    stop_sequence: null,
    usage: anthropicUsage(usage ?? noUsage) as Writable,
  }
}

const toolUse = (call: JsonValue): Writable => ({
  type: 'tool_use',
  id: call.get('id'),
  name: call.get('function')?.get('name'),
  input: new JsonText(inputText(call.get('function')?.get('arguments'))),
})

/** Without the last one where the answer reached its length within it: what there is of its arguments calls nothing. */
function withoutCut(calls: readonly JsonValue[], finishReason: string | undefined): readonly JsonValue[] {
  const written = calls.at(-1)?.get('function')?.get('arguments')
  if (finishReason !== 'length' || written?.kind !== 'string') return calls
  try {
    inputText(written)
    return calls
  } catch {
    return calls.slice(0, -1)
  }
}
