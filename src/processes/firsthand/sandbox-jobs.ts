/** How jobs of the test world go: what a word in their metadata asks for, how fast files come, and which stars they get. */
import type { Score } from '../../adapters/inspection/stars.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { JobFacts } from '../../events/firsthand/job.ts'
import { prefixedId } from '../../runtime/ulid.ts'

/** What metadata.fh_sandbox may ask for; other words are plain metadata. */
export const sandboxWordOf = ({ metadata }: Pick<JobFacts, 'metadata'>): unknown => metadata.fh_sandbox

/** The files are in by this part of the time; the rest is for their scores. */
const UPLOADED_BY = 0.7

/** How many of a job’s files have been begun by now, where all is to be done within `completionMs`. */
export function filesDueBy({ filesNeeded, createdAt }: JobFacts, completionMs: number, now: Date): number {
  const elapsed = (now.getTime() - Date.parse(createdAt)) / (completionMs * UPLOADED_BY)
  return Math.max(0, Math.min(filesNeeded, Math.floor(filesNeeded * elapsed) + 1))
}

/** The command of a job’s first claim, from which its submission’s id follows. */
export const firstClaimOf = (jobId: string): string => deterministicId('firsthand.sandbox', 'first claim', jobId)

/** The submission that `reject_first` is about. */
export const firstSubmissionOf = ({ jobId, createdAt }: Pick<JobFacts, 'jobId' | 'createdAt'>): string =>
  prefixedId('sub', createdAt, firstClaimOf(jobId))

/** The most that a submission of the test world gets, and why. */
export function sandboxCeiling(facts: JobFacts, submissionId: string): Score {
  if (sandboxWordOf(facts) === 'reject_first' && submissionId === firstSubmissionOf(facts)) {
    return { stars: 2, reason: 'The job asks for it: its metadata.fh_sandbox is reject_first.' }
  }
  return { stars: 4, reason: 'The file is usable; files of the test environment get 4 stars at most.' }
}
