/**
 * What webhooks tell: the job as buyers see it now. It stands in no event, and is made of the read models whenever it is sent
 * or shown. Undefined where the read models do not show yet what the event tells.
 */
import type { WebhookEventType } from '../../events/firsthand/webhook.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { findJobs, type JobRow, jobObject } from './job.ts'

/** What an event tells of. */
export interface WebhookSubject {
  event_type: WebhookEventType
  job_id: string | null
}

/** The data of each of these events, in their order. One query for all of a kind. */
export async function webhookData(
  db: ReadModels,
  subjects: readonly WebhookSubject[],
): Promise<(object | undefined)[]> {
  const jobIds = [...new Set(subjects.flatMap(({ job_id }) => job_id ?? []))]
  const jobs = new Map((jobIds.length === 0 ? [] : await findJobs(db, jobIds)).map((row) => [row.job_id, row]))
  return subjects.map(({ event_type, job_id }) => {
    const row = job_id === null ? undefined : jobs.get(job_id)
    return row && isShown(row, event_type) ? jobObject(row) : undefined
  })
}

function isShown({ completed_at, cancelled_at }: JobRow, type: WebhookEventType): boolean {
  if (type === 'job.completed') return completed_at !== null
  return type !== 'job.cancelled' || cancelled_at !== null
}
