/**
 * The admin tokens of an account that have a place, and which of them made which. A token has its place until it, and all that
 * was made with it, has ended: so a leaked one takes along what was made with it, though it has come to its own end before.
 */
import type { AdminTokenPlaceEvent } from '../../events/rungate/admin-token.ts'
import type { Author } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

interface Place {
  /** The token that asked for it; null: a person, or the registration. */
  madeBy: string | null
  expiresAt: string | null
}
/** By token; at most as many as an account may have. */
export type TokenPlaces = ReadonlyMap<string, Place>

interface Asked {
  accountId: string
  tokenId: string
  at: string
}
export type TokenPlaceCommand =
  | (Asked & Place & { kind: 'take'; tokensMax: number })
  /** Of the token and of what was made with it. */
  | (Asked & { kind: 'free'; author: Author })

export const tokenPlaces: Aggregate<TokenPlaces, TokenPlaceCommand, AdminTokenPlaceEvent> = {
  category: 'rungate.adminTokens',
  initialState: new Map(),

  evolve(places, event) {
    const { tokenId } = event.data
    if (event.type === 'rungate.AdminTokenPlaceTaken.v1') {
      const { madeBy, expiresAt, occurredAt } = event.data
      return new Map(placesHeld(places, occurredAt)).set(tokenId, { madeBy, expiresAt })
    }
    const { madeBy = null } = places.get(tokenId) ?? {}
    const others = [...places].filter(([id]) => id !== tokenId)
    // What was made with it and stays belongs to whoever it was made with.
    return new Map(others.map(([id, place]) => [id, place.madeBy === tokenId ? { ...place, madeBy } : place]))
  },

  decide(command, places) {
    const { accountId, tokenId, at: occurredAt } = command
    const of = { accountId, occurredAt }
    switch (command.kind) {
      case 'take': {
        const { madeBy, expiresAt, tokensMax } = command
        if (places.has(tokenId)) return []
        if (placesHeld(places, occurredAt).size >= tokensMax) {
          const detail = `The account has ${tokensMax} admin tokens already; revoke one first, or wait for one to end.`
          throw new Rejected('admin_token_limit_reached', detail)
        }
        return [{ type: 'rungate.AdminTokenPlaceTaken.v1', data: { ...of, tokenId, madeBy, expiresAt } }]
      }
      case 'free': {
        const { author } = command
        const line = [...(places.has(tokenId) ? [tokenId] : []), ...madeWith(places, tokenId, author.tokenId)]
        return line.map((id) => ({ type: 'rungate.AdminTokenPlaceFreed.v1', data: { ...of, tokenId: id, author } }))
      }
      default:
        return command satisfies never
    }
  },
}

/** Without those that have ended, and have made none that works. */
function placesHeld(places: TokenPlaces, at: string): TokenPlaces {
  let held = places
  for (;;) {
    const makers = new Set(held.values().map(({ madeBy }) => madeBy))
    const next = new Map(
      [...held].filter(([id, { expiresAt }]) => expiresAt === null || expiresAt > at || makers.has(id)),
    )
    if (next.size === held.size) return held
    held = next
  }
}

/** What was made with the token, and with that, the nearest first; without `spared`, and without what was made with that. */
function madeWith(places: TokenPlaces, tokenId: string, spared: string | null): string[] {
  const found = [tokenId]
  for (const maker of found) {
    for (const [id, { madeBy }] of places) if (madeBy === maker && id !== spared) found.push(id)
  }
  return found.slice(1)
}
