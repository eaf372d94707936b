import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { job, pricesOf } from '../../../src/commands/firsthand/job.ts'
import type { JobEvent } from '../../../src/events/firsthand/job.ts'
import { rejects, specify } from '../../support/given.ts'
import { at, inTest, jobFacts, live, organizationId } from './story.ts'

const given = specify(job)
const facts = jobFacts()
const { jobId } = facts
const posted: JobEvent = { type: 'firsthand.JobPosted.v1', data: facts }
const cancelled: JobEvent = {
  type: 'firsthand.JobCancelled.v1',
  data: { ...live, jobId, filesApproved: 0, refundCents: '100', occurredAt: at(5) },
}
const cancel = { kind: 'cancel', owner: live, at: at(5) } as const

describe('posting a job', () => {
  it('is done once', () => given([]).when({ kind: 'post', facts }).then([posted]))
  it('changes nothing when it is done again', () => given([posted]).when({ kind: 'post', facts }).then([]))
  it('does not bring back a job that was cancelled', () =>
    given([posted, cancelled]).when({ kind: 'post', facts }).then([]))
})

describe('cancelling a job', () => {
  it('gives back what was not approved', () => given([posted]).when(cancel).then([cancelled]))
  it('changes nothing when it is done again', () =>
    given([posted, cancelled])
      .when({ ...cancel, at: at(9) })
      .then([]))
  it('finds no job that was never posted', () => given([]).when(cancel).then(rejects('job_not_found')))
  it('finds no job of another organization', () =>
    given([posted])
      .when({ ...cancel, owner: { ...live, organizationId: `${organizationId}X` } })
      .then(rejects('job_not_found')))
  it('finds no job of the other world', () =>
    given([posted])
      .when({ ...cancel, owner: inTest })
      .then(rejects('job_not_found')))
  it('gives nothing back in the test world, where nothing was held', () => {
    const facts = jobFacts('a job', { environment: 'test' })
    given([{ type: 'firsthand.JobPosted.v1', data: facts }])
      .when({ ...cancel, owner: inTest })
      .then([{ ...cancelled, data: { ...cancelled.data, ...inTest, refundCents: '0' } }])
  })
})

describe('prices', () => {
  it.each([
    [1, 100, '0.29', '71'],
    [1, 1, '0.2', '1'],
    [1, 99, '0.5', '50'],
    [10_000, 100_000, '0', '100000'],
    [1, 33, '0.3333', '23'],
  ])('%i files at %i with a fee of %s pay a worker %s cents', (files, price, fee, payout) =>
    expect(pricesOf(files, price, fee)).toStrictEqual({
      pricePerFileCents: String(price),
      platformFeePct: fee,
      totalCostCents: String(files * price),
      workerPayoutPerFileCents: payout,
    }),
  )

  it('have a fee of a fifth where the organization has set none', () =>
    expect(pricesOf(1, 100, null)).toMatchObject({ platformFeePct: '0.2', workerPayoutPerFileCents: '80' }))

  it('never take more of a file than the fee says', () => {
    const places = fc.integer({ min: 0, max: 5_000 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), places, (price, fee) => {
        const payout = Number(pricesOf(1, price, String(fee / 10_000)).workerPayoutPerFileCents)
        const house = price - payout
        expect(house * 10_000).toBeLessThanOrEqual(price * fee)
        expect((house + 1) * 10_000).toBeGreaterThan(price * fee)
      }),
    )
  })
})
