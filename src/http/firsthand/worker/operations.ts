/** What workers can do, in the order in which they do it. */
import type { Operation } from '../../operation.ts'
import type { FirsthandParts } from '../access.ts'
import { claimSeat } from './claim-seat.ts'
import { getSubmission } from './get-submission.ts'
import { giveBackClaim } from './give-back.ts'
import { listEarnings } from './list-earnings.ts'
import { listJobs } from './list-jobs.ts'
import { retrySubmission } from './retry-submission.ts'
import { startUpload } from './start-upload.ts'
import { submitClaim } from './submit-upload.ts'

export const workerOperations: readonly Operation<FirsthandParts>[] = [
  ...[listJobs, claimSeat, startUpload, submitClaim, giveBackClaim],
  ...[getSubmission, retrySubmission, listEarnings],
]
