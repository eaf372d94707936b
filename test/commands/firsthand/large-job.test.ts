/** A job of as many files as one may have: what its stream decides at the end costs what it cost at the beginning. */
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type JobCommand, type JobState, job, type PostedJob } from '../../../src/commands/firsthand/job.ts'
import { nearestDistance } from '../../../src/commands/firsthand/picture-hashes.ts'
import { wallet } from '../../../src/commands/firsthand/wallet.ts'
import type { WalletEvent } from '../../../src/events/firsthand/wallet.ts'
import { at, jobFacts, live } from './story.ts'

const FILES = 10_000
const SEATS = 500
const PRICE = 100_000
const facts = jobFacts('a large job', { files: FILES, price: PRICE })
const limits = { openSeatsMax: SEATS, workerClaimsMax: SEATS }

/** No two are within the distance of pictures that look alike: 64 bits from a number, well mixed. */
function hashOf(n: number): string {
  let value = BigInt(n + 1) * 0x9e3779b97f4a7c15n
  for (const [shift, factor] of [
    [30n, 0xbf58476d1ce4e5b9n],
    [27n, 0x94d049bb133111ebn],
  ] as const) {
    value = BigInt.asUintN(64, value)
    value = (value ^ (value >> shift)) * factor
  }
  value = BigInt.asUintN(64, value)
  return (value ^ (value >> 31n)).toString(16).padStart(16, '0')
}

const seat = (n: number) => ({ claimId: `clm_${n}`, submissionId: `sub_${n}` })
const claim = (n: number): JobCommand => ({
  ...{ kind: 'claim', environment: 'live', ...seat(n), workerId: 'wkr_1', expiresAt: at(40), limits, at: at(2) },
})
const receive = (n: number): JobCommand => ({
  ...{ kind: 'receive', claimId: `clm_${n}`, fileId: `file_${n}`, round: 1, at: at(3) },
})
const score = (n: number, hash = hashOf(n)): JobCommand => ({
  ...{ kind: 'score', submissionId: `sub_${n}`, round: 1, stars: 5, reason: 'As it is.', cause: 'score' },
  ...{ perceptualHash: hash, at: at(4) },
})

const after = (state: JobState, command: JobCommand): JobState => fold(job, job.decide(command, state), state)

/** The job with all of its files but one, a few of which are worked on at a time. */
function almostComplete(): PostedJob {
  let state: JobState = fold(job, [{ type: 'firsthand.JobPosted.v1', data: facts }])
  for (let n = 0; n < FILES - 1; n++) {
    for (const command of [claim(n), receive(n), score(n)]) state = after(state, command)
  }
  if (state.status === 'absent') throw new Error('the job is gone')
  return state
}

describe('a job of 10,000 files', () => {
  const state = almostComplete()
  const last = FILES - 1
  const submitted = [claim(last), receive(last)].reduce<JobState>(after, state)

  it('is completed by the last of them, and its hold is paid out to the cent', () => {
    const decided = job.decide(score(last), submitted)
    expect(decided.map(({ type }) => type)).toStrictEqual([
      'firsthand.SubmissionApproved.v1',
      'firsthand.JobCompleted.v1',
    ])
    const completed = fold(job, decided, submitted)
    expect(completed).toMatchObject({ status: 'completed', filesApproved: FILES, hashes: { count: FILES } })
    expect(completed).toMatchObject({ seats: new Map() })
    expect(walletAfter({ kind: 'settle', filesApproved: FILES }).balance).toBe(0n)
  })

  it('is compared over all of its pictures, the first and the last', () => {
    const almost = (n: number) => (BigInt(`0x${hashOf(n)}`) ^ 0b111n).toString(16).padStart(16, '0')
    for (const n of [0, FILES / 2, last - 1]) {
      expect(nearestDistance(state.hashes, almost(n))).toBe(3)
      const [rejected] = job.decide(score(last, almost(n)), submitted)
      expect(rejected).toMatchObject({ type: 'firsthand.SubmissionRejected.v1', data: { cause: 'near_duplicate' } })
    }
  })

  it('gives back the price of one file where all others are approved', () => {
    const ended = job.decide({ kind: 'cancel', owner: live, at: at(5) }, state)
    expect(ended.map(({ data }) => data)).toMatchObject([{ filesApproved: FILES - 1, refundCents: String(PRICE) }])
    expect(walletAfter({ kind: 'refund', filesApproved: FILES - 1 }).balance).toBe(BigInt(PRICE))
  })
})

/** The wallet that paid for the job, and for nothing else, after its end. */
function walletAfter(end: { kind: 'settle' | 'refund'; filesApproved: number }) {
  const events: WalletEvent[] = []
  const of = { wallet: live, at: at(1) }
  const amountCents = BigInt(FILES * PRICE)
  for (const command of [
    { ...of, kind: 'grant', credits: 'bonus', amountCents, endsAt: null, reason: null },
    { ...of, kind: 'hold', job: facts },
    { ...of, ...end, jobId: facts.jobId },
  ] as const) {
    events.push(...wallet.decide(command, fold(wallet, events)))
  }
  return fold(wallet, events)
}
