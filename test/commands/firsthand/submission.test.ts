/** The bytes of a submission and their scores; and the two streams that bound it: a worker's day, and who had the bytes first. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { contentHash, contentHashIdOf } from '../../../src/commands/firsthand/content-hash.ts'
import {
  nextRound,
  requireRejected,
  type ScoringStep,
  type StoredSubmission,
  type SubmissionCommand,
  submission,
} from '../../../src/commands/firsthand/submission.ts'
import { workerDay, workerDayIdOf } from '../../../src/commands/firsthand/worker-day.ts'
import type { SubmissionEvent } from '../../../src/events/firsthand/submission.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, live } from './story.ts'

const given = specify(submission)
const owner = { ...live, jobId: 'job_1', submissionId: 'sub_1', workerId: 'wkr_1' }
const sha256 = 'ab'.repeat(32)

type DataOf<Name extends string> = Extract<SubmissionEvent, { type: `firsthand.${Name}.v1` }>['data']
const upload = (attempt: number, n = attempt): DataOf<'UploadStored'> => ({
  ...{ ...owner, attempt, occurredAt: at(1), claimId: `clm_${n}`, uploadId: `upl_${n}`, fileId: `file_${n}` },
  ...{ objectKey: `originals/${n}`, contentType: 'image/png', sizeBytes: 10, sha256, filename: null },
})
const stored = (attempt: number): SubmissionEvent => ({ type: 'firsthand.UploadStored.v1', data: upload(attempt) })
const inRound = (round: number, attempt = 1) => ({ ...owner, attempt, round, occurredAt: at(2) })

const scoreFacts = (round: number, stars = 5, cause: 'score' | 'duplicate' = 'score') => ({
  ...{ round, stars, reason: 'As it is.', cause, scoredBy: 'inspection' },
})
const give = (round: number, stars = 5): ScoringStep => ({
  ...{ kind: 'giveScore', score: scoreFacts(round, stars), at: at(2) },
})
const given5 = (round: number, attempt = 1, stars = 5): SubmissionEvent => ({
  type: 'firsthand.ScoreGiven.v1',
  data: { ...inRound(round, attempt), ...scoreFacts(round, stars) },
})
const copyFacts = (round: number) => ({
  ...{ round, fileId: 'file_1', objectKey: 'files/1', contentType: 'image/png' as const, sizeBytes: 9, sha256 },
  ...{ width: 1, height: 1, durationSeconds: null },
})
const copy = (round: number): ScoringStep => ({ kind: 'storeCopy', copy: copyFacts(round), at: at(2) })
const copied = (round: number): SubmissionEvent => ({
  type: 'firsthand.DeliveryCopyStored.v1',
  data: { ...inRound(round), ...copyFacts(round) },
})
const failure = (round: number, step: string, dueAt: string | null = at(3)) => ({
  round,
  step,
  fault: 'it ended',
  dueAt,
})
const fails = (round: number, step: string, dueAt?: string | null): SubmissionCommand => ({
  ...{ kind: 'failScoring', failure: failure(round, step, dueAt), at: at(2) },
})
const failed = (round: number, step: string, failures: number, dueAt?: string | null): SubmissionEvent => ({
  type: 'firsthand.ScoringFailed.v1',
  data: { ...inRound(round), ...failure(round, step, dueAt), failures },
})
const resume: SubmissionCommand = { kind: 'resumeScoring', at: at(2) }
const resumed: SubmissionEvent = { type: 'firsthand.ScoringResumed.v1', data: inRound(1) }

describe('an upload', () => {
  it('is the first of its attempt, and the only one', () => {
    given([])
      .when({ kind: 'storeUpload', upload: upload(1) })
      .then([stored(1)])
    given([stored(1)])
      .when({ kind: 'storeUpload', upload: upload(1, 9) })
      .then([])
  })
  it('of the next attempt comes after it; of one beyond it is a fault of ours', () => {
    given([stored(1)])
      .when({ kind: 'storeUpload', upload: upload(2) })
      .then([stored(2)])
    expect(() => submission.decide({ kind: 'storeUpload', upload: upload(3) }, fold(submission, [stored(1)]))).toThrow()
  })
})

describe('a score', () => {
  it('needs an upload', () => given([]).when(give(1)).then(rejects('submission_not_found')))
  it('is given once a round, by whoever comes first', () => {
    given([stored(1)])
      .when(give(1))
      .then([given5(1)])
    given([stored(1), given5(1)])
      .when(give(1, 2))
      .then([])
  })
  it('of the next round comes after it; of one beyond, or of one before, changes nothing', () => {
    given([stored(1), given5(1)])
      .when(give(2))
      .then([given5(2)])
    given([stored(1), given5(1)])
      .when(give(3))
      .then([])
    given([stored(1), given5(1), given5(2)])
      .when(give(1))
      .then([])
  })
  it('belongs to the newest attempt', () =>
    given([stored(1), given5(1, 1, 2), stored(2)])
      .when(give(2))
      .then([given5(2, 2)]))
  it('says which round the next one is', () => {
    const roundAfter = (...events: SubmissionEvent[]) => nextRound(fold(submission, events))
    expect([roundAfter(), roundAfter(stored(1)), roundAfter(stored(1), given5(1))]).toStrictEqual([1, 1, 2])
    expect(roundAfter(stored(1), failed(1, 'model', 1))).toBe(1)
  })
})

describe('a delivered copy', () => {
  it('is stored once a round', () => {
    given([stored(1), given5(1)])
      .when(copy(1))
      .then([copied(1)])
    given([stored(1), given5(1), copied(1)])
      .when(copy(1))
      .then([])
  })
})

describe('steps of a scoring', () => {
  const steps = (...all: ScoringStep[]): SubmissionCommand => ({ kind: 'takeSteps', steps: all })
  it('are taken together, one after the other, and each once a round', () => {
    given([])
      .when(steps(give(1)))
      .then(rejects('submission_not_found'))
    given([stored(1)])
      .when(steps(give(1), copy(1)))
      .then([given5(1), copied(1)])
    given([stored(1), given5(1)])
      .when(steps(give(1), copy(1)))
      .then([copied(1)])
    given([stored(1), given5(1), copied(1)])
      .when(steps(give(1), copy(1)))
      .then([])
  })
})

describe('a failure', () => {
  it('counts for its step, in its round', () => {
    given([stored(1)])
      .when(fails(1, 'model'))
      .then([failed(1, 'model', 1)])
    given([stored(1), failed(1, 'model', 1), failed(1, 'inspector_crashed', 1)])
      .when(fails(1, 'model'))
      .then([failed(1, 'model', 2)])
    given([stored(1), failed(1, 'model', 1), given5(1)])
      .when(fails(2, 'model'))
      .then([failed(2, 'model', 1)])
  })
  it('comes too late once the copy is stored', () =>
    given([stored(1), given5(1), copied(1)])
      .when(fails(1, 'model'))
      .then([]))
})

describe('a submission that was set aside', () => {
  const aside = [stored(1), failed(1, 'original', 1), failed(1, 'original', 2, null)]
  const state = (...events: SubmissionEvent[]) => fold(submission, events) as StoredSubmission
  it('is tried again once, with its failures forgotten', () => {
    expect(state(...aside)).toMatchObject({ isSetAside: true, failures: { original: 2 } })
    given(aside).when(resume).then([resumed])
    given([...aside, resumed])
      .when(resume)
      .then([])
    expect(state(...aside, resumed)).toMatchObject({ isSetAside: false, failures: {} })
    given([...aside, resumed])
      .when(fails(1, 'original'))
      .then([failed(1, 'original', 1)])
  })
  it('is no other', () => {
    given([]).when(resume).then(rejects('submission_not_found'))
    given([stored(1), failed(1, 'original', 1)])
      .when(resume)
      .then([])
  })
})

describe('another attempt', () => {
  const stateAfter = (stars: number, cause: 'score' | 'duplicate' = 'score') =>
    fold(submission, [
      stored(1),
      { type: 'firsthand.ScoreGiven.v1', data: { ...inRound(1), ...scoreFacts(1, stars, cause) } },
    ]) as StoredSubmission
  const codeOf = (state: StoredSubmission) => {
    try {
      requireRejected(state)
      return undefined
    } catch (error) {
      return (error as { code?: string }).code
    }
  }
  it('follows a score of one or two stars, and nothing else', () => {
    expect([1, 2, 3, 5].map((stars) => codeOf(stateAfter(stars)))).toStrictEqual([
      ...[undefined, undefined, 'submission_not_rejected', 'submission_not_rejected'],
    ])
    expect(codeOf(stateAfter(1, 'duplicate'))).toBe('submission_duplicate')
    expect(codeOf(fold(submission, [stored(1)]) as StoredSubmission)).toBe('submission_not_rejected')
  })
})

describe('a worker’s day', () => {
  const slot = (n: number, slotsMax = 2) => ({
    workerId: 'wkr_1',
    claimId: `clm_${n}`,
    jobId: 'job_1',
    slotsMax,
    at: at(n),
  })
  const taken = (n: number, count = n) => ({
    type: 'firsthand.SubmissionSlotTaken.v1' as const,
    data: {
      workerId: 'wkr_1',
      date: '2026-03-02',
      claimId: `clm_${n}`,
      jobId: 'job_1',
      taken: count,
      occurredAt: at(n),
    },
  })
  const givenDay = specify(workerDay)
  it('has so many slots, each claim takes one, once', () => {
    givenDay([])
      .when(slot(1))
      .then([taken(1)])
    givenDay([taken(1)])
      .when(slot(1))
      .then([])
    givenDay([taken(1)])
      .when(slot(2))
      .then([taken(2)])
    givenDay([taken(1), taken(2)])
      .when(slot(3))
      .then(rejects('daily_claims_reached'))
  })
  it('gives a claim its slot again where all are taken', () =>
    givenDay([taken(1), taken(2)])
      .when(slot(2))
      .then([]))
  it('is the one of UTC', () => {
    const on = (time: string) => workerDayIdOf({ workerId: 'wkr_1', at: time })
    expect(on('2026-03-02T23:59:59.999Z')).toBe('wkr_1_2026-03-02')
    expect(on('2026-03-03T00:00:00.000Z')).toBe('wkr_1_2026-03-03')
  })
})

describe('bytes', () => {
  const content = (submissionId: string) => ({ ...owner, sha256, submissionId })
  const claimed = (submissionId: string) => ({
    type: 'firsthand.ContentClaimed.v1' as const,
    data: { ...content(submissionId), occurredAt: at(1) },
  })
  const givenBytes = specify(contentHash)
  it('belong to the first submission of them', () => {
    givenBytes([])
      .when({ content: content('sub_1'), at: at(1) })
      .then([claimed('sub_1')])
    for (const submissionId of ['sub_1', 'sub_2']) {
      givenBytes([claimed('sub_1')])
        .when({ content: content(submissionId), at: at(1) })
        .then([])
    }
    expect(fold(contentHash, [claimed('sub_1')])).toStrictEqual({ submissionId: 'sub_1' })
  })
  it('are others in the other environment', () =>
    expect(contentHashIdOf({ environment: 'live', sha256 })).not.toBe(contentHashIdOf({ environment: 'test', sha256 })))
})
