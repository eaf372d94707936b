/** PATCH arcade/releases/submit, GET arcade/review/queue and PATCH arcade/review/release: from a draft to a channel. */
import { z } from '@hono/zod-openapi'
import { arcadeRelease, type Review, releaseNotFound } from '../../../commands/killatamata/arcade-release.ts'
import { channel, visibility } from '../../../events/killatamata/arcade.ts'
import { listReviewQueue } from '../../../projections/killatamata/arcade.ts'
import { isPrefixedId } from '../../../runtime/ulid.ts'
import { json } from '../../answers.ts'
import { invalid } from '../../errors.ts'
import { boundedText } from '../../schemas.ts'
import { accountKey, change, read } from '../access.ts'
import { requestKey } from '../request-key.ts'
import { requireReviewer } from './reviewers.ts'
import { queuedShown, releaseAnswer, releaseRowView, releaseView } from './views.ts'

const ID_LENGTH_MAX = 64
const NOTES_LENGTH_MAX = 4_000
const QUEUE_MAX = 500
const releaseId = boundedText(ID_LENGTH_MAX)

function requireReleaseId(given: string): void {
  if (!isPrefixedId('rel', given)) throw releaseNotFound()
}

export const submitArcadeRelease = change({
  method: 'patch',
  path: '/api/v1/arcade/releases/submit',
  id: 'submitArcadeRelease',
  tags: ['arcade'],
  summary: 'Submit a draft arcade release for manual review',
  description:
    'Its creator’s alone, and once: a release that is no draft any more is 409. A repeat under the same key is answered like the first.',
  access: accountKey,
  key: requestKey,
  body: z.object({ releaseId }),
  answers: { 200: json(releaseAnswer, 'The release waits for its review.') },
  refuses: ['release_not_found', 'release_state_conflict'],
  async handle({ bus, apiUrl, principal: { accountId }, body, command }) {
    requireReleaseId(body.releaseId)
    const submit = { kind: 'submit', accountId, at: command.at } as const
    const handled = await bus.handle(arcadeRelease, body.releaseId, submit, command)
    const { state } = handled
    if (state.status === 'absent') throw releaseNotFound()
    const release = releaseView(apiUrl(), state)
    return { status: 200, body: { ok: true as const, release }, handled }
  },
})

export const listArcadeReviewQueue = read({
  path: '/api/v1/arcade/review/queue',
  id: 'listArcadeReviewQueue',
  tags: ['arcade'],
  summary: 'List arcade releases awaiting admin review',
  description: 'The longest waiting first, 500 at most. For accounts that may review.',
  access: accountKey,
  isList: true,
  answer: json(
    z.object({ ok: z.literal(true), releases: z.array(queuedShown) }).openapi('ArcadeReviewQueueResponse'),
    'The releases.',
  ),
  refuses: ['admin_required'],
  async handle({ bus, db, apiUrl, principal: { accountId } }) {
    await requireReviewer(bus, accountId)
    const rows = await listReviewQueue(db, QUEUE_MAX)
    const releases = rows.map((row) => ({ ...releaseRowView(apiUrl(), row), slug: row.slug, title: row.title }))
    return { ok: true as const, releases }
  },
})

const reviewRequest = z.object({
  releaseId,
  action: z.enum(['send_to_review', 'approve', 'reject', 'publish']),
  notes: boundedText(NOTES_LENGTH_MAX).optional(),
  channel: channel.optional(),
  visibility: visibility.optional(),
})

/** Where the reviewer names none. */
const USUAL_VISIBILITY = { live: 'public', dev: 'owner_only' } as const

/** Throws a Problem (400) where the action lacks what it needs. */
function reviewOf({ action, notes, ...on }: z.output<typeof reviewRequest>): Review {
  if (action === 'publish') {
    if (on.channel === undefined) throw invalid('/channel', 'required', 'Name the channel to publish on.')
    const seen = on.visibility ?? USUAL_VISIBILITY[on.channel]
    return { action, notes: notes ?? null, channel: on.channel, visibility: seen }
  }
  if (action === 'reject' && (notes === undefined || notes.trim() === '')) {
    throw invalid('/notes', 'required', 'Say why it is rejected.')
  }
  return { action, notes: notes ?? null }
}

export const reviewArcadeRelease = change({
  method: 'patch',
  path: '/api/v1/arcade/review/release',
  id: 'reviewArcadeRelease',
  tags: ['arcade'],
  summary: 'Advance, approve, reject, or assign an arcade release to dev/live',
  description: 'For accounts that may review, and not for releases of their own.',
  access: accountKey,
  key: requestKey,
  body: reviewRequest,
  answers: { 200: json(releaseAnswer, 'The release as it is now.') },
  refuses: ['admin_required', 'own_release', 'release_not_found', 'release_state_conflict'],
  async handle({ bus, apiUrl, principal: { accountId: reviewerId }, body, command }) {
    await requireReviewer(bus, reviewerId)
    const review = reviewOf(body)
    requireReleaseId(body.releaseId)
    const order = { kind: 'review', reviewerId, review, at: command.at } as const
    const handled = await bus.handle(arcadeRelease, body.releaseId, order, command)
    const { state } = handled
    if (state.status === 'absent') throw releaseNotFound()
    const release = releaseView(apiUrl(), state)
    return { status: 200, body: { ok: true as const, release }, handled }
  },
})
