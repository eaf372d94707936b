/** Who has a seat of a job, and what a score makes of it. The job's story is told in test/commands/firsthand/story.ts. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type JobCommand, job } from '../../../src/commands/firsthand/job.ts'
import type { JobEvent } from '../../../src/events/firsthand/job.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, inTest, jobFacts, live } from './story.ts'

const given = specify(job)
const limits = { openSeatsMax: 500, workerClaimsMax: 3 }

const claim = (n: number, worker = `wkr_${n}`, minute = n): JobCommand => ({
  ...{ kind: 'claim', environment: 'live', claimId: `clm_${n}`, submissionId: `sub_${n}`, workerId: worker },
  ...{ expiresAt: at(minute + 30), limits, at: at(minute) },
})
const receive = (n: number, minute = n): JobCommand => ({
  ...{ kind: 'receive', claimId: `clm_${n}`, fileId: `file_${n}`, round: 1, at: at(minute) },
})
const score = (n: number, stars = 5, more: Partial<Extract<JobCommand, { kind: 'score' }>> = {}): JobCommand => ({
  ...{ kind: 'score', submissionId: `sub_${n}`, round: 1, stars, reason: 'As it is.', cause: 'score' },
  ...{ perceptualHash: null, at: at(20), ...more },
})
const posted = (files = 4, environment: 'live' | 'test' = 'live'): JobEvent => ({
  type: 'firsthand.JobPosted.v1',
  data: jobFacts('a job', { files, environment }),
})

/** The job after these commands. */
function written(first: JobEvent, ...commands: readonly JobCommand[]): JobEvent[] {
  const events = [first]
  for (const command of commands) events.push(...job.decide(command, fold(job, events)))
  return events
}
const shown = (events: readonly JobEvent[]) =>
  events.map(({ type, data }) => {
    const { openSeats, filesApproved } = data as { openSeats?: number; filesApproved?: number }
    return [type.slice('firsthand.'.length, -3), filesApproved, openSeats]
  })
const decided = (first: JobEvent, commands: readonly JobCommand[], last: JobCommand) =>
  shown(job.decide(last, fold(job, written(first, ...commands))))

describe('claiming a seat', () => {
  it('takes one, and says how many are open', () =>
    expect(decided(posted(), [claim(1)], claim(2))).toStrictEqual([['SeatClaimed', 0, 2]]))
  it('is done once', () =>
    given(written(posted(), claim(1)))
      .when(claim(1))
      .then([]))
  it('finds none where all are taken', () =>
    given(written(posted(1), claim(1)))
      .when(claim(2))
      .then(rejects('no_free_seat')))
  it('finds none where what is approved and what is open make up the job', () =>
    given(written(posted(2), claim(1), receive(1), score(1), claim(2)))
      .when(claim(3))
      .then(rejects('no_free_seat')))
  it('finds none beyond the seats that are open at a time', () =>
    given(written(posted(), claim(1)))
      .when({ ...claim(2), limits: { ...limits, openSeatsMax: 1 } } as JobCommand)
      .then(rejects('no_free_seat')))
  it('takes the seat of a claim that has lapsed, swept or not', () =>
    expect(decided(posted(1), [claim(1)], claim(2, 'wkr_2', 31))).toStrictEqual([
      ['SeatReleased', 0, 0],
      ['SeatClaimed', 0, 1],
    ]))
  it('is refused to a worker who has three claims open', () =>
    given(written(posted(9), claim(1, 'w'), claim(2, 'w'), claim(3, 'w')))
      .when(claim(4, 'w'))
      .then(rejects('open_claims_reached')))
  it('is open to a worker whose claims are submitted', () =>
    expect(decided(posted(9), [claim(1, 'w'), claim(2, 'w'), claim(3, 'w'), receive(3)], claim(4, 'w'))).toStrictEqual([
      ['SeatClaimed', 0, 4],
    ]))
  it('finds no job of the test world', () =>
    given([posted(4, 'test')])
      .when(claim(1))
      .then(rejects('job_not_found')))
  it('finds no job that was never posted', () => given([]).when(claim(1)).then(rejects('job_not_found')))
  it('comes too late when the job is completed', () =>
    given(written(posted(1), claim(1), receive(1), score(1)))
      .when(claim(2))
      .then(rejects('job_ended')))
})

