/** Whole answers of one format in the other. Arguments of tools are carried over as text, so that no number in them changes. */
import { type Counted, uncounted } from '../../runtime/counted.ts'
import type { Format } from './call-scan.ts'
import { anthropicUsage, finishReasonOf, openAiUsage, stopReasonOf, translatedId } from './finish-reasons.ts'
import { readTapeInSlices } from './json-tape.ts'
import { JsonText, type Writable, writeJson } from './json-text.ts'
import { type JsonValue, rootOf } from './json-value.ts'
import { inputText } from './request-to-anthropic.ts'
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

/** Reads a whole answer, and gives way to others meanwhile. Rejects with UnreadableAnswer for what is none of the format. */
export async function readAnswer(format: Format, bytes: Buffer, counted: Counted = uncounted): Promise<ReadAnswer> {
  const tape = await readTapeInSlices(bytes, ANSWER_LIMITS, counted).catch(() => {
    throw new UnreadableAnswer('The provider’s answer is not JSON.')
  })
  return counted(() => interpret(format, rootOf(tape)))
}

function interpret(format: Format, root: JsonValue): ReadAnswer {
  const parts = format === 'openai' ? choiceParts(root) : root.get('content')?.items()
  if (!parts || parts.length === 0 ? !hasEnded(format, root) : false) {
    throw new UnreadableAnswer('The provider’s answer has no content.')
  }
  const source = given(root.get('usage'))?.source
  const choice = root.get('choices')?.items()[0]
  return {
    root,
    usage: source === undefined ? undefined : usageOf(format, JSON.parse(source)),
    deliveredBytes: (parts ?? []).reduce((sum, part) => sum + contentBytes(part), 0),
    finishReason: format === 'openai' ? choice?.get('finish_reason')?.text : root.get('stop_reason')?.text,
  }
}

const choiceParts = (root: JsonValue): JsonValue[] | undefined =>
  root
    .get('choices')
    ?.items()
    .flatMap((choice) => choice.get('message') ?? [])

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

/** Texts as such, and a tool's input as the JSON that the model wrote. */
function contentBytes(value: JsonValue): number {
  return value.entries().reduce((sum, { key, value: member }) => {
    if (key === 'input') return sum + member.end - member.start
    if (CONTENT.has(key) && member.kind === 'string') return sum + member.size
    if (key === 'tool_calls') return sum + member.items().reduce((total, call) => total + contentBytes(call), 0)
    return key === 'function' || key === 'function_call' || key === 'custom' ? sum + contentBytes(member) : sum
  }, 0)
}

/** The answer in the other format. `createdS`: Unix time in seconds. Throws Untranslatable, UnreadableAnswer. */
export function translatedAnswer(to: Format, answer: ReadAnswer, model: string, createdS: number): Buffer {
  return Buffer.concat(writeJson(to === 'openai' ? toOpenAi(answer, model, createdS) : toAnthropic(answer, model)))
}

function toOpenAi({ root, usage, finishReason }: ReadAnswer, model: string, createdS: number): Writable {
  const blocks = root.get('content')?.items() ?? []
  const texts = blocks
    .filter((block) => block.get('type')?.text === 'text')
    .map((block) => block.get('text')?.text ?? '')
  const calls = blocks.filter((block) => block.get('type')?.text === 'tool_use')
  const message = {
    role: 'assistant',
    content: texts.length === 0 ? null : texts.join(''),
    refusal: null,
    tool_calls: calls.length === 0 ? undefined : calls.map(toolCall),
  }
  return {
    id: translatedId(root.get('id')?.text, 'chatcmpl-'),
    object: 'chat.completion',
    created: createdS,
    model,
    choices: [{ index: 0, message, logprobs: null, finish_reason: finishReasonOf(finishReason) }],
    usage: openAiUsage(usage ?? noUsage) as Writable,
  }
}

const toolCall = (block: JsonValue): Writable => ({
  id: block.get('id'),
  type: 'function',
  function: { name: block.get('name'), arguments: block.get('input')?.source ?? '{}' },
})

function toAnthropic({ root, usage, finishReason }: ReadAnswer, model: string): Writable {
  const message = root.get('choices')?.items()[0]?.get('message')
  if (!message) throw new UnreadableAnswer('The provider’s answer has no message.')
  const texts = [message.get('content'), message.get('refusal')].filter(
    (text) => text?.kind === 'string' && text.size > 0,
  )
  const calls = given(message.get('tool_calls'))?.items() ?? []
  const hasRefused = given(message.get('refusal')) !== undefined
  return {
    id: translatedId(root.get('id')?.text, 'msg_'),
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
