/** An Anthropic stream as OpenAI's chunks. Tool arguments go on piece by piece, as the text that they are. */
import { finishReasonOf, openAiUsage, translatedId } from './finish-reasons.ts'
import { type Frame, frameBytes } from './frames.ts'
import { readValue } from './json-value.ts'
import { type Members, membersOf, type Reading, type StreamReader, textOf } from './stream-reader.ts'
import type { FrameTranslator } from './stream-relay.ts'
import { noUsage } from './usage.ts'

/** Of a frame, whose bytes are bounded by a setting. */
const FRAME_LIMITS = { depthMax: 128, valuesMax: 100_000 }

export interface OpenAiFrameOptions {
  wantsUsage: boolean
  model: string
  createdS: number
}

export function createOpenAiFrames({ wantsUsage, model, createdS }: OpenAiFrameOptions): FrameTranslator {
  let id = ''
  /** Tools counted from 0, whatever blocks stand between them. */
  let toolsSeen = 0
  let hasReason = false
  /** By the index of their block: arguments that come in turn stay apart. */
  const open = new Map<unknown, { tool: number; hasArguments: boolean }>()

  const head = () => ({ id, object: 'chat.completion.chunk', created: createdS, model })
  const chunk = (delta: Members, finish_reason: string | null = null): Buffer =>
    frameBytes(JSON.stringify({ ...head(), choices: [{ index: 0, delta, logprobs: null, finish_reason }] }))
  const argumentsChunk = (tool: number, text: string): Buffer =>
    chunk({ tool_calls: [{ index: tool, function: { arguments: text } }] })

  function startBlock(event: Members, frame: Frame): Buffer[] {
    const block = membersOf(event.content_block)
    if (block?.type === 'text') return textOf(block.text) === '' ? [] : [chunk({ content: block.text })]
    if (block?.type !== 'tool_use') return []
    const tool = toolsSeen
    toolsSeen += 1
    const started = chunk({
      tool_calls: [{ index: tool, id: block.id, type: 'function', function: { name: block.name, arguments: '' } }],
    })
    const input = Object.keys(membersOf(block.input) ?? {}).length > 0 ? inputSource(frame) : undefined
    open.set(event.index, { tool, hasArguments: input !== undefined })
    return input === undefined ? [started] : [started, argumentsChunk(tool, input)]
  }

  function stopBlock({ index }: Members): Buffer[] {
    const stopped = open.get(index)
    open.delete(index)
    return stopped && !stopped.hasArguments ? [argumentsChunk(stopped.tool, '{}')] : []
  }

  function deltaChunk({ index, delta: brought }: Members): Buffer[] {
    const delta = membersOf(brought)
    if (delta?.type === 'text_delta') return textOf(delta.text) === '' ? [] : [chunk({ content: delta.text })]
    const called = delta?.type === 'input_json_delta' ? open.get(index) : undefined
    const text = textOf(delta?.partial_json)
    if (!called || text === '') return []
    called.hasArguments = true
    return [argumentsChunk(called.tool, text)]
  }

  function endFrames({ usage }: StreamReader): Buffer[] {
    // Servers exist that end without a reason, for which clients wait.
    const reason = hasReason ? [] : [chunk({}, finishReasonOf(toolsSeen > 0 ? 'tool_use' : 'end_turn'))]
    const used = { ...head(), choices: [], usage: openAiUsage(usage ?? noUsage) }
    return [...reason, ...(wantsUsage ? [frameBytes(JSON.stringify(used))] : []), frameBytes('[DONE]')]
  }

  return {
    translate({ event }: Reading, frame: Frame, reader: StreamReader): Buffer[] {
      switch (event?.type) {
        case 'message_start':
          id = translatedId(membersOf(event.message)?.id, 'chatcmpl-')
          return [chunk({ role: 'assistant', content: '', refusal: null })]
        case 'content_block_start':
          return startBlock(event, frame)
        case 'content_block_delta':
          return deltaChunk(event)
        case 'content_block_stop':
          return stopBlock(event)
        case 'message_delta': {
          const reason = membersOf(event.delta)?.stop_reason
          if (typeof reason !== 'string') return []
          hasReason = true
          return [chunk({}, finishReasonOf(reason))]
        }
        case 'message_stop':
          return endFrames(reader)
        default:
          return []
      }
    },
  }
}

/** The input of a block that comes whole, in its own text. */
const inputSource = ({ data = '' }: Frame): string | undefined =>
  readValue(Buffer.from(data), FRAME_LIMITS).get('content_block')?.get('input')?.source
