/**
 * What the frames of a stream mean, in either format: whether a frame has content, what was used and why the answer ended.
 * Frames are read, never changed.
 */
import type { Format } from './call-scan.ts'
import { failureIn } from './error-shapes.ts'
import { BrokenStream, type Frame } from './frames.ts'
import { type Usage, usageOfAnthropic, usageOfOpenAi } from './usage.ts'

/**
 * `prelude`: says nothing yet; `content`: text, reasoning or a tool call; `finish`: why it ends; `usage`: the chunk that OpenAI
 * adds at the end for clients that ask; `end`: nothing comes after it.
 */
export type FrameKind = 'prelude' | 'content' | 'finish' | 'usage' | 'end'

export interface Reading {
  kind: FrameKind
  /** The event, as JSON; undefined for comments and for OpenAI's last frame. */
  event: Members | undefined
}

export type Members = Record<string, unknown>

export interface StreamReader {
  /** Throws BrokenStream where the frame is an error or cannot be read. */
  read(frame: Frame): Reading
  /** The last usage that the provider named. */
  readonly usage: Usage | undefined
  /** UTF-8 bytes of text, reasoning and tool arguments so far. */
  readonly deliveredBytes: number
  /** Why the answer ended, in the provider's word. */
  readonly finishReason: string | undefined
}

export const createStreamReader = (format: Format): StreamReader =>
  format === 'openai' ? new OpenAiReader() : new AnthropicReader()

export const membersOf = (value: unknown): Members | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Members) : undefined
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
export const listOf = (value: unknown): Members[] =>
  Array.isArray(value) ? value.map(membersOf).filter((item) => item !== undefined) : []

function eventOf(data: string): Members {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    throw new BrokenStream('unreadable', 'The provider sent a frame that is not JSON.')
  }
  const event = membersOf(value)
  if (!event) throw new BrokenStream('unreadable', 'The provider sent a frame that is no JSON object.')
  return event
}

class OpenAiReader implements StreamReader {
  usage: Usage | undefined
  deliveredBytes = 0
  finishReason: string | undefined

  read({ data }: Frame): Reading {
    if (data === undefined) return { kind: 'prelude', event: undefined }
    if (data.trim() === '[DONE]') return { kind: 'end', event: undefined }
    const event = eventOf(data)
    if (event.error !== undefined && event.error !== null) throw refused('openai', event)
    this.usage = usageOfOpenAi(event.usage) ?? this.usage
    return { kind: this.kindOf(event), event }
  }

  private kindOf(event: Members): FrameKind {
    const choices = listOf(event.choices)
    if (choices.length === 0) return membersOf(event.usage) ? 'usage' : 'prelude'
    let kind: FrameKind = 'prelude'
    for (const choice of choices) {
      const bytes = bytesOfDelta(membersOf(choice.delta) ?? {})
      this.deliveredBytes += bytes ?? 0
      if (typeof choice.finish_reason === 'string') {
        this.finishReason = choice.finish_reason
        if (kind === 'prelude') kind = 'finish'
      }
      if (bytes !== undefined) kind = 'content'
    }
    return kind
  }
}

/** Undefined where the delta brings no content. */
function bytesOfDelta(delta: Members): number | undefined {
  const { content, refusal, reasoning_content: thoughts, reasoning } = delta
  let bytes = bytesOf(content) + bytesOf(refusal) + bytesOf(thoughts) + bytesOf(reasoning)
  const calls = listOf(delta.tool_calls)
  for (const call of calls) bytes += bytesOfCall(call.function ?? call.custom)
  bytes += bytesOfCall(delta.function_call)
  return bytes > 0 || calls.length > 0 || membersOf(delta.audio) ? bytes : undefined
}

const bytesOf = (text: unknown): number => (typeof text === 'string' ? Buffer.byteLength(text) : 0)

function bytesOfCall(value: unknown): number {
  const called = membersOf(value)
  return called ? bytesOf(called.name) + bytesOf(called.arguments) + bytesOf(called.input) : 0
}

class AnthropicReader implements StreamReader {
  usage: Usage | undefined
  deliveredBytes = 0
  finishReason: string | undefined

  read({ data }: Frame): Reading {
    if (data === undefined) return { kind: 'prelude', event: undefined }
    const event = eventOf(data)
    switch (event.type) {
      case 'error':
        throw refused('anthropic', event)
      case 'message_start':
        this.usage = usageOfAnthropic(membersOf(event.message)?.usage, this.usage) ?? this.usage
        return { kind: 'prelude', event }
      case 'content_block_start':
        return { kind: this.kindOfBlock(membersOf(event.content_block)), event }
      case 'content_block_delta':
        return { kind: this.kindOfDelta(membersOf(event.delta) ?? {}), event }
      case 'message_delta': {
        this.usage = usageOfAnthropic(event.usage, this.usage) ?? this.usage
        const reason = membersOf(event.delta)?.stop_reason
        if (typeof reason === 'string') this.finishReason = reason
        return { kind: 'finish', event }
      }
      case 'message_stop':
        return { kind: 'end', event }
      default:
        return { kind: 'prelude', event }
    }
  }

  /** A block that begins empty says nothing yet; a tool's name, or what a hosted tool found, does. */
  private kindOfBlock(block: Members | undefined): FrameKind {
    const text = textOf(block?.text) + textOf(block?.thinking) + textOf(block?.name)
    this.deliveredBytes += Buffer.byteLength(text)
    const isEmptyText = block?.type === 'text' || block?.type === 'thinking'
    return text === '' && isEmptyText ? 'prelude' : 'content'
  }

  private kindOfDelta(delta: Members): FrameKind {
    const text = textOf(delta.text) + textOf(delta.partial_json) + textOf(delta.thinking)
    this.deliveredBytes += Buffer.byteLength(text)
    return text === '' && delta.citation === undefined ? 'prelude' : 'content'
  }
}

function refused(format: Format, event: Members): BrokenStream {
  const { message, status } = failureIn(format, event)
  return new BrokenStream('refused', message, status)
}
