/** A game of the arcade, the slug that is its own, and the versions of its releases: each is taken once, by one game or release. */
import type { ArcadeGameEvent, ArcadeSlugEvent } from '../../events/killatamata/arcade.ts'
import type { Aggregate } from '../decider.ts'
import { Rejected } from './rejection.ts'

export type GameFacts = ArcadeSlugEvent['data']
export type ReleaseFacts = Extract<ArcadeGameEvent, { type: 'killatamata.ReleaseAdded.v1' }>['data']

export interface ArcadeSlugState {
  /** Null: nobody's. */
  facts: GameFacts | null
}

export const arcadeSlug: Aggregate<ArcadeSlugState, { kind: 'claim'; facts: GameFacts }, ArcadeSlugEvent> = {
  category: 'killatamata.arcadeSlug',
  initialState: { facts: null },

  evolve: (_, { data }) => ({ facts: data }),

  decide({ facts }, state) {
    if (state.facts?.gameId === facts.gameId) return []
    if (state.facts) throw slugTaken()
    return [{ type: 'killatamata.SlugClaimed.v1', data: facts }]
  },
}

const slugTaken = () => new Rejected('slug_taken', 'Another game has this slug.', '/slug')

export type ArcadeGameState =
  | { status: 'absent' }
  | {
      status: 'created'
      facts: GameFacts
      /** Version → release. */
      versions: ReadonlyMap<string, string>
    }

export type ArcadeGameCommand = { kind: 'create'; facts: GameFacts } | { kind: 'add'; facts: ReleaseFacts }

export const gameNotFound = () => new Rejected('game_not_found', 'There is no such game.')

export const arcadeGame: Aggregate<ArcadeGameState, ArcadeGameCommand, ArcadeGameEvent> = {
  category: 'killatamata.arcadeGame',
  initialState: { status: 'absent' },

  evolve(state, event) {
    switch (event.type) {
      case 'killatamata.GameCreated.v1':
        return { status: 'created', facts: event.data, versions: new Map() }
      case 'killatamata.ReleaseAdded.v1': {
        if (state.status === 'absent') return state
        const { version, releaseId } = event.data
        return { ...state, versions: new Map(state.versions).set(version, releaseId) }
      }
      default:
        return event satisfies never
    }
  },

  decide(command, state) {
    if (command.kind === 'create') {
      if (state.status !== 'absent') return []
      return [{ type: 'killatamata.GameCreated.v1', data: command.facts }]
    }
    const { facts } = command
    if (state.status === 'absent' || state.facts.accountId !== facts.accountId) throw gameNotFound()
    if (isAdded(state, facts)) return []
    requireNewVersion(state, facts.version)
    return [{ type: 'killatamata.ReleaseAdded.v1', data: facts }]
  },
}

/** Whether the version is that of this very release. */
export const isAdded = (state: ArcadeGameState, { version, releaseId }: Pick<ReleaseFacts, 'version' | 'releaseId'>) =>
  state.status !== 'absent' && state.versions.get(version) === releaseId

/** Throws version_exists. */
export function requireNewVersion(state: ArcadeGameState, version: string): void {
  if (state.status === 'absent' || !state.versions.has(version)) return
  throw new Rejected('version_exists', `The game has a release ${version} already.`, '/manifestJson')
}
