/** A release: uploaded, submitted by its creator, reviewed by others, and put on a channel. */
import type { ArcadeReleaseEvent, Channel, Visibility } from '../../events/killatamata/arcade.ts'
import type { Aggregate } from '../decider.ts'
import type { ReleaseFacts } from './arcade-game.ts'
import { Rejected } from './rejection.ts'

export type ReleaseStatus = 'draft' | 'submitted' | 'in_review' | 'approved' | 'rejected' | 'published'

export type ArcadeReleaseState =
  | { status: 'absent' }
  | {
      status: ReleaseStatus
      facts: ReleaseFacts
      /** Of the last reviewer. */
      notes: string | null
      /** Null: it was not. */
      submittedAt: string | null
    }
type Existing = Exclude<ArcadeReleaseState, { status: 'absent' }>

/** What a reviewer does. */
export type Review = { notes: string | null } & (
  | { action: 'send_to_review' | 'approve' | 'reject' }
  | { action: 'publish'; channel: Channel; visibility: Visibility }
)

export type ArcadeReleaseCommand =
  | { kind: 'upload'; facts: ReleaseFacts }
  | { kind: 'submit'; accountId: string; at: string }
  | { kind: 'review'; reviewerId: string; review: Review; at: string }

export const releaseNotFound = () => new Rejected('release_not_found', 'There is no such release.')

const conflict = ({ status }: Existing, action: string) =>
  new Rejected('release_state_conflict', `The release is ${status}; ${action} is not possible now.`)

const AFTER = {
  'killatamata.ReleaseSubmitted.v1': 'submitted',
  'killatamata.ReleaseReviewStarted.v1': 'in_review',
  'killatamata.ReleaseApproved.v1': 'approved',
  'killatamata.ReleaseRejected.v1': 'rejected',
  'killatamata.ReleasePublished.v1': 'published',
} as const

/** From where each is possible, and what it makes. */
const REVIEWS = {
  send_to_review: { from: ['submitted'], type: 'killatamata.ReleaseReviewStarted.v1' },
  approve: { from: ['submitted', 'in_review'], type: 'killatamata.ReleaseApproved.v1' },
  reject: { from: ['submitted', 'in_review'], type: 'killatamata.ReleaseRejected.v1' },
} as const

export const arcadeRelease: Aggregate<ArcadeReleaseState, ArcadeReleaseCommand, ArcadeReleaseEvent> = {
  category: 'killatamata.arcadeRelease',
  initialState: { status: 'absent' },

  evolve(state, event) {
    if (event.type === 'killatamata.ReleaseUploaded.v1') {
      return { status: 'draft', facts: event.data, notes: null, submittedAt: null }
    }
    if (state.status === 'absent') return state
    const now = { ...state, status: AFTER[event.type] }
    return event.type === 'killatamata.ReleaseSubmitted.v1'
      ? { ...now, submittedAt: event.data.occurredAt }
      : { ...now, notes: event.data.notes ?? state.notes }
  },

  decide(command, state) {
    if (command.kind === 'upload') {
      if (state.status !== 'absent') return []
      return [{ type: 'killatamata.ReleaseUploaded.v1', data: command.facts }]
    }
    if (state.status === 'absent') throw releaseNotFound()
    const { accountId, releaseId, gameId } = state.facts
    const of = { accountId, releaseId, gameId, occurredAt: command.at }
    switch (command.kind) {
      case 'submit': {
        if (command.accountId !== accountId) throw releaseNotFound()
        if (state.status !== 'draft') throw conflict(state, 'submitting it')
        return [{ type: 'killatamata.ReleaseSubmitted.v1', data: of }]
      }
      case 'review':
        return reviewed(of, state, command)
      default:
        return command satisfies never
    }
  },
}

type Of = { accountId: string; releaseId: string; gameId: string; occurredAt: string }

function reviewed(
  of: Of,
  state: Existing,
  { reviewerId, review }: Extract<ArcadeReleaseCommand, { kind: 'review' }>,
): ArcadeReleaseEvent[] {
  if (reviewerId === of.accountId) throw new Rejected('own_release', 'Somebody else has to review the release.')
  const { notes } = review
  if (review.action === 'publish') {
    if (state.status !== 'approved' && state.status !== 'published') throw conflict(state, 'publishing it')
    const { channel, visibility } = review
    return [{ type: 'killatamata.ReleasePublished.v1', data: { ...of, reviewerId, notes, channel, visibility } }]
  }
  const { from, type } = REVIEWS[review.action]
  if (!(from as readonly string[]).includes(state.status)) throw conflict(state, review.action)
  return [{ type, data: { ...of, reviewerId, notes } }]
}