describe('giving a claim back', () => {
  const giveBack = { kind: 'release', cause: 'given_back', claimId: 'clm_1', at: at(5) } as const
  const lapse = { kind: 'release', cause: 'lapsed', claimId: 'clm_1', at: at(31) } as const
  it('frees the seat', () => expect(decided(posted(), [claim(1)], giveBack)).toStrictEqual([['SeatReleased', 0, 0]]))
  it('changes nothing when it is done again', () =>
    given(written(posted(), claim(1), giveBack))
      .when(giveBack)
      .then([]))
  it('comes too late when it is submitted', () =>
    given(written(posted(), claim(1), receive(1)))
      .when(giveBack)
      .then(rejects('claim_submitted')))
  it('happens by itself at its end, and not before', () => {
    given(written(posted(), claim(1)))
      .when({ ...lapse, at: at(30.5) })
      .then([])
    expect(decided(posted(), [claim(1)], lapse)).toStrictEqual([['SeatReleased', 0, 0]])
  })
  it('does not happen to what is submitted', () =>
    given(written(posted(), claim(1), receive(1)))
      .when(lapse)
      .then([]))
})

describe('submitting', () => {
  it('keeps the seat', () =>
    expect(decided(posted(), [claim(1)], receive(1))).toStrictEqual([['SubmissionReceived', 0, 1]]))
  it('is done once', () =>
    given(written(posted(), claim(1), receive(1)))
      .when(receive(1))
      .then([]))
  it('comes too late when the claim has lapsed', () =>
    given(written(posted(), claim(1)))
      .when(receive(1, 31))
      .then(rejects('claim_ended')))
})

describe('a score', () => {
  const submitted = (files: number, ...numbers: number[]) =>
    written(posted(files), ...numbers.flatMap((n) => [claim(n), receive(n)]))
  it('of three stars approves, and pays', () => {
    const [approved] = job.decide(score(1, 3), fold(job, submitted(4, 1)))
    expect(approved).toMatchObject({ type: 'firsthand.SubmissionApproved.v1', data: { payoutCents: '20', stars: 3 } })
  })
  it('of two stars rejects, and frees the seat', () =>
    expect(shown(job.decide(score(1, 2), fold(job, submitted(4, 1))))).toStrictEqual([['SubmissionRejected', 0, 0]]))
  it('completes the job with its last file, in the same append', () =>
    expect(shown(job.decide(score(1), fold(job, submitted(1, 1))))).toStrictEqual([
      ['SubmissionApproved', 1, 0],
      ['JobCompleted', 1, undefined],
    ]))
  it('changes nothing when it is given again', () =>
    given(written(posted(), claim(1), receive(1), score(1)))
      .when(score(1))
      .then([]))
  it('of another round changes nothing', () =>
    given(submitted(4, 1))
      .when(score(1, 5, { round: 2 }))
      .then([]))
  it('pays nothing in the test world', () => {
    const events = written(posted(4, 'test'), { ...claim(1), environment: 'test' } as JobCommand, receive(1))
    expect(job.decide(score(1), fold(job, events))[0]?.data).toMatchObject({ payoutCents: '0' })
  })
})

