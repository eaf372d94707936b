import { describe, expect, it } from 'vitest'
import { type FeedFacts, feed, grantedFeed } from '../../../src/commands/noctant/feed.ts'
import { Rejected } from '../../../src/commands/noctant/rejection.ts'
import type { FeedEvent } from '../../../src/events/noctant/feed.ts'
import { at, operatorFacts } from '../../support/examples/noctant.ts'
import { rejects, specify } from '../../support/given.ts'

const given = specify(feed)
const { operatorId } = operatorFacts
const facts: FeedFacts = {
  feedId: '5f000000-0000-4000-8000-000000000001',
  symbol: 'EURUSD',
  kind: 'candles',
  contentHash: 'fe'.repeat(32),
  rows: 1440,
  startsAt: '2026-01-05T00:00:00.000Z',
  endsAt: '2026-01-06T00:00:00.000Z',
}
const imported: FeedEvent = { type: 'noctant.FeedImported.v1', data: { ...facts, occurredAt: at(1) } }
const granted = (from: string, to: string): FeedEvent => ({
  type: 'noctant.FeedGranted.v1',
  data: { feedId: facts.feedId, operatorId, from, to, occurredAt: at(2) },
})
const noon = '2026-01-05T12:00:00.000Z'
const evening = '2026-01-05T18:00:00.000Z'

describe('importing', () => {
  const command = { kind: 'import', facts, at: at(1) } as const
  it('records the feed', () => {
    given([]).when(command).then([imported])
  })
  it('of the same content again writes nothing', () => {
    given([imported]).when(command).then([])
  })
  it('of other content, symbol or kind under the id is refused', () => {
    for (const other of [{ contentHash: 'aa'.repeat(32) }, { symbol: 'GBPUSD' }, { kind: 'ticks' as const }]) {
      given([imported])
        .when({ ...command, facts: { ...facts, ...other } })
        .then(rejects('feed_already_exists'))
    }
  })
})

describe('granting', () => {
  const grant = (from: string | null, to: string | null) =>
    ({ kind: 'grant', operatorId, from, to, at: at(2) }) as const
  it('without times gives all that the feed has', () => {
    given([imported])
      .when(grant(null, null))
      .then([granted(facts.startsAt, facts.endsAt)])
  })
  it('takes the place of an earlier grant', () => {
    given([imported, granted(facts.startsAt, facts.endsAt)])
      .when(grant(noon, null))
      .then([granted(noon, facts.endsAt)])
  })
  it('of the same again writes nothing', () => {
    given([imported, granted(noon, evening)])
      .when(grant(noon, evening))
      .then([])
  })
  it('of nothing is refused, as is one of a feed that does not exist', () => {
    given([imported]).when(grant(evening, noon)).then(rejects('market_range_invalid'))
    given([]).when(grant(null, null)).then(rejects('feed_not_found'))
  })
})

describe('a granted range', () => {
  const state = given([imported, granted(noon, '2030-01-01T00:00:00.000Z')]).state()
  const ask = (marketTimeStart: string, marketTimeEnd: string, of = operatorId) => {
    try {
      return grantedFeed(state, of, { marketTimeStart, marketTimeEnd }).feedId
    } catch (error) {
      return error instanceof Rejected ? [error.code, error.pointer] : error
    }
  }
  it('may be used whole and in part', () => {
    expect(ask(noon, facts.endsAt)).toBe(facts.feedId)
    expect(ask(evening, '2026-01-05T18:00:00.001Z')).toBe(facts.feedId)
  })
  it('ends where the grant or the feed does, to the millisecond', () => {
    expect(ask('2026-01-05T11:59:59.999Z', evening)).toStrictEqual(['feed_not_granted', '/market_time_start'])
    expect(ask(noon, '2026-01-06T00:00:00.001Z')).toStrictEqual(['feed_not_granted', '/market_time_end'])
  })
  it('is nobody else’s: to another operator the feed does not exist', () => {
    expect(ask(noon, evening, '0e5ac6ce-2d69-4f33-9dd0-6ab7f1d3b1c4')).toStrictEqual(['feed_not_found', undefined])
  })
})
