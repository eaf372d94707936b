/** A job's way from its seats to its end, decided in one stream. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fold } from '../../../src/commands/decider.ts'
import { type JobCommand, type JobState, job } from '../../../src/commands/firsthand/job.ts'
import { Rejected } from '../../../src/commands/rejection.ts'
import type { JobEvent } from '../../../src/events/firsthand/job.ts'
import { at, jobFacts, live } from './story.ts'

const limits = { openSeatsMax: 20, workerClaimsMax: 3 }
const FILES = 50
const PRICE = 25

const claim = (n: number): JobCommand => ({
  ...{ kind: 'claim', environment: 'live', claimId: `clm_${n}`, submissionId: `sub_${n}`, workerId: `wkr_${n % 40}` },
  ...{ expiresAt: at(40), limits: { ...limits, openSeatsMax: 500 }, at: at(2) },
})
const receive = (n: number): JobCommand => ({
  ...{ kind: 'receive', claimId: `clm_${n}`, fileId: `file_${n}`, round: 1, at: at(3) },
})
const score = (n: number, stars: number, hash: string | null = null): JobCommand => ({
  ...{ kind: 'score', submissionId: `sub_${n}`, round: 1, stars, reason: 'As it is.', cause: 'score' },
  ...{ perceptualHash: hash, at: at(4) },
})

/** The events after one more command; a refused command leaves none. */
function decided(command: JobCommand, events: JobEvent[], state: JobState): JobState {
  try {
    const more = job.decide(command, state)
    events.push(...more)
    return fold(job, more, state)
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    return state
  }
}

const countOf = (events: readonly JobEvent[], type: JobEvent['type']) =>
  events.filter((event) => event.type === type).length

/** What is approved, given back and held make up the job's price to the cent, and it ends once. */
function booksAgree(events: readonly JobEvent[], files: number): void {
  const ends = events.filter(({ type }) => /Job(Completed|Cancelled)/.test(type))
  expect(ends.length).toBeLessThanOrEqual(1)
  const approved = countOf(events, 'firsthand.SubmissionApproved.v1')
  expect(approved).toBeLessThanOrEqual(files)
  const [end] = ends
  if (end) expect(events.at(-1)).toBe(end)
  if (end?.type === 'firsthand.JobCompleted.v1') expect(approved).toBe(files)
  if (end?.type === 'firsthand.JobCancelled.v1') {
    expect(approved * PRICE + Number(end.data.refundCents)).toBe(files * PRICE)
  }
}

/** A shuffle that follows from the seed. */
function shuffled<T>(items: readonly T[], seed: number): T[] {
  let value = seed + 1
  const random = () => {
    value = (Math.imul(value, 1_664_525) + 1_013_904_223) >>> 0
    return value / 2 ** 32
  }
  return items
    .map((item) => ({ item, by: random() }))
    .sort((one, other) => one.by - other.by)
    .map(({ item }) => item)
}

describe('a cancel among 50 approvals', () => {
  const posted: JobEvent = { type: 'firsthand.JobPosted.v1', data: jobFacts('a job', { files: FILES, price: PRICE }) }
  const numbers = Array.from({ length: FILES }, (_, n) => n)
  const begun: JobEvent[] = [posted]
  let atStart = fold(job, begun)
  for (const command of numbers.flatMap((n) => [claim(n), receive(n)])) atStart = decided(command, begun, atStart)

  it('leaves one end and whole books, whichever of 1,000 orders they come in', () => {
    const outcomes = new Set<string>()
    for (let seed = 0; seed < 1_000; seed++) {
      const events: JobEvent[] = []
      let state = atStart
      const commands = [...numbers.map((n) => score(n, 5)), { kind: 'cancel', owner: live, at: at(5) } as const]
      for (const command of shuffled<JobCommand>(commands, seed)) state = decided(command, events, state)
      booksAgree(events, FILES)
      expect(countOf(events, 'firsthand.JobCancelled.v1') + countOf(events, 'firsthand.JobCompleted.v1')).toBe(1)
      expect(state.status !== 'absent' && state.seats.size).toBe(0)
      outcomes.add(String(state.status !== 'absent' && state.filesApproved))
    }
    // The orders differ: the cancel comes at every place.
    expect(outcomes.size).toBeGreaterThan(40)
  })
})

describe('whatever happens to a job', () => {
  const n = fc.integer({ min: 0, max: 12 })
  const hash = fc.constantFrom(null, 'ffff0000ffff0000', '0000ffff0000ffff', 'ffff0000ffff0003')
  const step: fc.Arbitrary<JobCommand> = fc.oneof(
    n.map(claim),
    n.map(receive),
    fc.tuple(n, fc.integer({ min: 1, max: 5 }), hash).map(([of, stars, picture]) => score(of, stars, picture)),
    n.map((of) => ({ kind: 'release', cause: 'given_back', claimId: `clm_${of}`, at: at(4) }) as const),
    n.map((of) => ({ kind: 'release', cause: 'lapsed', claimId: `clm_${of}`, at: at(41) }) as const),
    fc.constant({ kind: 'cancel', owner: live, at: at(5) } as const),
  )

  it('approved files and open seats are never more than it needs, and every event says how many there are', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.array(step, { maxLength: 60 }), (files, steps) => {
        const posted: JobEvent = { type: 'firsthand.JobPosted.v1', data: jobFacts('a job', { files, price: PRICE }) }
        const events: JobEvent[] = [posted]
        let state = fold(job, events)
        for (const command of steps) {
          const before = events.length
          state = decided(command, events, state)
          if (state.status === 'absent') throw new Error('the job is gone')
          const { filesApproved, seats, hashes } = state
          expect(filesApproved + seats.size).toBeLessThanOrEqual(files)
          const counted = events.slice(before).findLast((event) => 'openSeats' in event.data)
          if (counted) expect(counted.data).toMatchObject({ filesApproved, openSeats: seats.size })
          expect(hashes.count).toBeLessThanOrEqual(filesApproved)
        }
        booksAgree(events, files)
        expect(fold(job, events)).toStrictEqual(state)
      }),
      { numRuns: 500 },
    )
  })
})
