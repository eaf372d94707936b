/**
 * Operators at work over HTTP, who keep books of their own: each call is *ok* once it was answered with success, *failed*
 * once it was refused, and *unknown* while neither is certain. A call without an answer is sent again under its own key
 * and its own request id, by which the log says what it wrote.
 */
import { randomUUID } from 'node:crypto'
import { vi } from 'vitest'
import type { House } from './house.ts'

export interface Call {
  what: 'user' | 'account' | 'close-all' | 'status' | 'correction' | 'challenge' | 'payout' | 'approval'
  /** External id of the user or account; command id of a close-all or status that is ok; else the id that was given. */
  id: string
  externalAccountId?: string
  /** Of the user whose correction or payout it is. */
  userId?: string
  outcome: 'ok' | 'failed' | 'unknown'
  /** Under which every try was sent; the events that it wrote carry it. Absent where the call is not told of so closely. */
  requestId?: string
  /** It was answered as an earlier call was, or changed nothing: it must have written nothing. */
  silent?: boolean
  /** Key of the operator that called; absent: the sandbox operator's. */
  key?: string
}

/** What the clients were told, in the order in which they asked. */
export type History = Call[]

export interface Answered {
  status: number
  headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: the answers' schemas are checked by the hostile suite.
  body: any
}

export interface Asking {
  /** Default: the sandbox operator's. */
  key?: string
  requestId?: string
}

const ANSWER_MAX_MS = 10_000
export const PATIENCE_MS = 60_000

/** One call, sent once. Rejects where no answer comes. */
export async function ask(
  house: House,
  method: string,
  path: string,
  body?: unknown,
  asking: Asking = {},
): Promise<Answered> {
  const { url, key } = house.api()
  const answer = await fetch(`${url}/noctant/v1${path}`, {
    method,
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
    headers: {
      authorization: `Bearer ${asking.key ?? key}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(asking.requestId === undefined ? {} : { 'x-noctant-request-id': asking.requestId }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  return { status: answer.status, headers: answer.headers, body: await answer.json() }
}

/** The same, again until it is answered with anything but a 5xx. */
export const insist = (
  house: House,
  method: string,
  path: string,
  body?: unknown,
  asking: Asking = {},
): Promise<Answered> =>
  vi.waitFor(
    async () => {
      const answer = await ask(house, method, path, body, asking)
      if (answer.status >= 500) throw new Error(`${answer.status} ${JSON.stringify(answer.body)}`)
      return answer
    },
    { interval: 50, timeout: PATIENCE_MS },
  )

export const outcomeOf = ({ status }: Answered): Call['outcome'] => {
  if (status < 300) return 'ok'
  return status < 500 ? 'failed' : 'unknown'
}

export const accountBody = (externalAccountId: string, externalUserId: string) => ({
  external_account_id: externalAccountId,
  external_user_id: externalUserId,
  initial_balance: '100000',
  currency: 'USD',
  execution_profile_key: 'standard',
  provider_type: 'prop_firm',
  rules_owner: 'partner',
  feed_source: 'noctant',
  branding_policy: 'white_label',
  visibility_policy: 'same_sponsor_only',
  claim_allowed: false,
  marketing_allowed: false,
})

/** A user with an account that the engine has opened. */
export async function openAccount(house: House, history: History): Promise<{ external: string; accountId: string }> {
  const external = `faults-${randomUUID()}`
  const user = await insist(house, 'POST', '/users', { external_id: external })
  history.push({ what: 'user', id: external, outcome: outcomeOf(user) })
  const opened = await insist(house, 'POST', '/accounts', accountBody(external, external))
  history.push({ what: 'account', id: external, outcome: outcomeOf(opened) })
  return { external, accountId: opened.body.account.account_id }
}

export interface Order {
  clientOrderId: string
  symbol: string
  side: 'buy' | 'sell'
  quantity: string
  takeProfit?: string
}

/** The trader places an order, which the engine may reject; one that was not answered is sent again under its own id. */
export async function place(house: House, accountId: string, order: Order): Promise<void> {
  await vi.waitFor(
    async () => {
      const { url, token } = house.orderEntry()
      const answer = await fetch(`${url}/orders`, {
        method: 'POST',
        signal: AbortSignal.timeout(ANSWER_MAX_MS),
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ accountId, ...order }),
      })
      const content = await answer.text()
      // 404 where the account's opening is still on its way to the engine, 401 where the engine has a new token by now.
      const isFinal = answer.status < 500 && answer.status !== 404 && answer.status !== 401
      if (!isFinal) throw new Error(`${answer.status} ${content}`)
    },
    { interval: 50, timeout: PATIENCE_MS },
  )
}

/** The trader buys. */
export const buy = (house: House, accountId: string, clientOrderId: string = randomUUID()): Promise<void> =>
  place(house, accountId, { clientOrderId, symbol: 'EURUSD', side: 'buy', quantity: '0.1' })

/** Asks for everything to be closed, until that is accepted. */
export async function closeAll(house: House, external: string, history: History): Promise<string> {
  const path = `/accounts/by-external-id/close-all?external_account_id=${external}`
  const answer = await insist(house, 'POST', path, { idempotency_key: randomUUID() })
  const id = answer.body.command_id
  history.push({ what: 'close-all', id, externalAccountId: external, outcome: outcomeOf(answer) })
  return id
}

/** A trader's rounds, and beside them users that are asked for once, well formed or not, whatever comes of it. */
export async function operatorsDay(house: House, rounds: number, history: History): Promise<void> {
  const { external, accountId } = await openAccount(house, history)
  for (let round = 0; round < rounds; round++) {
    await buy(house, accountId)
    await closeAll(house, external, history)
    for (const display_name of ['fine', 'x'.repeat(256)]) {
      const call: Call = { what: 'user', id: `once-${randomUUID()}`, outcome: 'unknown' }
      history.push(call)
      const answer = await ask(house, 'POST', '/users', { external_id: call.id, display_name }).catch(() => undefined)
      if (answer) call.outcome = outcomeOf(answer)
    }
  }
}
