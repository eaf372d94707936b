/**
 * Given/when/then for the engine's core: a sequence of inputs to one account, at prices and a time that the test sets.
 * Every event is checked against the contract, and the fold of the events against the state that the step answered.
 */
import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { AccountState, DataOf } from '../../src/engine/account.ts'
import { evolve, unopenedAccount } from '../../src/engine/account.ts'
import type { StepInput } from '../../src/engine/decide.ts'
import { step } from '../../src/engine/decide.ts'
import { manualFeed } from '../../src/engine/feed.ts'
import type { OrderRequest } from '../../src/engine/orders.ts'
import type { TradingRules } from '../../src/engine/step.ts'
import { defaultTradingRules } from '../../src/engine/step.ts'
import { referenceSymbols } from '../../src/engine/symbols.ts'
import type { AccountCommand, EngineEvent } from '../../src/gateway/contract.ts'
import { engineEventSchema } from '../../src/gateway/contract.ts'
import { commandOf, openingOf, startingPrices } from './examples.ts'

/** A Monday morning. */
export const monday = Date.parse('2026-03-02T10:00:00.000Z')
const marketId = '11111111-2222-4333-8444-555555555555'

export function scenario(options: { rules?: Partial<TradingRules>; currency?: string; balance?: string } = {}) {
  const accountId = randomUUID()
  const feed = manualFeed(startingPrices)
  const rules = { ...defaultTradingRules, ...options.rules }
  let state: AccountState = unopenedAccount(accountId)
  let nowMs = monday
  let commandSequence = 0
  let orders = 0
  let steps = 0
  const all: EngineEvent[] = []

  const take = (input: StepInput, stepId: string): EngineEvent[] => {
    steps += 1
    const quote = (symbol: string) => feed.quote(symbol, nowMs)
    const result = step(state, input, { nowMs, stepId, quote, symbols: referenceSymbols, rules })
    const sequence = input.kind === 'command' ? input.command.sequence : null
    for (const event of result.events) {
      expect(engineEventSchema.parse(event)).toEqual(event)
      state = evolve(state, { event, commandSequence: sequence })
    }
    expect(state).toEqual(result.state)
    all.push(...result.events)
    return result.events
  }
  const run = (command: AccountCommand) => take({ kind: 'command', command }, command.commandId)

  const self = {
    accountId,
    feed,
    all,
    state: () => state,
    order(facts: Partial<OrderRequest>): EngineEvent[] {
      orders += 1
      const orderId = facts.orderId ?? `00000000-0000-4000-8000-${String(orders).padStart(12, '0')}`
      const order = {
        orderId,
        clientOrderId: null,
        symbol: 'EURUSD',
        side: 'buy',
        orderType: 'market',
        quantity: '1',
        limitPrice: null,
        stopPrice: null,
        takeProfit: null,
        stopLoss: null,
        timeInForce: 'gtc',
        ...facts,
      } satisfies OrderRequest
      return take({ kind: 'place_order', order }, orderId)
    },
    cancel: (orderId: string) => take({ kind: 'cancel_order', orderId }, randomUUID()),
    /** Time passes and prices are looked at. */
    market: (prices: Readonly<Record<string, readonly [string, string]>> = {}) => {
      for (const [symbol, [bid, ask]] of Object.entries(prices)) feed.set(symbol, bid, ask)
      return take({ kind: 'market' }, `${marketId.slice(0, -6)}${String(steps).padStart(6, '0')}`)
    },
    at(time: string) {
      nowMs = Date.parse(time)
      return self
    },
    run,
    command<K extends AccountCommand['kind']>(kind: K, facts: object = {}, sequence?: number): EngineEvent[] {
      commandSequence = sequence ?? commandSequence + 1
      const defaults = kind === 'disable_account' ? { forceClosePositions: false } : {}
      return run(commandOf(kind, accountId, commandSequence, { reason: null, ...defaults, ...facts } as never))
    },
    open: (facts: object = {}) => {
      commandSequence = 1
      return run(openingOf(accountId, facts))
    },
  }
  self.open({ currency: options.currency ?? 'USD', initialBalance: options.balance ?? '100000.00' })
  return self
}

/** The events' types, in order. */
export const typesOf = (events: readonly EngineEvent[]) => events.map((event) => event.type)

/** The data of the only event of a type. */
export function onlyOf<T extends EngineEvent['type']>(events: readonly EngineEvent[], type: T): DataOf<T> {
  const found = events.filter((event) => event.type === type)
  expect(found.map((event) => event.type)).toEqual([type])
  return found[0]!.data as DataOf<T>
}

export function allOf<T extends EngineEvent['type']>(events: readonly EngineEvent[], type: T): DataOf<T>[] {
  return events.filter((event) => event.type === type).map((event) => event.data as DataOf<T>)
}
