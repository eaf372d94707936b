/**
 * Counts tokens of a prompt by OpenAI's vocabulary, on a thread of its own: a text without spaces takes a tokenizer seconds, which
 * nobody else is to wait for. The thread starts with the first question, and is thrown away where it takes too long.
 */
import { Worker } from 'node:worker_threads'

export interface CountLimits {
  /** Of a prompt's text. */
  bytesMax: number
  timeoutMs: number
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
/** What the thread answers. */
export interface Counted {
  id: number
  tokens: number
}

/** The first question finds a thread that has to read its vocabulary. */
const START_MAX_MS = 2_000

export function createTokenCounter({ bytesMax, timeoutMs, waitingMax }: CountLimits): TokenCounter {
  let worker: Worker | undefined
  let isReady = false
  let lastId = 0
  const waiting = new Map<number, { thread: Worker; answer: (tokens: number | undefined) => void }>()

  function start(): Worker {
    isReady = false
    const thread = new Worker(new URL('./token-worker.ts', import.meta.url))
    thread.unref()
    thread.on('message', ({ id, tokens }: Counted) => {
      isReady = true
      waiting.get(id)?.answer(tokens)
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
          if (worker !== thread) return
          worker = undefined
          void thread.terminate()
        }
        const timer = setTimeout(late, isReady ? timeoutMs : START_MAX_MS)
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
