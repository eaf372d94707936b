/** Claims, with which a worker addresses its seat, and what is to be scored when. */
import type { JobEvent } from '../../events/firsthand/job.ts'
import type { SubmissionEvent } from '../../events/firsthand/submission.ts'
import type { Environment } from '../../events/firsthand/vocabulary.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { snake } from '../../runtime/letter-case.ts'
import { integer, text, time } from '../columns.ts'
import { type Change, defineProjection, defineTable, patch, type RowOf, remove, upsert } from '../projection.ts'
import { firsthandTables, preparedOne } from './tables.ts'

const ofSubmission = {
  submission_id: text,
  job_id: text,
  organization_id: text,
  environment: text.of<Environment>(),
  worker_id: text,
  attempt: integer,
}

export const claims = defineTable({
  name: 'firsthand_claims',
  key: ['claim_id'],
  columns: {
    claim_id: text,
    ...ofSubmission,
    status: text.of<'open' | 'submitted' | 'released'>(),
    claimed_at: time,
    expires_at: time,
  },
  indexes: ["(expires_at) WHERE status = 'open'", '(worker_id, claimed_at DESC)'],
})
export type ClaimRow = RowOf<typeof claims>

type Claimed = Extract<JobEvent, { data: { expiresAt: string } }>['data']

const claimed = (data: Claimed): Change[] => [
  upsert(claims, { ...snake(data), status: 'open', claimed_at: data.occurredAt }),
]

export const claimProjection = defineProjection<JobEvent>({
  name: 'firsthand.claim',
  version: 1,
  onPoison: 'park',
  tables: [claims],
  handlers: {
    'firsthand.SeatClaimed.v1': ({ data }) => claimed(data),
    'firsthand.RetryClaimed.v1': ({ data }) => claimed(data),
    'firsthand.SeatReleased.v1': ({ data }) => [patch(claims, snake(data, 'claimId'), { status: 'released' })],
    'firsthand.SubmissionReceived.v1': ({ data }) => [patch(claims, snake(data, 'claimId'), { status: 'submitted' })],
  },
})

/** Submissions that wait for a score; a row goes when its score is decided. */
export const scoring = defineTable({
  name: 'firsthand_scoring',
  key: ['submission_id'],
  columns: {
    ...ofSubmission,
    round: integer,
    file_id: text,
    received_at: time,
    /** Not to be tried before; null: set aside until somebody has it tried again. */
    due_at: time.orNull,
    /** Failures of this round so far, of whatever step. */
    failures: integer,
    /** What failed last. */
    fault: text.orNull,
  },
  indexes: ['(due_at, submission_id)'],
})
export type ScoringRow = RowOf<typeof scoring>

export const scoringProjection = defineProjection<JobEvent | SubmissionEvent>({
  name: 'firsthand.scoring',
  version: 2,
  onPoison: 'park',
  tables: [scoring],
  handlers: {
    'firsthand.SubmissionReceived.v1': ({ data }) => [
      upsert(scoring, {
        ...snake(data),
        ...{ received_at: data.occurredAt, due_at: data.occurredAt, failures: 0, fault: null },
      }),
    ],
    'firsthand.ScoringFailed.v1': ({ data }) => [
      patch(scoring, snake(data, 'submissionId'), {
        ...snake(data, 'dueAt', 'failures'),
        fault: `${data.step}: ${data.fault}`,
      }),
    ],
    'firsthand.ScoringResumed.v1': ({ data }) => [
      patch(scoring, snake(data, 'submissionId'), { due_at: data.occurredAt, failures: 0, fault: null }),
    ],
    'firsthand.SubmissionApproved.v1': ({ data }) => [remove(scoring, snake(data, 'submissionId'))],
    'firsthand.SubmissionRejected.v1': ({ data }) => [remove(scoring, snake(data, 'submissionId'))],
  },
})

/** A claim of this worker. */
export const findClaim = preparedOne((db, workerId: string, claimId: string) =>
  db.selectFrom('firsthand_claims').selectAll().where('claim_id', '=', claimId).where('worker_id', '=', workerId),
)

/** A worker's claims, newest first, each with the submission that it was for, where there is one. */
export const listWorkersClaims = (db: ReadModels, workerId: string, limit: number) =>
  firsthandTables(db)
    .selectFrom('firsthand_claims as claim')
    .leftJoin('firsthand_submissions as submission', 'submission.submission_id', 'claim.submission_id')
    .selectAll('claim')
    .select(['submission.status as submission_status', 'submission.stars', 'submission.attempt as newest_attempt'])
    .where('claim.worker_id', '=', workerId)
    .orderBy('claim.claimed_at', 'desc')
    .limit(limit)
    .execute()

/** Open claims that have lapsed by this time, the longest lapsed first. */
export const findLapsedClaims = (db: ReadModels, now: string, limit: number): Promise<ClaimRow[]> =>
  firsthandTables(db)
    .selectFrom('firsthand_claims')
    .selectAll()
    .where('status', '=', 'open')
    .where('expires_at', '<=', now)
    .orderBy('expires_at')
    .limit(limit)
    .execute()

/** What is due for a score, the longest due first; at most `keyMax` of one organization. */
export const findDueScorings = (db: ReadModels, now: string, keyMax: number, limit: number): Promise<ScoringRow[]> =>
  firsthandTables(db)
    .with('ranked', (due) =>
      due
        .selectFrom('firsthand_scoring')
        .selectAll()
        .select(({ fn }) =>
          fn
            .agg<string>('row_number')
            .over((over) => over.partitionBy('organization_id').orderBy('due_at').orderBy('submission_id'))
            .as('rank'),
        )
        .where('due_at', '<=', now),
    )
    .selectFrom('ranked')
    .selectAll()
    .where('rank', '<=', String(keyMax))
    .orderBy('due_at')
    .orderBy('submission_id')
    .limit(limit)
    .execute()

/** Everything that waits for a score, the next due first, and what is set aside last. */
export const listScorings = (db: ReadModels, limit: number): Promise<ScoringRow[]> =>
  firsthandTables(db).selectFrom('firsthand_scoring').selectAll().orderBy('due_at').limit(limit).execute()

/** Submissions that are set aside. */
export const countSetAside = async (db: ReadModels): Promise<number> => {
  const found = await firsthandTables(db)
    .selectFrom('firsthand_scoring')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('due_at', 'is', null)
    .executeTakeFirstOrThrow()
  return Number(found.count)
}
