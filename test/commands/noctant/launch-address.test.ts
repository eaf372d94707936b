import { describe, expect, it } from 'vitest'
import { backtestPlan } from '../../../src/commands/noctant/backtest-plan.ts'
import { allowedReturnUrl, originOf, relativeRoute } from '../../../src/commands/noctant/launch-address.ts'
import { operator } from '../../../src/commands/noctant/operator.ts'
import { Rejected } from '../../../src/commands/noctant/rejection.ts'
import type { OperatorEvent } from '../../../src/events/noctant/operator.ts'
import { at, operatorCreated, operatorFacts } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const codeOf = (work: () => unknown) => {
  try {
    work()
    return 'accepted'
  } catch (error) {
    return error instanceof Rejected ? error.code : error
  }
}

describe('a route', () => {
  it.each(['/', 'accounts/1', '/accounts/1?tab=orders#top', 'a', '/%C3%A9t%C3%A9', '/a.b/..c', '?x=1', '/x?at=10:00'])(
    'such as %s is a relative path',
    (route) => {
      expect(relativeRoute(route)).toBe(route)
      expect(new URL(`/terminal/${route.replace(/^\//, '')}`, 'https://here.example').href).toMatch(
        /^https:\/\/here\.example\/terminal\//,
      )
    },
  )

  it.each([
    'https://evil.example',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/a//evil.example',
    '/a\n/b',
    '/a\t',
    ' /a',
    '/a\u0000',
    '/a\u202e',
    '/../healthz',
    '..',
    './a',
    '/a/..?x',
    '/%2e%2e/healthz',
    '/%2F%2Fevil.example',
    '/%5Cevil.example',
    '/%0d%0aset-cookie:x',
    '/%zz',
    '/x?next=https://evil.example',
  ])('such as %j is refused', (route) => {
    expect(codeOf(() => relativeRoute(route))).toBe('launch_route_invalid')
  })
})

describe('a return URL', () => {
  const allowed = ['https://app.example.com', 'http://127.0.0.1:3000']
  it.each([
    'https://app.example.com',
    'https://app.example.com/a?b#c',
    'HTTPS://APP.EXAMPLE.COM/a',
    'http://127.0.0.1:3000/x',
  ])('%s lies in an allowed origin', (url) => {
    expect(allowedReturnUrl(url, allowed)).toBe(url)
  })

  it.each([
    'https://app.example.com.evil.example/',
    'https://app.example.com@evil.example/',
    'https://user:secret@app.example.com/',
    'https://evil.example/https://app.example.com',
    'http://app.example.com/',
    'https://app.example.com:8443/',
    '//app.example.com/',
    '/back',
    'https:app.example.com',
    'https:/\\app.example.com',
    'https://app.example.com\\@evil.example',
    'https://app.example.com\n.evil.example',
    'javascript:alert(1)',
    'null',
    '',
  ])('%j is refused', (url) => {
    expect(codeOf(() => allowedReturnUrl(url, allowed))).toBe('launch_return_invalid')
  })

  it('is refused where the operator has no origins', () => {
    expect(codeOf(() => allowedReturnUrl('https://app.example.com', []))).toBe('launch_return_invalid')
  })
})

describe('an operator’s origins', () => {
  const given = specify(operator)
  const { operatorId } = operatorFacts
  const set = (...allowedOrigins: string[]) => ({ kind: 'setOrigins', allowedOrigins, at: at(3) }) as const
  const changed: OperatorEvent = {
    type: 'noctant.OperatorOriginsChanged.v1',
    data: { operatorId, allowedOrigins: ['https://a.example', 'https://b.example'], occurredAt: at(3) },
  }
  it('are set whole, each once', () => {
    const command = set('https://b.example', 'https://a.example', 'https://b.example')
    given([operatorCreated]).when(command).then([changed])
    const state = given([operatorCreated, changed]).state()
    expect(state).toMatchObject({ facts: { allowedOrigins: ['https://a.example', 'https://b.example'] } })
  })
  it('that it has already write nothing', () => {
    given([operatorCreated, changed]).when(set('https://b.example', 'https://a.example')).then([])
  })
  it('are refused where one of them is none, or there is no operator', () => {
    given([operatorCreated]).when(set('https://a.example/path')).then(rejects('origin_invalid'))
    given([]).when(set('https://a.example')).then(rejects('operator_not_found'))
    for (const text of ['a.example', 'ftp://a.example', 'https://a.example/', '*']) {
      expect(codeOf(() => originOf(text))).toBe('origin_invalid')
    }
  })
})

describe('a backtest’s plan', () => {
  it('crosses averages unless the route says otherwise', () => {
    expect(backtestPlan('/backtest')).toStrictEqual({
      currency: 'USD',
      initialBalance: '100000.00',
      strategy: { type: 'moving_average_crossover', fastPeriods: 10, slowPeriods: 30, quantity: '0.1' },
    })
    expect(backtestPlan('b?fast=3&slow=9&quantity=2.50&initial_balance=5000#slow=1')).toStrictEqual({
      currency: 'USD',
      initialBalance: '5000.00',
      strategy: { type: 'moving_average_crossover', fastPeriods: 3, slowPeriods: 9, quantity: '2.5' },
    })
  })

  it('places the orders that the route lists', () => {
    const route = '/b?order=2026-01-05T10:00Z,buy,0.5,tp:1.2,sl:1.1&order=2026-01-05T09:00:00Z,sell,1,limit:1.15'
    const none = { limitPrice: null, stopPrice: null, takeProfit: null, stopLoss: null }
    expect(backtestPlan(route).strategy).toStrictEqual({
      type: 'order_list',
      orders: [
        {
          ...none,
          at: '2026-01-05T10:00:00.000Z',
          side: 'buy',
          orderType: 'market',
          quantity: '0.5',
          takeProfit: '1.2',
          stopLoss: '1.1',
        },
        {
          ...none,
          at: '2026-01-05T09:00:00.000Z',
          side: 'sell',
          orderType: 'limit',
          quantity: '1',
          limitPrice: '1.15',
        },
      ],
    })
  })

  it.each([
    'b?fast=30&slow=10',
    'b?fast=0',
    'b?slow=1001',
    'b?fast=1.5',
    'b?quantity=0',
    'b?quantity=-1',
    'b?quantity=1e3',
    'b?initial_balance=0.00',
    'b?initial_balance=1.001',
    'b?order=tomorrow,buy,1',
    'b?order=2026-13-05T10:00:00Z,buy,1',
    'b?order=2026-01-05T10:00:00Z,hold,1',
    'b?order=2026-01-05T10:00:00Z,buy',
    'b?order=2026-01-05T10:00:00Z,buy,1,price:1',
    'b?order=2026-01-05T10:00:00Z,buy,1,limit:1,stop:1',
    'b?order=2026-01-05T10:00:00Z,buy,1,limit:0',
    `b?${Array(101).fill('order=2026-01-05T10:00:00Z,buy,1').join('&')}`,
  ])('as in %.60s cannot be read', (route) => {
    expect(codeOf(() => backtestPlan(route))).toBe('backtest_invalid')
  })
})
