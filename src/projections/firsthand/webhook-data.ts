/**
 * What webhooks tell: the job or submission as buyers see it, or the top-up that failed. It stands in no event, and is made
 * of the read models whenever it is sent or shown. Undefined where the read models do not show yet what the event tells.
 */
import type { Verdict, WebhookEventType } from '../../events/firsthand/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { type LinkTo, submissionObject } from './file.ts'
import { findJobs, type JobRow, jobObject } from './job.ts'
import { findTopUps, type TopUpRow } from './purchase.ts'
import { type FileRow, findApprovedFiles, findSubmissions, type SubmissionRow } from './submission.ts'
import type { WebhookEventRow } from './webhook.ts'

/** What an event tells of. */
export interface WebhookSubject {
  eventType: WebhookEventType
  jobId: string | null
  submissionId: string | null
  verdict: Verdict | null
  topUpId: string | null
  createdAt: string
}

/** What is kept of it in the read model. */
export const subjectOf = (row: WebhookEventRow): WebhookSubject => ({
  ...{ eventType: row.event_type, jobId: row.job_id, submissionId: row.submission_id, topUpId: row.top_up_id },
  verdict: row.reason === null ? null : { stars: row.stars, reason: row.reason },
  createdAt: row.created_at,
})

interface Known {
  jobs: ReadonlyMap<string, JobRow>
  submissions: ReadonlyMap<string, SubmissionRow>
  files: ReadonlyMap<string, FileRow>
  topUps: ReadonlyMap<string, TopUpRow>
}

/** The data of each of these events, in their order. One query for all of a kind. */
export async function webhookData(
  db: ReadModels,
  subjects: readonly WebhookSubject[],
  linkTo: LinkTo,
): Promise<(object | undefined)[]> {
  const isOf = (name: string) => (subject: WebhookSubject) => subject.eventType.startsWith(name)
  const ids = (name: string, idOf: (subject: WebhookSubject) => string | null) => [
    ...new Set(subjects.filter(isOf(name)).flatMap((subject) => idOf(subject) ?? [])),
  ]
  const [jobs, submissions, topUps] = await Promise.all([
    findJobs(
      db,
      ids('job.', ({ jobId }) => jobId),
    ),
    findSubmissions(
      db,
      ids('submission.', ({ submissionId }) => submissionId),
    ),
    findTopUps(
      db,
      ids('billing.', ({ topUpId }) => topUpId),
    ),
  ])
  const approved = submissions.filter(({ status }) => status === 'approved').map(({ file_id }) => file_id)
  const files = await findApprovedFiles(db, approved)
  const known: Known = {
    jobs: new Map(jobs.map((row) => [row.job_id, row])),
    submissions: new Map(submissions.map((row) => [row.submission_id, row])),
    files: new Map(files.map((row) => [row.file_id, row])),
    topUps: new Map(topUps.map((row) => [row.top_up_id, row])),
  }
  return subjects.map((subject) => dataOf(subject, known, linkTo))
}

function dataOf(subject: WebhookSubject, known: Known, linkTo: LinkTo): object | undefined {
  const { eventType, jobId, submissionId, topUpId } = subject
  switch (eventType) {
    case 'job.completed':
    case 'job.cancelled': {
      const row = known.jobs.get(jobId ?? '')
      const endedAt = eventType === 'job.completed' ? row?.completed_at : row?.cancelled_at
      return row && endedAt ? jobObject(row) : undefined
    }
    case 'submission.approved': {
      const row = known.submissions.get(submissionId ?? '')
      return row?.status === 'approved' ? submissionObject(row, known.files.get(row.file_id), linkTo) : undefined
    }
    case 'submission.rejected': {
      const row = known.submissions.get(submissionId ?? '')
      return row && submissionObject(rejected(row, subject), undefined, linkTo)
    }
    case 'billing.auto_top_up_failed': {
      const row = known.topUps.get(topUpId ?? '')
      return row?.status === 'failed' ? topUpObject(row) : undefined
    }
    default:
      return eventType satisfies never
  }
}

/** As it was then: its worker may have taken another attempt since. */
const rejected = (row: SubmissionRow, { verdict, createdAt }: WebhookSubject): SubmissionRow => {
  const { stars, reason } = verdict ?? { stars: null, reason: null }
  return { ...row, status: 'rejected', stars, reason, scored_at: stars === null ? null : createdAt }
}

const topUpObject = (row: TopUpRow) => ({
  ...{ id: row.top_up_id, object: 'auto_top_up', organization_id: row.organization_id, currency: 'usd' },
  ...{ amount_cents: Number(row.amount_cents), attempts: row.attempts, reason: row.reason, created_at: row.due_at },
})
