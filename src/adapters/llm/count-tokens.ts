/** Anthropic's own count of a prompt: exact and free, for calls whose byte bound does not fit what is left of a budget. */
import type { CallScan } from './call-scan.ts'
import { readValue } from './json-value.ts'

/** What the count takes; anything else it refuses. */
const COUNTED = new Set(['system', 'messages', 'tools', 'tool_choice', 'thinking', 'mcp_servers', 'output_config'])
/** Of an answer with one number in it. */
const ANSWER_LIMITS = { depthMax: 8, valuesMax: 100 }

/** The request for the count of what the call's prompt would be, in the bytes that it was sent in; a long one is not copied. */
export function countTokensBody({ members }: CallScan, model: string): Buffer[] {
  const pieces: Buffer[] = [Buffer.from(`{"model":${JSON.stringify(model)}`)]
  for (const { key, value } of members) {
    if (COUNTED.has(key) && !value.isNull) pieces.push(Buffer.from(`,"${key}":`), value.raw)
  }
  return [...pieces, Buffer.from('}')]
}

/** The number in the provider's answer; undefined where there is none. */
export function readTokenCount(answer: Buffer): number | undefined {
  try {
    return readValue(answer, ANSWER_LIMITS).get('input_tokens')?.integer
  } catch {
    return undefined
  }
}
