/** Why an answer ended, in either format's words, and the usage as each of them writes it. */
import { totalInput, type Usage } from './usage.ts'

const toAnthropic: Record<string, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  function_call: 'tool_use',
  content_filter: 'refusal',
}
const toOpenAi: Record<string, string> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
}

/** Servers exist that say `stop` after tool calls; a client that believes it would not call the tools. */
export function stopReasonOf(finishReason: string | undefined, hasTools: boolean): string {
  const reason = toAnthropic[finishReason ?? ''] ?? 'end_turn'
  return reason === 'end_turn' && hasTools ? 'tool_use' : reason
}
export const finishReasonOf = (stopReason: string | undefined): string => toOpenAi[stopReason ?? ''] ?? 'stop'

export function openAiUsage(usage: Usage): Record<string, unknown> {
  const prompt = totalInput(usage)
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output,
    total_tokens: prompt + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cacheRead },
  }
}

export const anthropicUsage = (usage: Usage): Record<string, unknown> => ({
  input_tokens: usage.input,
  cache_creation_input_tokens: usage.cacheWrite5m + usage.cacheWrite1h,
  cache_read_input_tokens: usage.cacheRead,
  output_tokens: usage.output,
})

/** An id of one format as one of the other: the same random part behind the other prefix. */
export const translatedId = (id: unknown, prefix: 'chatcmpl-' | 'msg_'): string =>
  `${prefix}${typeof id === 'string' ? id.replace(/^(chatcmpl-|msg_)/, '') : 'unnamed'}`
