/**
 * Counts tokens of a prompt by OpenAI's vocabulary, on a thread of its own: a text without spaces takes a tokenizer seconds, which
 * nobody else is to wait for. The thread starts with the first question. One that takes too long over a text is thrown away; one
 * that still reads its vocabulary goes on, for those who ask later.
 */
import { Worker } from 'node:worker_threads'

export interface CountLimits {
  /** Of a prompt's text. */
  bytesMax: number
  timeoutMs: number
  /** How long a question waits for a thread that still reads its vocabulary. */
  startMaxMs: number
  /** Prompts that wait; a further one is not counted. */
  waitingMax: number
}

export interface TokenCounter {
  readonly bytesMax: number
  /** Undefined: not counted in time. Never rejects. */
  count(texts: readonly string[]): Promise<number | undefined>
  close(): Promise<void>
}

interface Question {
  id: number
  texts: readonly string[]
}
/** What the thread says: first that it has read its vocabulary, then its answers. */
export type Said = 'ready' | { id: number; tokens: number }

export function createTokenCounter({ bytesMax, timeoutMs, startMaxMs, waitingMax }: CountLimits): TokenCounter {
  let worker: Worker | undefined
  let isReady = false
  let lastId = 0
  const waiting = new Map<number, { thread: Worker; answer: (tokens: number | undefined) => void }>()

  function start(): Worker {
    isReady = false
    const thread = new Worker(new URL('./token-worker.ts', import.meta.url))
    thread.unref()
    thread.on('message', (said: Said) => {
      if (said !== 'ready') waiting.get(said.id)?.answer(said.tokens)
      else if (worker === thread) isReady = true
    })
    // Its exit follows, which answers those who wait.
    thread.on('error', () => undefined)
    thread.on('exit', () => {
      if (worker === thread) worker = undefined
      for (const { thread: of, answer } of [...waiting.values()]) if (of === thread) answer(undefined)
    })
    return thread
  }

  return {
    bytesMax,
    count(texts) {
      if (waiting.size >= waitingMax) return Promise.resolve(undefined)
      worker ??= start()
      const thread = worker
      const question: Question = { id: ++lastId, texts }
      return new Promise((resolve) => {
        const late = () => {
          answer(undefined)
          // Whatever it counts at the moment would hold up the next ones. Its exit answers those who wait too.
          if (worker !== thread || !isReady) return
          worker = undefined
          void thread.terminate()
        }
        const timer = setTimeout(late, isReady ? timeoutMs : startMaxMs)
        const answer = (tokens: number | undefined) => {
          clearTimeout(timer)
          waiting.delete(question.id)
          resolve(tokens)
        }
        waiting.set(question.id, { thread, answer })
        thread.postMessage(question)
      })
    },
    async close() {
      await worker?.terminate()
    },
  }
}
