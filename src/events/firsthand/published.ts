/** What firsthand's webhooks tell, by the event that it follows from. Bodies are made when they are sent. */
import type { PublishedEvent } from '../published.ts'
import type { WebhookEventType } from './webhook.ts'

const tells = (type: WebhookEventType, says: string): PublishedEvent => ({ type, says, fields: [] })

export const publishedEvents: ReadonlyMap<string, PublishedEvent> = new Map([
  ['firsthand.JobCompleted.v1', tells('job.completed', 'All files of a job are approved.')],
  ['firsthand.JobCancelled.v1', tells('job.cancelled', 'A job was cancelled.')],
])
