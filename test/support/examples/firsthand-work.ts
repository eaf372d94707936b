/** Examples of what workers do in firsthand: a submission that is rejected, tried again and approved. */
import type { ContentHashEvent } from '../../../src/events/firsthand/content-hash.ts'
import type { FileEvent } from '../../../src/events/firsthand/file.ts'
import type { JobEvent } from '../../../src/events/firsthand/job.ts'
import type { SubmissionEvent } from '../../../src/events/firsthand/submission.ts'
import type { WorkerEvent } from '../../../src/events/firsthand/worker.ts'
import type { WorkerDayEvent } from '../../../src/events/firsthand/worker-day.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'

export type WorkStoryEvent =
  | Exclude<JobEvent, { type: 'firsthand.JobPosted.v1' | 'firsthand.JobCancelled.v1' }>
  | SubmissionEvent
  | FileEvent
  | ContentHashEvent
  | WorkerEvent
  | WorkerDayEvent

type Examples = { readonly [T in WorkStoryEvent['type']]: Extract<WorkStoryEvent, { type: T }>['data'] }

export interface WorkOn {
  organizationId: string
  environment: 'live'
  jobId: string
}

/** Work on a job that is posted. */
export function workExamples(timeAt: (seconds: number) => string, ofJob: WorkOn): Examples {
  const idOf = (prefix: string, name = '') => prefixedId(prefix, timeAt(0), `work ${name}`)
  const [workerId, submissionId] = [idOf('wkr'), idOf('sub')]
  const [firstClaim, secondClaim] = [idOf('clm', 'first'), idOf('clm', 'second')]
  const ofWorker = (seconds: number) => ({ workerId, occurredAt: timeAt(seconds) })
  const token = { tokenId: idOf('tok'), textId: '000FirsthandToken', tokenHash: 'ab'.repeat(32), hint: 'uvwx' }
  const seatAt = (seconds: number, attempt: number, openSeats: number) => ({
    ...ofJob,
    ...{ submissionId, workerId, claimId: attempt === 1 ? firstClaim : secondClaim, attempt },
    ...{ filesApproved: 0, openSeats, occurredAt: timeAt(seconds) },
  })
  const roundAt = (seconds: number) => ({
    ...ofJob,
    ...{ submissionId, workerId, attempt: 1, round: 1, occurredAt: timeAt(seconds) },
  })
  const fileId = idOf('file')
  const bytes = { sizeBytes: 48_211, sha256: 'cd'.repeat(32) }
  const picture = { width: 640, height: 480, durationSeconds: null }
  const reason = 'The picture is blurred: its sharpness is 12 and has to be 20.'
  return {
    'firsthand.WorkerRegistered.v1': { ...ofWorker(740), name: 'Wilma', email: 'wilma@example.com', synthetic: false },
    'firsthand.WorkerTokenIssued.v1': { ...ofWorker(741), ...token },
    'firsthand.WorkerTokenRevoked.v1': { ...ofWorker(742), tokenId: token.tokenId, reason: 'lost' },
    'firsthand.WorkerSuspended.v1': { ...ofWorker(743), reason: 'under review' },
    'firsthand.WorkerResumed.v1': { ...ofWorker(744), reason: null },
    'firsthand.SubmissionSlotTaken.v1': {
      ...ofWorker(750),
      ...{ date: timeAt(750).slice(0, 10), claimId: firstClaim, jobId: ofJob.jobId, taken: 1 },
    },
    'firsthand.SeatClaimed.v1': { ...seatAt(750, 1, 1), expiresAt: timeAt(2_550) },
    'firsthand.UploadStored.v1': {
      ...ofJob,
      ...{ submissionId, workerId, attempt: 1, claimId: firstClaim, uploadId: idOf('upl'), fileId, ...bytes },
      ...{ objectKey: `originals/live/${ofJob.organizationId}/${ofJob.jobId}/${fileId}`, contentType: 'image/jpeg' },
      ...{ filename: 'door.jpg', occurredAt: timeAt(760) },
    },
    'firsthand.SubmissionReceived.v1': { ...seatAt(760, 1, 1), round: 1, fileId },
    'firsthand.ScoringFailed.v1': {
      ...roundAt(761),
      ...{ step: 'original', fault: 'the original is missing', failures: 1, dueAt: timeAt(771) },
    },
    'firsthand.ScoringResumed.v1': roundAt(770),
    'firsthand.InspectionFinished.v1': {
      ...roundAt(771),
      ...{ fileId, contentType: 'image/jpeg', sha256: bytes.sha256, ...picture, perceptualHash: 'f0e1d2c3b4a59687' },
      ...{ figures: { variance: 12.5, mean: 118, deviation: 41 }, fault: null },
    },
    'firsthand.ContentClaimed.v1': {
      ...{ ...ofJob, sha256: bytes.sha256, submissionId, workerId, occurredAt: timeAt(771) },
    },
    'firsthand.ScoreGiven.v1': { ...roundAt(772), stars: 2, reason, cause: 'score', scoredBy: 'inspection' },
    'firsthand.SubmissionRejected.v1': {
      ...seatAt(772, 1, 0),
      ...{ round: 1, fileId, reason, stars: 2, cause: 'score' },
    },
    'firsthand.RetryClaimed.v1': { ...seatAt(780, 2, 1), expiresAt: timeAt(2_580) },
    'firsthand.SeatReleased.v1': { ...seatAt(781, 2, 0), cause: 'given_back' },
    'firsthand.DeliveryCopyStored.v1': {
      ...roundAt(790),
      ...{ fileId, contentType: 'image/jpeg', sizeBytes: 45_007, sha256: 'ef'.repeat(32), ...picture },
      objectKey: `files/live/${ofJob.organizationId}/${ofJob.jobId}/${fileId}`,
    },
    'firsthand.SubmissionApproved.v1': {
      ...seatAt(791, 2, 0),
      ...{ filesApproved: 1, round: 2, fileId, reason: 'The picture is sharp.', stars: 5 },
      ...{ perceptualHash: 'f0e1d2c3b4a59687', payoutCents: '20' },
    },
    'firsthand.FileRemoved.v1': {
      ...{ ...ofJob, submissionId, fileId, copy: 'original', keptFor: 'nothing', occurredAt: timeAt(795) },
      objectKey: `originals/live/${ofJob.organizationId}/${ofJob.jobId}/${fileId}`,
    },
    'firsthand.JobCompleted.v1': { ...ofJob, filesApproved: 1, occurredAt: timeAt(791) },
    'firsthand.EarningCredited.v1': {
      ...ofWorker(791),
      ...{ submissionId, jobId: ofJob.jobId, amountCents: '20', balanceCents: '20', approvedCount: 1 },
    },
    'firsthand.WorkerForgotten.v1': { ...ofWorker(900), reference: 'DSR-8' },
    'firsthand.EarningsPaid.v1': { ...ofWorker(800), amountCents: '15', balanceCents: '5', reference: 'transfer 7' },
  }
}

const STREAMS: readonly (readonly [RegExp, string, (data: Record<string, unknown>) => unknown])[] = [
  [/\.(Upload|Inspection|Scor|DeliveryCopy)/, 'submission', (data) => data.submissionId],
  [/\.File/, 'file', (data) => data.fileId],
  [/\.Content/, 'contentHash', ({ environment, sha256 }) => `${environment}_${sha256}`],
  [/\.SubmissionSlot/, 'workerDay', ({ workerId, date }) => `${workerId}_${date}`],
  [/\.(Worker|Earning)/, 'worker', (data) => data.workerId],
  [/\.(Job|Seat|Retry|Submission)/, 'job', (data) => data.jobId],
]

/** The stream of an event of workers' or of a job's; undefined for others. */
export function workStreamOf({ type, data }: { type: string; data: Record<string, unknown> }): string | undefined {
  const found = STREAMS.find(([pattern]) => pattern.test(type))
  return found && `firsthand.${found[1]}-${found[2](data)}`
}
