/**
 * A conversation with a model behind any endpoint of OpenAI's shape, streamed, with tools. Text is handed on as it comes; calls of tools
 * are whole when the answer has ended. An answer that ends before its end was told is none.
 */
import { z } from 'zod'
import { BrokenStream, FrameSplitter } from './frames.ts'

export interface ChatTool {
  name: string
  description: string
  /** JSON Schema of its arguments. */
  parameters: object
}

export interface ChatCall {
  id: string
  name: string
  /** JSON as the model has written it, which may be none. */
  arguments: string
}

export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly ChatCall[] }
  | { role: 'tool'; callId: string; content: string }

export interface ChatRequest {
  /** As the provider calls it. */
  model: string
  /** Undefined: as the model does by itself. */
  reasoningEffort: string | undefined
  messages: readonly ChatMessage[]
  tools: readonly ChatTool[]
}

export interface ChatAnswer {
  text: string
  toolCalls: readonly ChatCall[]
}

export interface Chat {
  /** Rejects with ChatUnavailable, and with the signal's reason where that aborts. */
  ask(request: ChatRequest, onText: (text: string) => void, signal: AbortSignal): Promise<ChatAnswer>
}

/** The model did not answer, or with something that is no answer. */
export class ChatUnavailable extends Error {
  override name = 'ChatUnavailable'
}

export interface ChatSettings {
  /** `https://…/v1`, or the whole address of its chat completions. */
  url: () => string
  /** Sent as a bearer token. */
  key: string | undefined
  /** For one answer, from the first byte sent to the last one read. */
  timeoutMs: number
  /** Of one answer, its frames included. */
  answerMaxBytes: number
  /** Calls of tools in one answer. */
  toolCallsMax: number
}

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            tool_calls: z
              .array(
                z.object({
                  index: z.int().nonnegative().default(0),
                  id: z.string().nullish(),
                  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
                }),
              )
              .nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .default([]),
  error: z.object({ message: z.string().optional() }).nullish(),
})

export const chatAddressOf = (url: string): string =>
  /\/chat\/completions\/?$/.test(url) ? url : `${url.replace(/\/+$/, '')}/chat/completions`

const messageOf = (message: ChatMessage): object => {
  if (message.role === 'tool') return { role: 'tool', tool_call_id: message.callId, content: message.content }
  if (message.role !== 'assistant' || !message.toolCalls?.length)
    return { role: message.role, content: message.content }
  const calls = message.toolCalls.map(({ id, name, arguments: written }) => ({
    ...{ id, type: 'function', function: { name, arguments: written } },
  }))
  return { role: 'assistant', content: message.content === '' ? null : message.content, tool_calls: calls }
}

const bodyOf = ({ model, reasoningEffort, messages, tools }: ChatRequest): string =>
  JSON.stringify({
    ...{ model, stream: true, messages: messages.map(messageOf) },
    ...(reasoningEffort !== undefined && { reasoning_effort: reasoningEffort }),
    ...(tools.length > 0 && { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
  })

export function createChat({ url, key, timeoutMs, answerMaxBytes, toolCallsMax }: ChatSettings): Chat {
  const headers = {
    ...{ 'content-type': 'application/json', accept: 'text/event-stream' },
    ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
  }

  async function open(request: ChatRequest, signal: AbortSignal): Promise<Response> {
    const response = await fetch(chatAddressOf(url()), {
      ...{ method: 'POST', headers, body: bodyOf(request), redirect: 'error', signal },
    })
    if (response.ok && response.body) return response
    await response.body?.cancel()
    throw new ChatUnavailable(`the model answered with status ${response.status}`)
  }

  return {
    async ask(request, onText, signal) {
      const late = AbortSignal.timeout(timeoutMs)
      const ended = AbortSignal.any([signal, late])
      const gathered = new Gathered({ answerMaxBytes, toolCallsMax }, onText)
      try {
        const response = await open(request, ended)
        for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
          gathered.take(Buffer.from(chunk))
        }
        return gathered.answer()
      } catch (cause) {
        if (signal.aborted) throw signal.reason
        if (cause instanceof ChatUnavailable) throw cause
        if (late.aborted) throw new ChatUnavailable(`the model took longer than ${timeoutMs} ms`, { cause })
        throw new ChatUnavailable('the model did not answer as models do', { cause })
      }
    },
  }
}

/** What has come of an answer. */
class Gathered {
  private readonly limits: Pick<ChatSettings, 'answerMaxBytes' | 'toolCallsMax'>
  private readonly onText: (text: string) => void
  private readonly splitter: FrameSplitter
  private readonly calls: { id: string; name: string; arguments: string }[] = []
  private bytes = 0
  private text = ''
  private isFinished = false

  constructor(limits: Pick<ChatSettings, 'answerMaxBytes' | 'toolCallsMax'>, onText: (text: string) => void) {
    this.limits = limits
    this.onText = onText
    this.splitter = new FrameSplitter(limits.answerMaxBytes)
  }

  take(chunk: Buffer): void {
    this.bytes += chunk.length
    if (this.bytes > this.limits.answerMaxBytes) {
      throw new ChatUnavailable(`the model’s answer has more than ${this.limits.answerMaxBytes} bytes`)
    }
    for (const { data } of this.splitter.push(chunk)) {
      if (data === '[DONE]') this.isFinished = true
      else if (data !== undefined && data !== '') this.read(data)
    }
  }

  answer(): ChatAnswer {
    if (!this.isFinished) throw new BrokenStream('cut', 'The model’s answer ended before its end.')
    const toolCalls = Array.from(this.calls, (call) => call ?? { id: '', name: '', arguments: '' })
    if (toolCalls.some(({ id, name }) => id === '' || name === '')) {
      throw new BrokenStream('unreadable', 'The model called a tool without naming it.')
    }
    return { text: this.text, toolCalls }
  }

  private read(data: string): void {
    const { choices, error } = chunkSchema.parse(JSON.parse(data))
    if (error) throw new BrokenStream('refused', error.message ?? 'The model refused.')
    const [choice] = choices
    const { content, tool_calls: calls } = choice?.delta ?? {}
    if (content) {
      this.text += content
      this.onText(content)
    }
    for (const { index, id, function: called } of calls ?? []) {
      if (index >= this.limits.toolCallsMax) {
        throw new ChatUnavailable(`the model called more than ${this.limits.toolCallsMax} tools at once`)
      }
      const known = this.calls[index] ?? { id: '', name: '', arguments: '' }
      this.calls[index] = {
        id: id || known.id,
        name: known.name + (called?.name ?? ''),
        arguments: known.arguments + (called?.arguments ?? ''),
      }
    }
    if (choice?.finish_reason) this.isFinished = true
  }
}
