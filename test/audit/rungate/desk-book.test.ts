/** The book of a desk, on what a desk itself records: in order as it is, and not after any forgery. */
import { describe, expect, test } from 'vitest'
import { deskBook } from '../../../src/audit/rungate/desk-book.ts'
import type { DeskEvent } from '../../../src/events/rungate/desk.ts'
import { callFacts, deskOf, policyOf, settlement } from '../../support/desk.ts'

const policy = policyOf({ budget: { hardLimitUsd: '0.05' } })

/** A call that is settled, one that expires and is settled after that, the end of their run, and a call of the next one. */
function story(): DeskEvent[] {
  const desk = deskOf()
  desk.admit(callFacts('a', { policy }), 0)
  desk.settle(settlement('a'), 1)
  desk.admit(callFacts('b', { policy }), 2)
  desk.ask({ kind: 'sweep' }, 100_000)
  desk.settle(settlement('b'), 100_001)
  desk.admit(callFacts('c', { policy }), 100_002)
  desk.settle(settlement('c'), 100_003)
  return desk.log
}

function faultsOf(events: readonly DeskEvent[], isFromStart = true): string[] {
  const book = deskBook.open(isFromStart)
  return events.flatMap((event) => book.enter(event))
}

const forged = (type: DeskEvent['type'], data: object): DeskEvent[] =>
  story().map((event) => (event.type === type ? ({ ...event, data: { ...event.data, ...data } } as DeskEvent) : event))

describe('the book of a desk', () => {
  test('is in order where nothing was forged, read from the start or not', () => {
    const types = story().map(({ type }) => type)
    expect(types).toContain('rungate.CallExpired.v1')
    expect(faultsOf(story())).toStrictEqual([])
    expect(faultsOf(story().slice(3), false)).toStrictEqual([])
  })

  test.each([
    ['rungate.CallSettled.v1', { costUsd: '0.5' }, 'but its steps make'],
    ['rungate.CallReserved.v1', { held: { usd: '1000000', inputTokens: 1, outputTokens: 1 } }, 'set aside, of at most'],
  ] as const)('is not where %s says %j', (type, data, fault) => {
    expect(faultsOf(forged(type, data)).join('\n')).toContain(fault)
  })

  test('is not where a call ends twice', () => {
    const events = story()
    const twice: DeskEvent[] = []
    for (const event of events) twice.push(event, ...(event.type === 'rungate.CallSettled.v1' ? [event] : []))
    expect(faultsOf(twice).join('\n')).toContain('was settled without being open')
  })

  test('says nothing of a run whose beginning it has not read', () => {
    expect(
      faultsOf(forged('rungate.CallSettled.v1', { costUsd: '0.5' }).filter(({ type }) => !/RunStarted/.test(type))),
    ).toStrictEqual([])
  })
})
