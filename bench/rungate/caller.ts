/** Calls of a model in OpenAI's format over kept connections, whole and streamed, as lean as a client can be. */
import { Agent } from 'undici'

export interface Caller {
  /** Rejects where it is not served. */
  whole(): Promise<void>
  /** Reads a stream of 50 frames to its end; resolves with the milliseconds until its first word was there. */
  streamed(): Promise<number>
  /** One call with these headers: its status, whatever it is, and the run that it belongs to. */
  attempt(headers: Record<string, string>): Promise<{ status: number; runId: string | undefined }>
}

const connections = new Agent({ keepAliveTimeout: 30_000 })

const OUTPUT_TOKENS = 100
/** With the role before them and the end after them, 50 frames. */
const STREAMED_WORDS = 48
const asking = (content: string, more: object = {}) =>
  JSON.stringify({
    ...{ model: 'gpt-5', max_completion_tokens: OUTPUT_TOKENS },
    messages: [
      { role: 'system', content: 'You are a helpful assistant.' },
      { role: 'user', content },
    ],
    ...more,
  })
const WHOLE = asking('Say hello to the world.')
const STREAMED = asking(`[[words ${STREAMED_WORDS}]]`, { stream: true })
/** $0.001 for its answer. */
const COSTLY = asking(`[[words ${OUTPUT_TOKENS}]]`)
const FIRST_WORD = '"content":"word'
const LAST_FRAME = 'data: [DONE]'

/** `base`: what a client's library is told. */
export function createCaller(base: string, key: string, more: Record<string, string> = {}): Caller {
  const { origin, pathname } = new URL(`${base}/chat/completions`)
  const signed = { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more }
  const send = (body: string, headers: Record<string, string> = {}) =>
    connections.request({ origin, path: pathname, method: 'POST', headers: { ...signed, ...headers }, body })
  return {
    async whole() {
      const { statusCode, body } = await send(WHOLE)
      const text = await body.text()
      if (statusCode !== 200) throw new Error(`${base} answered ${statusCode}: ${text}`)
    },
    async streamed() {
      const sentMs = performance.now()
      const { statusCode, body } = await send(STREAMED)
      let text = ''
      let firstMs: number | undefined
      for await (const chunk of body) {
        text += chunk
        if (firstMs === undefined && text.includes(FIRST_WORD)) firstMs = performance.now() - sentMs
      }
      if (statusCode === 200 && firstMs !== undefined && text.includes(LAST_FRAME)) return firstMs
      throw new Error(`${base} answered ${statusCode}: ${text}`)
    },
    async attempt(headers) {
      const { statusCode: status, headers: answered, body } = await send(COSTLY, headers)
      await body.text()
      const runId = answered['x-rungate-run-id']
      return { status, runId: typeof runId === 'string' ? runId : undefined }
    },
  }
}
