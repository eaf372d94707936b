/**
 * A historical feed: imported once, its content fixed by a hash, and granted to operators, each for a range of market
 * time. A later grant to the same operator takes the place of the earlier one.
 */
import type { EventOf } from '../../events/event.ts'
import type { FeedEvent, feedEvents } from '../../events/noctant/feed.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

type Imported = Extract<EventOf<typeof feedEvents>, { type: 'noctant.FeedImported.v1' }>['data']
export type FeedFacts = Omit<Imported, 'occurredAt'>

/** Market time that an operator may use. */
export interface FeedGrant {
  /** Inclusive. */
  from: string
  /** Exclusive. */
  to: string
}

export type FeedState =
  | { status: 'absent' }
  | { status: 'imported'; facts: FeedFacts; grants: ReadonlyMap<string, FeedGrant> }

export type FeedCommand =
  | { kind: 'import'; facts: FeedFacts; at: string }
  /** Without `from` and `to`: all that the feed has. */
  | { kind: 'grant'; operatorId: string; from: string | null; to: string | null; at: string }

export const feed: Aggregate<FeedState, FeedCommand, FeedEvent> = {
  category: 'noctant.feed',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'noctant.FeedImported.v1': {
        const { occurredAt: _, ...facts } = event.data
        return { status: 'imported', facts, grants: new Map() }
      }
      case 'noctant.FeedGranted.v1': {
        if (state.status === 'absent') return state
        const { operatorId, from, to } = event.data
        return { ...state, grants: new Map(state.grants).set(operatorId, { from, to }) }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'import') {
      const { facts, at } = command
      if (state.status === 'absent') return [{ type: 'noctant.FeedImported.v1', data: { ...facts, occurredAt: at } }]
      const { contentHash, symbol, kind } = state.facts
      if (contentHash === facts.contentHash && symbol === facts.symbol && kind === facts.kind) return []
      throw new Rejected('feed_already_exists', 'The feed has other content; import this under another id.')
    }
    if (state.status === 'absent') throw new Rejected('feed_not_found', 'There is no such feed.')
    const { feedId, startsAt, endsAt } = state.facts
    const grant = { from: command.from ?? startsAt, to: command.to ?? endsAt }
    if (grant.from >= grant.to) throw new Rejected('market_range_invalid', 'A grant begins before it ends.')
    const known = state.grants.get(command.operatorId)
    if (known?.from === grant.from && known.to === grant.to) return []
    const data = { feedId, operatorId: command.operatorId, ...grant, occurredAt: command.at }
    return [{ type: 'noctant.FeedGranted.v1', data }]
  },
}

/**
 * The feed, where the operator may use all of the range. Rejects with feed_not_found for a feed that it may not use at
 * all, and with feed_not_granted where the range goes beyond its grant or the feed.
 */
export function grantedFeed(
  state: FeedState,
  operatorId: string,
  range: { marketTimeStart: string; marketTimeEnd: string },
): FeedFacts {
  const grant = state.status === 'absent' ? undefined : state.grants.get(operatorId)
  if (state.status === 'absent' || !grant) throw new Rejected('feed_not_found', 'The operator has no such feed.')
  const { startsAt, endsAt } = state.facts
  const from = grant.from > startsAt ? grant.from : startsAt
  const to = grant.to < endsAt ? grant.to : endsAt
  if (range.marketTimeStart < from || range.marketTimeEnd > to) {
    const pointer = range.marketTimeStart < from ? '/market_time_start' : '/market_time_end'
    throw new Rejected('feed_not_granted', `The operator may use this feed from ${from} to ${to}.`, pointer)
  }
  return state.facts
}