describe('a picture that is almost one that is approved', () => {
  const second = (hash: string, environment: 'live' | 'test' = 'live') => {
    const claims = [1, 2].map((n) => ({ ...claim(n), environment }) as JobCommand)
    const events = written(
      posted(4, environment),
      ...claims,
      ...[receive(1), receive(2)],
      score(1, 5, { perceptualHash: 'ffff0000ffff0000' }),
    )
    return job.decide(score(2, 5, { perceptualHash: hash }), fold(job, events))[0]
  }
  it('is rejected up to 6 bits', () =>
    expect(second('ffff0000ffff003f')).toMatchObject({
      type: 'firsthand.SubmissionRejected.v1',
      data: { cause: 'near_duplicate', stars: 1 },
    }))
  it('is another one from 7 bits on', () =>
    expect(second('ffff0000ffff007f')?.type).toBe('firsthand.SubmissionApproved.v1'))
  it('is compared over all of its bits', () =>
    expect(second('7fff0000ffff0001')?.type).toBe('firsthand.SubmissionRejected.v1'))
  it('is not looked for in the test world', () =>
    expect(second('ffff0000ffff0000', 'test')?.type).toBe('firsthand.SubmissionApproved.v1'))
})

describe('the end of a job', () => {
  const cancel = (environment: typeof live | typeof inTest = live): JobCommand => ({
    kind: 'cancel',
    owner: environment,
    at: at(25),
  })
  it('frees claims and rejects what is not approved, without stars', () => {
    const events = written(posted(), claim(1), receive(1), score(1), claim(2), receive(2), claim(3))
    const ended = job.decide(cancel(), fold(job, events))
    expect(shown(ended)).toStrictEqual([
      ['SubmissionRejected', 1, 1],
      ['SeatReleased', 1, 0],
      ['JobCancelled', 1, undefined],
    ])
    expect(ended[0]?.data).toMatchObject({ stars: null, cause: 'job_cancelled', reason: 'the job was cancelled' })
    expect(ended.at(-1)?.data).toMatchObject({ refundCents: '75' })
  })
  it('of the test world gives nothing back', () =>
    expect(job.decide(cancel(inTest), fold(job, [posted(4, 'test')]))[0]?.data).toMatchObject({ refundCents: '0' }))
  it('rejects a score that comes for a seat which nobody should have, as the job is complete', () => {
    const events = written(posted(1), claim(1), receive(1))
    const forged = events.map((event) => ({
      ...event,
      data: { ...event.data, submissionId: 'sub_2', claimId: 'clm_2' },
    }))
    const state = fold(job, [...events, ...(forged.slice(1) as JobEvent[]), ...job.decide(score(1), fold(job, events))])
    const [rejected, ...more] = job.decide(score(2), state)
    expect(more).toStrictEqual([])
    expect(rejected).toMatchObject({
      type: 'firsthand.SubmissionRejected.v1',
      data: { cause: 'job_complete', reason: 'the job is complete', stars: null },
    })
  })
})

it('a score that comes for a forged seat of a cancelled job approves nothing', () => {
  const events = written(posted(4), claim(1), receive(1))
  const cancelled = job.decide({ kind: 'cancel', owner: live, at: at(25) }, fold(job, events))
  const state = fold(job, [...events, ...cancelled, ...events.slice(2)])
  expect(job.decide(score(1), state)).toMatchObject([
    { type: 'firsthand.SubmissionRejected.v1', data: { cause: 'job_cancelled', stars: null } },
  ])
})

describe('scoring once more', () => {
  const again: JobCommand = {
    ...{ kind: 'rescore', submissionId: 'sub_1', workerId: 'wkr_1', claimId: 'clm_1', attempt: 1 },
    ...{ round: 2, fileId: 'file_1', openSeatsMax: 500, at: at(21) },
  }
  const rejected = [claim(1), receive(1), score(1, 2)]
  it('takes a seat', () => expect(decided(posted(), rejected, again)).toStrictEqual([['SubmissionReceived', 0, 1]]))
  it('awaits a score of the next round', () =>
    expect(decided(posted(), [...rejected, again], score(1, 5, { round: 2 }))).toStrictEqual([
      ['SubmissionApproved', 1, 0],
    ]))
  it('needs a free seat', () =>
    given(written(posted(1), ...rejected, claim(2)))
      .when(again)
      .then(rejects('no_free_seat')))
})
