/**
 * JSON-RPC over HTTP to a node: bounded in time and in bytes, with answers that are taken apart before anybody sees them. What is
 * asked for within one turn of the event loop, and only reads, goes out as one batch. A node that takes none is asked one by one
 * from then on. It repeats nothing else by itself.
 */
import { Agent } from 'undici'
import { z } from 'zod'
import { printable } from './printable.ts'

export interface RpcOptions {
  /** `http(s)://…`; it may hold a key, so it is in no message. */
  url: string
  /** From the question to the last byte of its answer. */
  timeoutMs: number
  /** Of the body of one answer, a batch's included. */
  answerMaxBytes: number
}

export interface Rpc {
  /** Rejects with ChainUnavailable where there is no answer, and with RpcRefusal where the node refuses. */
  request(method: string, params: readonly unknown[]): Promise<unknown>
  close(): Promise<void>
}

/** Nobody knows what the node would have said: it is away, silent, too slow, or says what makes no sense. */
export class ChainUnavailable extends Error {
  override name = 'ChainUnavailable'
}

/** The node's own refusal. `data` is what a call reverted with, where it is one. */
export class RpcRefusal extends Error {
  override name = 'RpcRefusal'
  readonly code: number
  readonly data: string | undefined

  constructor(code: number, message: string, data: string | undefined) {
    super(printable(message))
    this.code = code
    this.data = data
  }
}

/** What public nodes still take in one go, as far as their makers say. */
const BATCH_MAX = 20
/** Reads that come back at once, so that none of a batch waits for another. */
const BATCHED = new Set(['eth_call', 'eth_getBalance', 'eth_getCode', 'eth_getStorageAt', 'eth_getTransactionReceipt'])

const refusal = z.object({ code: z.number(), message: z.string(), data: z.unknown().optional() })
const reply = z.object({ id: z.number(), result: z.unknown().optional(), error: refusal.nullish() })

interface Question {
  id: number
  method: string
  params: readonly unknown[]
  resolve(result: unknown): void
  reject(error: Error): void
}

export function createRpc({ url, timeoutMs, answerMaxBytes }: RpcOptions): Rpc {
  const { origin, pathname, search, username, password } = new URL(url)
  const agent = new Agent({ connect: { timeout: timeoutMs }, headersTimeout: 0, bodyTimeout: 0 })
  const credential = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')
  const headers = {
    'content-type': 'application/json',
    ...(username === '' && password === '' ? {} : { authorization: `Basic ${credential}` }),
  }
  let lastId = 0
  let waiting: Question[] = []
  let takesBatches = true

  /** The parsed body of the answer. */
  async function post(body: string): Promise<unknown> {
    const signal = AbortSignal.timeout(timeoutMs)
    const target = { origin, path: `${pathname}${search}`, method: 'POST', headers, body, signal } as const
    const answer = await agent.request(target)
    const blocks: Buffer[] = []
    let length = 0
    for await (const block of answer.body) {
      length += block.length
      if (length > answerMaxBytes) throw new ChainUnavailable(`the node's answer has more than ${answerMaxBytes} bytes`)
      blocks.push(block)
    }
    const text = Buffer.concat(blocks).toString('utf8')
    // Nodes refuse calls with statuses, too: what they say counts where it is JSON-RPC.
    const parsed = jsonOf(text)
    if (answer.statusCode >= 500 || answer.statusCode === 429 || parsed === undefined) {
      throw new ChainUnavailable(`the node answered with status ${answer.statusCode} and ${length} bytes`)
    }
    return parsed
  }

  async function ask(questions: readonly Question[]): Promise<void> {
    const calls = questions.map(({ id, method, params }) => ({ jsonrpc: '2.0', id, method, params }))
    try {
      const answer = await post(JSON.stringify(calls.length === 1 ? calls[0] : calls))
      if (calls.length > 1 && !Array.isArray(answer)) {
        // One answer to several questions is a refusal of the batch, as JSON-RPC has it.
        takesBatches = false
        for (const question of questions) void ask([question])
        return
      }
      const replies = z.array(reply).safeParse(Array.isArray(answer) ? answer : [answer])
      if (!replies.success) throw new ChainUnavailable('the node answered with something that is not JSON-RPC')
      const byId = new Map(replies.data.map((each) => [each.id, each]))
      for (const question of questions) settle(question, byId.get(question.id))
    } catch (error) {
      const unavailable = error instanceof ChainUnavailable ? error : unanswered(error, timeoutMs)
      for (const { reject } of questions) reject(unavailable)
    }
  }

  function sendWaiting(): void {
    const questions = waiting
    waiting = []
    for (let at = 0; at < questions.length; at += BATCH_MAX) void ask(questions.slice(at, at + BATCH_MAX))
  }

  return {
    request(method, params) {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const question = { id: ++lastId, method, params, resolve, reject }
      if (!takesBatches || !BATCHED.has(method)) void ask([question])
      else if (waiting.push(question) === 1) setImmediate(sendWaiting)
      return promise
    },
    close: () => agent.destroy(),
  }
}

function settle({ method, resolve, reject }: Question, answer: z.output<typeof reply> | undefined): void {
  if (answer?.error) {
    const { code, message, data } = answer.error
    reject(new RpcRefusal(code, message, dataOf(data)))
  } else if (answer === undefined || answer.result === undefined) {
    reject(new ChainUnavailable(`the node answered without a result of ${method}`))
  } else resolve(answer.result)
}

/** Nodes hand over what a call reverted with as text, as `{data}`, or one deeper. */
function dataOf(data: unknown): string | undefined {
  if (typeof data === 'string') return /^0x([0-9a-f]{2})*$/i.test(data) ? data : undefined
  if (typeof data !== 'object' || data === null) return undefined
  const { data: inner, originalError } = data as { data?: unknown; originalError?: unknown }
  return dataOf(inner ?? originalError)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The caller says so.
    return undefined
  }
}

function unanswered(error: unknown, timeoutMs: number): ChainUnavailable {
  const { name, code } = error as NodeJS.ErrnoException
  const what =
    name === 'TimeoutError' ? `said nothing whole within ${timeoutMs} ms` : `cannot be reached (${code ?? name})`
  return new ChainUnavailable(`the node ${what}`, { cause: error })
}
