/** What firsthand's webhooks tell, by the event that it follows from. Bodies are made when they are sent. */
import type { PublishedEvent } from '../published.ts'
import type { WebhookEventType } from './webhook.ts'

const tells = (type: WebhookEventType, says: string): PublishedEvent => ({ type, says, fields: [] })

export const publishedEvents: ReadonlyMap<string, PublishedEvent> = new Map([
  ['firsthand.SubmissionApproved.v1', tells('submission.approved', 'A submission is approved and paid.')],
  ['firsthand.SubmissionRejected.v1', tells('submission.rejected', 'A submission is rejected.')],
  ['firsthand.JobCompleted.v1', tells('job.completed', 'All files of a job are approved.')],
  ['firsthand.JobCancelled.v1', tells('job.cancelled', 'A job was cancelled.')],
  [
    'firsthand.AutoTopUpFailed.v1',
    tells('billing.auto_top_up_failed', 'The card was declined for the last time; the automatic top-up is off.'),
  ],
])
