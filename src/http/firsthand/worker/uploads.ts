/** A worker's upload: the link that its bytes are sent to, and their submission. The API and the hosted page share it. */
import { z } from '@hono/zod-openapi'
import { safeFilename } from '../../../adapters/object-store/content-disposition.ts'
import { ObjectMissing, type PutLink } from '../../../adapters/object-store/object-store.ts'
import { openClaimOf, receiveUpload, submitUpload } from '../../../commands/firsthand/claiming.ts'
import { job } from '../../../commands/firsthand/job.ts'
import { originalKeyOf, uploadKeyOf } from '../../../commands/firsthand/object-keys.ts'
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import { submission } from '../../../commands/firsthand/submission.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import type { JobFacts } from '../../../events/firsthand/job.ts'
import { format } from '../../../events/firsthand/vocabulary.ts'
import { prefixedId } from '../../../runtime/ulid.ts'
import type { Handled } from '../../answers.ts'
import type { Sealer } from '../../cursor.ts'
import { invalid } from '../../errors.ts'
import { boundedText } from '../../schemas.ts'
import type { FirsthandParts } from '../access.ts'
import { ownClaim, ownSubmission } from './own.ts'
import { declaredIn, uploadIdOf } from './upload-ids.ts'
import { bytesMaxOf } from './upload-limits.ts'
import { postedJobOf, type SubmissionFacts } from './views.ts'

const FILENAME_MAX = 255
/** Of a file of any format. */
const BYTES_MAX = Math.max(...format.options.map(bytesMaxOf))

export const declaration = z
  .object({
    content_type: format,
    size_bytes: z.int().min(1).max(BYTES_MAX),
    filename: boundedText(FILENAME_MAX).optional(),
  })
  .openapi('StartUpload')

type Declared = z.output<typeof declaration>

/** What a worker's request works with. */
export interface Asking extends Pick<FirsthandParts, 'bus' | 'db' | 'objects'> {
  sealer: Sealer
  principal: { workerId: string }
  command: CommandContext
}

/** The declared file as the job takes it. Throws a Problem (422) where it does not. */
function fitting(body: Declared, accepted: JobFacts['acceptedFormats']) {
  const contentType = accepted.find((each) => each === body.content_type)
  if (contentType === undefined) {
    throw invalid('/content_type', 'format_not_accepted', `The job takes ${accepted.join(', ')}.`)
  }
  const bytesMax = bytesMaxOf(contentType)
  if (body.size_bytes > bytesMax) {
    throw invalid('/size_bytes', 'too_big', `A file of ${contentType} has at most ${bytesMax} bytes.`)
  }
  const filename = body.filename === undefined ? null : safeFilename(body.filename)
  return { contentType, sizeBytes: body.size_bytes, filename }
}

/** A link for one file of this claim, good until the claim lapses. Any number may be asked for; one is submitted. */
export async function linkFor(
  { bus, db, objects, sealer, principal, command }: Asking,
  claimId: string,
  body: Declared,
): Promise<PutLink & { uploadId: string; expiresAt: string }> {
  const claim = await ownClaim(db, principal, claimId)
  const state = postedJobOf(await bus.current(job, claim.job_id))
  const { expiresAt } = openClaimOf(state, claimId, command.at)
  const declared = fitting(body, state.facts.acceptedFormats)
  const objectId = prefixedId('upl', command.at, command.commandId)
  const { contentType, sizeBytes } = declared
  const key = uploadKeyOf(state.facts, objectId)
  const { url, headers } = objects.putLink({ key, contentType, sizeBytes, expiresAt: new Date(expiresAt) })
  return { url, headers, expiresAt, uploadId: uploadIdOf(sealer, claimId, { objectId, ...declared }) }
}

const nothingThere = () => new Rejected('upload_missing', 'No file has arrived under this upload.')

/**
 * Submits the file that has arrived. The bytes are read once, hashed and copied to a key without a link; everything after
 * works on the copy, so that what is scored is not what somebody swaps in later. A repeat answers the submission as it is.
 */
export async function submitFor(
  asking: Asking,
  claimId: string,
  uploadId: string,
): Promise<{ shown: SubmissionFacts; handled: Handled }> {
  const { bus, db, principal, command } = asking
  const claim = await ownClaim(db, principal, claimId)
  const { submission_id, job_id, attempt } = claim
  const stored = await bus.current(submission, submission_id)
  const pending = { submission_id, job_id, attempt, status: 'pending_score' as const }
  const shown = { ...pending, stars: null, reason: null, cause: null, payout_cents: null }
  if (stored.status === 'absent' || stored.upload.attempt < attempt) {
    const upload = await arrived(asking, claim, uploadId)
    return { shown, handled: await submitUpload(bus, upload, command) }
  }
  if (claim.status !== 'submitted') return { shown, handled: await receiveUpload(bus, stored, command) }
  const row = await ownSubmission(db, principal, submission_id)
  return { shown: row, handled: { position: undefined, replayed: false } }
}

/** The bytes of this upload, copied, as an event tells of them. Throws Rejected where nothing has arrived. */
async function arrived(
  { bus, objects, sealer, command }: Asking,
  claim: Awaited<ReturnType<typeof ownClaim>>,
  uploadId: string,
) {
  const { claim_id: claimId, submission_id: submissionId, job_id: jobId, worker_id: workerId, attempt } = claim
  const declared = declaredIn(sealer, claimId, uploadId)
  if (!declared) throw nothingThere()
  const state = postedJobOf(await bus.current(job, jobId))
  openClaimOf(state, claimId, command.at)
  const { organizationId, environment } = state.facts
  const { objectId, contentType, filename } = declared
  const fileId = prefixedId('file', claim.claimed_at, `${submissionId} ${objectId}`)
  const objectKey = originalKeyOf(state.facts, fileId)
  const bytes = await objects.copy(uploadKeyOf(state.facts, objectId), objectKey).catch((error: unknown) => {
    throw error instanceof ObjectMissing ? nothingThere() : error
  })
  return {
    ...{ organizationId, environment, jobId, submissionId, workerId, attempt, claimId },
    ...{ uploadId: objectId, fileId, objectKey, contentType, ...bytes, filename, occurredAt: command.at },
  }
}
