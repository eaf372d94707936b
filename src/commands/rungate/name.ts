/**
 * A name within an account, compared without case: who has it. It is claimed before its owner is made or renamed, and
 * released when the owner has another one or is no more.
 */
import { folded, type NameClaim, type NameEvent } from '../../events/rungate/name.ts'
import type { NameKind } from '../../events/rungate/vocabulary.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'

export type NameState = { status: 'free' } | { status: 'taken'; ownerId: string }

export type NameCommand = { kind: 'claim'; claim: NameClaim } | { kind: 'release'; claim: Omit<NameClaim, 'creation'> }

export const nameIdOf = (accountId: string, kind: NameKind, name: string): string =>
  deterministicId('rungate.name', accountId, kind, folded(name))

export const nameTaken = (of: string) => new Rejected('name_taken', `The name ${of} is taken.`, '/name')

export const name: Aggregate<NameState, NameCommand, NameEvent> = {
  category: 'rungate.name',
  initialState: { status: 'free' },

  evolve(_, event) {
    switch (event.type) {
      case 'rungate.NameClaimed.v1':
        return { status: 'taken', ownerId: event.data.ownerId }
      case 'rungate.NameReleased.v1':
        return { status: 'free' }
      default:
        return event satisfies never
    }
  },

  decide({ kind, claim }, state) {
    const isOwners = state.status === 'taken' && state.ownerId === claim.ownerId
    if (kind === 'release') return isOwners ? [{ type: 'rungate.NameReleased.v1', data: claim }] : []
    if (isOwners) return []
    if (state.status === 'taken') throw nameTaken(claim.name)
    return [{ type: 'rungate.NameClaimed.v1', data: claim }]
  },
}
