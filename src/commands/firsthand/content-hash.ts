/** The first submission of some bytes, in an environment. Another submission of the same bytes is a duplicate. */
import type { ContentHashEvent } from '../../events/firsthand/content-hash.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { Aggregate } from '../decider.ts'

export type ContentHashState = { submissionId: string | null }

export interface ClaimContent {
  content: Omit<ContentHashEvent['data'], 'occurredAt'>
  at: string
}

/** The id of its stream. */
export const contentHashIdOf = ({ environment, sha256 }: { environment: Environment; sha256: string }): string =>
  `${environment}_${sha256}`

/** The state after a command names the submission that the bytes belong to, be it this one or an earlier one. */
export const contentHash: Aggregate<ContentHashState, ClaimContent, ContentHashEvent> = {
  category: 'firsthand.contentHash',
  initialState: { submissionId: null },
  evolve: (_, event) => ({ submissionId: event.data.submissionId }),
  decide: ({ content, at }, { submissionId }) =>
    submissionId === null ? [{ type: 'firsthand.ContentClaimed.v1', data: { ...content, occurredAt: at } }] : [],
}
