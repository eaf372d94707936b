/**
 * What the parts of killatamata's stand-ins have in common. Each stands in for one service, in a file of its own, and says at which
 * addresses of the one server it answers; parts.ts lists them.
 */
import type { IncomingHttpHeaders } from 'node:http'

export interface StandInRequest {
  method: string
  /** Below the address of the part, with its slash: `/charges/1`. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  body: Buffer
}

export interface StandInAnswer {
  status: number
  headers?: Readonly<Record<string, string>>
  body?: string | Uint8Array | AsyncIterable<string | Uint8Array>
}

/** Undefined: there is nothing at this address. */
export type Answering = (request: StandInRequest) => StandInAnswer | undefined | Promise<StandInAnswer | undefined>

export interface StandInPart {
  /** By the address under which it answers: `/coinbase`. The longest that fits counts. */
  routes: Readonly<Record<string, Answering>>
  close?(): Promise<void>
}

/** A request that a part refuses. */
export class StandInRefusal extends Error {
  override name = 'StandInRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' }

export const jsonAnswer = (body: object, status = 200): StandInAnswer => ({
  ...{ status, headers: JSON_HEADERS, body: JSON.stringify(body) },
})

/** An empty body counts as an empty object. Throws StandInRefusal. */
export function jsonOf({ body }: Pick<StandInRequest, 'body'>): Record<string, unknown> {
  if (body.byteLength === 0) return {}
  let read: unknown
  try {
    read = JSON.parse(body.toString('utf8'))
  } catch {
    throw new StandInRefusal(400, 'The body is no JSON.')
  }
  if (typeof read === 'object' && read !== null && !Array.isArray(read)) return read as Record<string, unknown>
  throw new StandInRefusal(400, 'The body is no JSON object.')
}

/** What a person orders of a stand-in: whether an event is sent, and how often. */
export function deliveryOf({ deliver = true, times = 1 }: Record<string, unknown>): number {
  if (deliver === false) return 0
  if (typeof times === 'number' && Number.isInteger(times) && times >= 0 && times <= DELIVERIES_MAX) return times
  throw new StandInRefusal(400, `times is 0 to ${DELIVERIES_MAX}.`)
}
/** Of one order. */
const DELIVERIES_MAX = 100
const TIMEOUT_MS = 30_000

/** Posts an event, one after the other; answers with the statuses. One that nobody takes is not sent again. */
export async function postEvent(
  url: string,
  headers: () => Readonly<Record<string, string>>,
  json: string,
  times: number,
): Promise<number[]> {
  const statuses: number[] = []
  for (let sent = 0; sent < times; sent++) {
    const answer = await fetch(url, {
      ...{ method: 'POST', headers: { 'content-type': 'application/json', ...headers() }, body: json },
      ...{ redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) },
    })
    await answer.arrayBuffer()
    statuses.push(answer.status)
  }
  return statuses
}
