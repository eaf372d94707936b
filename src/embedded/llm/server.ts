/**
 * A provider of models on loopback, for those who have no account with one, and for tests: it speaks OpenAI's and Anthropic's
 * formats and answers the same to the same question. Faults come on order (`POST /control`), and what it was sent can be read
 * (`GET /log`), both by processes of its own user alone, where the kernel tells: the log has prompts and keys. Whatever key a caller
 * has is good.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { maybeOwnUser } from '../../runtime/own-user.ts'
import { loopbackHost } from '../ports.ts'
import { answerMessage, countTokens } from './anthropic.ts'
import { createControl, type Order, orderSchema } from './control.ts'
import { deliverStream, deliverWhole, type Outcome } from './delivery.ts'
import { answerChat } from './openai.ts'
import { invalid, type Members, membersOf, refusalBody, SimulatorRefusal, textOf } from './refusal.ts'
import { answerEmbeddings, answerResponse } from './responses.ts'

export interface SimulatorOptions {
  /** 0: a free one. */
  port?: number
}

export interface LoggedCall {
  path: string
  model: string
  key: string
  stream: boolean
  headers: Record<string, unknown>
  /** As it was sent; cut at 65,536 characters. */
  body: string
  /** Unix time in milliseconds. */
  at: number
  /** 0 where nothing was answered. */
  status: number
  /** Undefined while it is under way. */
  outcome: Outcome | undefined
}

export interface LlmSimulator {
  /** `http://127.0.0.1:40123`; OpenAI's clients take `<url>/v1`, Anthropic's this. */
  url: string
  /** As `POST /control`. */
  order(order: Order): void
  /** The last calls, oldest first, as `GET /log` gives them. */
  log(): readonly LoggedCall[]
  close(): Promise<void>
}

const BODY_MAX_BYTES = 67_108_864
const LOGGED_MAX = 2_000
const LOGGED_BODY_MAX = 65_536
const PATHS = ['/v1/chat/completions', '/v1/responses', '/v1/embeddings', '/v1/messages', '/v1/messages/count_tokens']

export async function startLlmSimulator({ port = 0 }: SimulatorOptions = {}): Promise<LlmSimulator> {
  const control = createControl()
  const seen = new Set<string>()
  let logged: LoggedCall[] = []
  let total = 0

  function order(given: unknown): void {
    const parsed = orderSchema.safeParse(given)
    if (!parsed.success)
      throw invalid(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '))
    if (parsed.data.reset) {
      logged = []
      total = 0
      seen.clear()
    }
    control.order(parsed.data)
  }

  async function answerCall(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const text = await bodyOf(request)
    const body = parsed(text)
    const key = keyOf(request)
    const { headers } = request
    const entry: LoggedCall = {
      ...{
        path,
        key,
        headers,
        model: textOf(body?.model),
        stream: body?.stream === true,
        body: text.slice(0, LOGGED_BODY_MAX),
      },
      ...{ at: Date.now(), status: 0, outcome: undefined },
    }
    total += 1
    logged.push(entry)
    if (logged.length > 2 * LOGGED_MAX) logged = logged.slice(-LOGGED_MAX)
    response.once('close', () => {
      entry.status = response.headersSent ? response.statusCode : 0
    })
    if (key === '') throw new SimulatorRefusal(401, 'invalid_request_error', 'You did not provide an API key.')
    if (!body) throw invalid('We could not parse the JSON body of your request.')
    const { fault, answer } = control.take(entry)
    if (fault.status !== undefined) {
      if (fault.retryAfter !== undefined) response.setHeader('retry-after', fault.retryAfter)
      entry.outcome = 'error'
      throw new SimulatorRefusal(
        fault.status,
        undefined,
        fault.message ?? `The simulator was told to answer ${fault.status}.`,
      )
    }
    if (path === '/v1/messages' && headers['anthropic-version'] === undefined)
      throw invalid('anthropic-version: header is required')
    if (path === '/v1/embeddings') entry.outcome = await deliverWhole(response, answerEmbeddings(body), fault)
    else if (path === '/v1/messages/count_tokens')
      entry.outcome = await deliverWhole(response, countTokens(body), fault)
    else {
      const answers =
        path === '/v1/messages'
          ? answerMessage(body, answer, fault, seen)
          : path === '/v1/responses'
            ? answerResponse(body, answer, fault, seen)
            : answerChat(body, answer, fault, seen)
      entry.outcome = entry.stream
        ? await deliverStream(response, answers.stream(), fault)
        : await deliverWhole(response, answers.whole(), fault)
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    if (request.method === 'POST' && PATHS.includes(path)) return answerCall(request, response, path)
    const isLog = request.method === 'GET' && path === '/log'
    if (!isLog && (request.method !== 'POST' || path !== '/control'))
      throw new SimulatorRefusal(404, undefined, `There is no ${request.method} ${path}.`)
    if (!maybeOwnUser(request.socket))
      throw new SimulatorRefusal(403, 'permission_error', `${path} is for the user whom the simulator runs as.`)
    if (isLog) return respond(response, 200, JSON.stringify({ data: logged, total }))
    const given = parsed(await bodyOf(request))
    if (!given) throw invalid('An order is a JSON object.')
    order(given)
    respond(response, 200, '{"ok":true}')
  }

  const server = createServer({ keepAliveTimeout: 60_000, requestTimeout: 60_000 }, (request, response) => {
    const { pathname: path } = new URL(request.url ?? '/', 'http://simulator')
    answer(request, response, path).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) return void response.destroy()
      const isRefusal = error instanceof SimulatorRefusal
      const refusal = isRefusal
        ? error
        : { status: 500, message: error instanceof Error ? error.message : String(error) }
      respond(response, refusal.status, refusalBody(path.startsWith('/v1/messages'), refusal))
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host: loopbackHost, port, exclusive: true }, () => resolve())
  })
  return {
    url: `http://${loopbackHost}:${(server.address() as AddressInfo).port}`,
    order,
    log: () => logged,
    async close() {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  }
}

function respond(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(body)
}

function parsed(text: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? membersOf(value) : undefined
  } catch {
    return undefined
  }
}

const keyOf = ({ headers }: IncomingMessage): string =>
  textOf(headers['x-api-key']) || (headers.authorization ?? '').replace(/^Bearer /i, '')

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.byteLength
    if (size > BODY_MAX_BYTES) throw new SimulatorRefusal(413, undefined, `A body has at most ${BODY_MAX_BYTES} bytes.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
