/** OpenAI's responses and embeddings, for those who use the simulator without a proxy before it. */
import { createHash } from 'node:crypto'
import type { AnswerOrder, Fault } from './control.ts'
import type { Answer } from './openai.ts'
import { invalid, listOf, type Members, textOf } from './refusal.ts'
import { idOf, scriptFor, tokensOf } from './script.ts'

/** A text, or messages with texts. Throws SimulatorRefusal. */
export function answerResponse(body: Members, order: AnswerOrder, fault: Fault): Answer {
  const model = textOf(body.model)
  if (model === '') throw invalid('you must provide a model parameter')
  const texts = typeof body.input === 'string' ? [body.input] : listOf(body.input).map(textIn)
  const prompt = [textOf(body.instructions), ...texts].join('\n')
  const maxTokens = typeof body.max_output_tokens === 'number' ? body.max_output_tokens : undefined
  const script = scriptFor(
    { prompt, lastUserText: texts.at(-1) ?? '', tools: [], toolChoice: 'none', maxTokens },
    order,
  )
  const { inputTokens, outputTokens } = script
  const usage = {
    ...{ input_tokens: inputTokens, output_tokens: outputTokens, total_tokens: inputTokens + outputTokens },
    ...{ input_tokens_details: { cached_tokens: 0 }, output_tokens_details: { reasoning_tokens: 0 } },
    ...(fault.usage === 'missing' ? {} : fault.usage),
  }
  const text = script.words.join('')
  const item_id = `msg_${idOf(prompt)}`
  const part = { type: 'output_text', text, annotations: [] }
  const item = { id: item_id, type: 'message', role: 'assistant', status: 'completed', content: [part] }
  const head = {
    id: `resp_${idOf(prompt)}`,
    object: 'response',
    created_at: 1_800_000_000,
    model,
    error: null,
    tools: [],
  }
  const whole = { ...head, status: 'completed', output: [item], ...(fault.usage === 'missing' ? {} : { usage }) }
  const place = { item_id, output_index: 0, content_index: 0 }
  let sequence_number = 0
  const frame = (type: string, members: Members) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence_number++, ...members })}\n\n`
  return {
    whole: () => JSON.stringify(whole),
    stream: () => ({
      frames: [
        frame('response.created', { response: { ...head, status: 'in_progress', output: [] } }),
        frame('response.output_item.added', { output_index: 0, item: { ...item, status: 'in_progress', content: [] } }),
        frame('response.content_part.added', { ...place, part: { ...part, text: '' } }),
        ...script.words.map((delta) => frame('response.output_text.delta', { ...place, delta })),
        frame('response.output_text.done', { ...place, text }),
        frame('response.content_part.done', { ...place, part }),
        frame('response.output_item.done', { output_index: 0, item }),
        frame('response.completed', { response: whole }),
      ],
      endFrames: 1,
      errorFrame: frame('error', { code: 'server_error', message: 'The simulator was told to fail.', param: null }),
    }),
  }
}

const textIn = ({ content }: Members): string =>
  typeof content === 'string'
    ? content
    : listOf(content)
        .map((part) => textOf(part.text))
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
