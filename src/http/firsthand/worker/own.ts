/** What is a worker's own. Another's is refused like what does not exist. */
import { Rejected } from '../../../commands/firsthand/rejection.ts'
import { submissionNotFound } from '../../../commands/firsthand/submission.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { type ClaimRow, findClaim } from '../../../projections/firsthand/claim.ts'
import { findWorkersSubmission, type SubmissionRow } from '../../../projections/firsthand/submission.ts'
import type { WorkerPrincipal } from './access.ts'

/** Throws Rejected where the worker has no such claim. */
export async function ownClaim(
  db: ReadModels,
  { workerId }: Pick<WorkerPrincipal, 'workerId'>,
  claimId: string,
): Promise<ClaimRow> {
  const found = await findClaim(db, workerId, claimId)
  if (!found) throw new Rejected('claim_not_found', 'There is no such claim.')
  return found
}

/** Throws Rejected where the worker has no such submission. */
export async function ownSubmission(
  db: ReadModels,
  { workerId }: Pick<WorkerPrincipal, 'workerId'>,
  submissionId: string,
): Promise<SubmissionRow> {
  const found = await findWorkersSubmission(db, workerId, submissionId)
  if (!found) throw submissionNotFound()
  return found
}
