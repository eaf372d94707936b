/** The answer of a dry run: in the client's format, and of no use for anything but to see that the call would have been made. */
import type { Format } from './call-scan.ts'
import { anthropicUsage, openAiUsage } from './finish-reasons.ts'
import { frameBytes } from './frames.ts'
import { noUsage } from './usage.ts'

export interface DryRun {
  /** The client's format. */
  format: Format
  /** Of the answer, without the format's prefix. */
  id: string
  model: string
  isStream: boolean
  /** OpenAI: whether the client asked for usage at the end of its stream. */
  wantsUsage: boolean
  /** Unix time in seconds. */
  createdS: number
}

const TEXT = 'This is a dry run: no provider was called.'

/** A whole answer, or all frames of a stream. It used nothing. */
export function dryRunAnswer(run: DryRun): Buffer {
  return run.format === 'openai' ? openAiAnswer(run) : anthropicAnswer(run)
}

function openAiAnswer({ id, model, isStream, wantsUsage, createdS }: DryRun): Buffer {
  const head = { id: `chatcmpl-${id}`, created: createdS, model }
  const usage = openAiUsage(noUsage)
  const message = { role: 'assistant', content: TEXT, refusal: null }
  if (!isStream) {
    const choices = [{ index: 0, message, logprobs: null, finish_reason: 'stop' }]
    return Buffer.from(JSON.stringify({ ...head, object: 'chat.completion', choices, usage }))
  }
  const frame = (members: object) =>
    frameBytes(JSON.stringify({ ...head, object: 'chat.completion.chunk', ...members }))
  const chunk = (delta: object, finish_reason: string | null) =>
    frame({ choices: [{ index: 0, delta, logprobs: null, finish_reason }] })
  const last = wantsUsage ? [frame({ choices: [], usage })] : []
  return Buffer.concat([chunk(message, null), chunk({}, 'stop'), ...last, frameBytes('[DONE]')])
}

function anthropicAnswer({ id, model, isStream }: DryRun): Buffer {
  const usage = anthropicUsage(noUsage)
  const head = { id: `msg_${id}`, type: 'message', role: 'assistant', model }
  const message = {
    ...head,
    content: [{ type: 'text', text: TEXT }],
    stop_reason: 'end_turn',
    stop_sequence: null,
    usage,
  }
  if (!isStream) return Buffer.from(JSON.stringify(message))
  const event = (type: string, members: object) => frameBytes(JSON.stringify({ type, ...members }), type)
  return Buffer.concat([
    event('message_start', { message: { ...message, content: [], stop_reason: null } }),
    event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
    event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: TEXT } }),
    event('content_block_stop', { index: 0 }),
    event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage }),
    event('message_stop', {}),
  ])
}
