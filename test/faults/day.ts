/** An operator carries out a planned day, call by call, and writes down what came of each. */
import { setTimeout as delay } from 'node:timers/promises'
import { vi } from 'vitest'
import { soonestTrade } from '../../src/cli/noctant/demo/foresight.ts'
import { syntheticFeed } from '../../src/engine/feed.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'
import type { House } from './house.ts'
import type { Operator } from './operators.ts'
import type { Random, Step } from './plan.ts'
import {
  type Answered,
  accountBody,
  ask,
  buy,
  type Call,
  type History,
  insist,
  outcomeOf,
  PATIENCE_MS,
  place,
} from './workload.ts'

interface Account {
  external: string
  accountId: string
  userId: string
}

/** As src/config.ts has it for ENGINE_FEED_SEED. */
const feed = syntheticFeed({ seed: '1', symbols: referenceSymbols })
const FORESEEN = { horizonMs: 12_000, profitPerLotMin: 1 }
/** Until the market is looked at again, where it offers nothing. */
const MARKET_MS = 1_000
const TRADES_MAX = 3
/** For the profit of a trade to arrive in the summary after the time foreseen: 5 s. */
const LOOKS_MAX = 50
const LOOK_MS = 100

/** Runs the steps one after the other. Rejects where a call stays without an answer for a minute, or lacks what it must have. */
export async function workThrough(
  house: House,
  { operator, steps, random }: { operator: Operator; steps: readonly Step[]; random: Random },
  history: History,
): Promise<void> {
  const accounts: Account[] = []
  const accountAt = (index: number): Account => {
    const found = accounts[index]
    if (!found) throw new Error(`the day has opened ${accounts.length} accounts, not ${index + 1}`)
    return found
  }
  const write = (call: Omit<Call, 'key' | 'requestId' | 'outcome'>): Call => {
    const entry: Call = { ...call, outcome: 'unknown', key: operator.key, requestId: random.uuid() }
    history.push(entry)
    return entry
  }
  const by = ({ requestId }: Call) => ({ key: operator.key, requestId: requestId as string })
  /** Until it is answered with anything but a 5xx. */
  async function call(method: string, path: string, body: object, about: Omit<Call, 'outcome'>): Promise<Answered> {
    const entry = write(about)
    const answer = await insist(house, method, path, body, by(entry))
    entry.outcome = outcomeOf(answer)
    return answer
  }
  const lastCall = () => history.findLast(({ key }) => key === operator.key) as Call

  async function openAccountNamed(name: string): Promise<void> {
    const user = await call('POST', '/users', { external_id: name }, { what: 'user', id: name })
    const opened = await call(
      'POST',
      '/accounts',
      { ...accountBody(name, name), rules_owner: 'noctant' },
      { what: 'account', id: name },
    )
    const { account_id: accountId } = opened.body.account
    accounts.push({ external: name, accountId, userId: user.body.global_user_id })
  }

  async function closeAll(account: number, key: string, reason: string | undefined): Promise<Answered> {
    const { external } = accountAt(account)
    const path = `/accounts/by-external-id/close-all?external_account_id=${external}`
    const body = { idempotency_key: key, ...(reason === undefined ? {} : { reason }) }
    const answer = await call('POST', path, body, { what: 'close-all', id: key, externalAccountId: external })
    if (answer.status < 300) lastCall().id = answer.body.command_id
    return answer
  }

  async function payOut(account: number, amount: string, key: string): Promise<void> {
    const { external, userId } = accountAt(account)
    const body = { external_account_id: external, amount, idempotency_key: key }
    const asked = await call('POST', `/users/${userId}/payout-requests`, body, { what: 'payout', id: key, userId })
    if (asked.status !== 200) return
    const { payout_request_id: id, policy_status: policy } = asked.body.statement
    lastCall().id = id
    if (policy !== 'pending_review') return
    const entry = write({ what: 'approval', id, userId })
    const path = `/users/${userId}/payout-requests/${id}/approve-and-execute`
    const approved = await insist(house, 'POST', path, {}, by(entry))
    // Without a key, a repeat of what was done is told from a refusal by the record alone.
    entry.outcome = approved.status === 409 ? 'unknown' : outcomeOf(approved)
  }

  /** By one trade; by another where the market had passed the take profit before the order came to it. */
  async function profit({ accountId, external }: Account, clientOrderId: string): Promise<void> {
    const path = `/accounts/by-external-id/summary?external_account_id=${external}`
    const balance = async () => {
      const { body } = await insist(house, 'GET', path, undefined, { key: operator.key })
      if (!body.summary) throw new Error(`no summary of ${external}: ${JSON.stringify(body)}`)
      return Number(body.summary.balance)
    }
    const before = await vi.waitFor(balance, { interval: LOOK_MS, timeout: PATIENCE_MS })
    for (let trade = 1; trade <= TRADES_MAX; trade++) {
      const plan = soonestTrade(feed, Date.now(), FORESEEN)
      if (!plan) {
        await delay(MARKET_MS)
        continue
      }
      const { symbol, side, takeProfit, byMs } = plan
      await place(house, accountId, {
        clientOrderId: `${clientOrderId}-${trade}`,
        symbol,
        side,
        quantity: '5',
        takeProfit,
      })
      await delay(Math.max(0, byMs - Date.now()))
      for (let look = 0; look < LOOKS_MAX; look++) {
        if ((await balance()) > before) return
        await delay(LOOK_MS)
      }
    }
  }

  async function carryOut(step: Step): Promise<void> {
    switch (step.kind) {
      case 'user': {
        const body = { external_id: step.name, display_name: step.displayName }
        return void (await call('POST', '/users', body, { what: 'user', id: step.name }))
      }
      case 'user once': {
        const entry = write({ what: 'user', id: step.name })
        const body = { external_id: step.name, display_name: step.displayName }
        const answer = await ask(house, 'POST', '/users', body, by(entry)).catch(() => undefined)
        if (answer) entry.outcome = outcomeOf(answer)
        return
      }
      case 'account':
        return openAccountNamed(step.name)
      case 'challenge': {
        const account = accountAt(step.account)
        const about = { user_id: account.userId, external_account_id: account.external }
        const body = { idempotency_key: step.key, ...about, template_id: operator.templateId }
        const answer = await call('POST', '/challenges', body, { what: 'challenge', id: step.key })
        if (answer.status >= 300) throw new Error(`no challenge: ${JSON.stringify(answer.body)}`)
        lastCall().id = answer.body.instance_id
        account.accountId = answer.body.account_id
        return
      }
      case 'profit':
        return profit(accountAt(step.account), step.orderId)
      case 'buy':
        return buy(house, accountAt(step.account).accountId, step.orderId)
      case 'close-all':
        return void (await closeAll(step.account, step.key, undefined))
      case 'repeat': {
        const answer = await closeAll(step.account, step.key, undefined)
        lastCall().silent = true
        if (answer.headers.get('idempotency-replayed') !== 'true') lastCall().outcome = 'failed'
        return
      }
      case 'reuse':
        return void (await closeAll(step.account, step.key, step.reason))
      case 'status': {
        const { external } = accountAt(step.account)
        const path = `/accounts/by-external-id/status?external_account_id=${external}`
        const body = { status: step.to, idempotency_key: step.key }
        const about = { what: 'status' as const, id: step.key, externalAccountId: external }
        const answer = await call('PATCH', path, body, about)
        if (answer.body.changed === false) lastCall().silent = true
        else if (answer.status < 300) lastCall().id = answer.body.command_id
        return
      }
      case 'correction': {
        const { external, userId } = accountAt(step.account)
        const body = { external_account_id: external, amount: step.amount, reason: 'test', idempotency_key: step.key }
        const about = { what: 'correction' as const, id: step.key, userId }
        const answer = await call('POST', `/users/${userId}/account-corrections`, body, about)
        if (answer.status < 300) lastCall().id = answer.body.correction.correction_id
        return
      }
      case 'correction of nobody': {
        const { userId } = accountAt(0)
        const body = { external_account_id: step.name, amount: step.amount, reason: 'test', idempotency_key: step.key }
        const about = { what: 'correction' as const, id: step.key, userId }
        return void (await call('POST', `/users/${userId}/account-corrections`, body, about))
      }
      case 'payout':
        return payOut(step.account, step.amount, step.key)
      default:
        return step satisfies never
    }
  }

  for (const step of steps) await carryOut(step)
}
