/** What auditors can check of firsthand, and what its things are known by. */
import type { AuditDeclarations } from '../declarations.ts'
import { walletBook } from './wallet-book.ts'
import { earningsBook, workBook } from './work-book.ts'

export const firsthandBooks: AuditDeclarations = {
  logBooks: [workBook],
  streamBooks: { 'firsthand.wallet': [walletBook], 'firsthand.worker': [earningsBook] },
  mentions: {
    'firsthand.OrganizationCreated.v1': { isCreation: true, names: ['name'] },
    'firsthand.JobPosted.v1': { isCreation: true },
    'firsthand.WorkerRegistered.v1': { isCreation: true },
    'firsthand.WebhookEndpointCreated.v1': { isCreation: true },
    'firsthand.WebhookEventCreated.v1': { isCreation: true },
  },
  // What a worker earns and does in a day is no organization's business, though events name its jobs.
  nobodys: ['firsthand.worker', 'firsthand.workerDay'],
  // A buyer sees nothing of a file that it has not paid for, its name neither.
  hidesPersons: true,
}
