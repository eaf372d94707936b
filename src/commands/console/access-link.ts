/** A link for an administrator: issued by whoever runs the installation. Its use is the start of a session. */
import type { AccessLinkEvent } from '../../events/console/access-link.ts'
import type { Aggregate } from '../decider.ts'
import { deterministicId } from '../identity.ts'
import { Rejected } from './rejection.ts'

export type AccessLinkFacts = Omit<AccessLinkEvent['data'], 'occurredAt'>

export type AccessLinkState = { status: 'absent' } | { status: 'issued'; facts: AccessLinkFacts }

export type AccessLinkCommand = { kind: 'issue'; facts: AccessLinkFacts; at: string }

/** The link that a token stands for, by the token's hash. */
export const linkIdOf = (tokenHash: string): string => deterministicId('console.accessLink', tokenHash)

export const accessLink: Aggregate<AccessLinkState, AccessLinkCommand, AccessLinkEvent> = {
  category: 'console.accessLink',
  initialState: { status: 'absent' },
  evolve(_, { data: { occurredAt: _at, ...facts } }) {
    return { status: 'issued', facts }
  },
  decide({ facts, at }, state) {
    if (state.status !== 'absent') throw new Rejected('concurrent_change', 'The link exists already.')
    return [{ type: 'console.AccessLinkIssued.v1', data: { ...facts, occurredAt: at } }]
  },
}
