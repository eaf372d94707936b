/** What comes to its end by the clock: credits and claims, over real components, with a clock that the test moves. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { job } from '../../../src/commands/firsthand/job.ts'
import { submission } from '../../../src/commands/firsthand/submission.ts'
import { wallet, walletIdOf } from '../../../src/commands/firsthand/wallet.ts'
import { createExpiry } from '../../../src/processes/firsthand/expiry.ts'
import { createLapsing } from '../../../src/processes/firsthand/lapsing.ts'
import { findLapsedClaims } from '../../../src/projections/firsthand/claim.ts'
import { findEndedLots } from '../../../src/projections/firsthand/wallet.ts'
import { type Api, startApi, systemContext } from '../../http/api.ts'
import { addBuyer, type Buyer, grant, postJob } from '../../http/firsthand/buyers.ts'
import { addWorker, claimSeat, sendFile, submitFile, type Worker, work } from '../../http/firsthand/crew.ts'
import { eventually } from '../../projections/support.ts'
import { eventsOf } from '../../support/event-store.ts'

const HOUR_MS = 3_600_000
const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const sweep = { intervalMs: 20, batchMax: 100 }

let api: Api
let wilma: Worker
beforeAll(async () => {
  api = await startApi()
  wilma = await addWorker(api)
})
afterAll(() => api.stop())

/** Runs two of the sweeps at once, as two processes may for a moment, until the condition holds. */
async function swept(create: typeof createExpiry | typeof createLapsing, at: string, until: () => Promise<void>) {
  const stop = new AbortController()
  const options = { db: api.db, log, now: () => new Date(at), bus: api.bus, sweep }
  const running = [create(options).run(stop.signal), create(options).run(stop.signal)]
  try {
    await eventually(until)
  } finally {
    stop.abort()
    await Promise.all(running)
  }
}

const before = (at: string): string => new Date(Date.parse(at) - 1).toISOString()
const typed = async (stream: string, name: string) =>
  (await eventsOf(api.store, stream)).filter(({ type }) => type === `firsthand.${name}.v1`).map(({ data }) => data)

describe('the sweep of credits', () => {
  const walletOf = ({ organizationId }: Buyer) => walletIdOf({ organizationId, environment: 'live' })
  const balanceOf = async ({ key }: Buyer) => (await api.buy('GET', '/v1/billing/credits', { key })).body.balance_cents
  const isDueAt = async ({ organizationId }: Buyer, at: string) =>
    (await findEndedLots(api.db, at, 1_000)).some((of) => of.organizationId === organizationId)

  it('books exactly what is left of a lot, at its end and not before, once; an empty lot ends silently', async () => {
    const buyer = await addBuyer(api)
    const [first, second] = [1, 2].map((hours) => new Date(Date.now() + hours * HOUR_MS).toISOString()) as [
      string,
      string,
    ]
    await grant(api, buyer.organizationId, 100, { endsAt: first })
    const lotId = await grant(api, buyer.organizationId, 500, { endsAt: second })
    await grant(api, buyer.organizationId, 1_000)
    // All of the first lot, and 120 of the second.
    expect((await postJob(api, buyer.key, { files_needed: 1, price_per_file_cents: 220 })).status).toBe(201)
    await eventually(async () => expect(await isDueAt(buyer, second)).toBe(true))
    expect([await isDueAt(buyer, first), await isDueAt(buyer, before(second))]).toStrictEqual([false, false])
    await swept(createExpiry, second, async () => expect(await balanceOf(buyer)).toBe(1_000))
    const expired = () => typed(`firsthand.wallet-${walletOf(buyer)}`, 'CreditsExpired')
    expect(await expired()).toMatchObject([{ lotId, amountCents: '380', balanceCents: '1000', endsAt: second }])
    const { body } = await api.buy('GET', '/v1/billing/transactions?type=expiration', { key: buyer.key })
    expect(body.data).toMatchObject([{ amount_cents: -380, running_balance_cents: 1_000 }])
    // Whoever comes later finds nothing.
    expect(await isDueAt(buyer, second)).toBe(false)
    const again = { kind: 'expire', wallet: { organizationId: buyer.organizationId, environment: 'live' } } as const
    await api.bus.handle(wallet, walletOf(buyer), { ...again, topUp: null, at: second }, systemContext())
    expect(await expired()).toHaveLength(1)
  })
})

describe('the lapse of claims', () => {
  let buyer: Buyer
  beforeAll(async () => {
    buyer = await addBuyer(api, { cents: 10_000 })
  })
  const jobOf = async (files = 1) => (await postJob(api, buyer.key, { files_needed: files })).body.id as string
  const released = (jobId: string) => typed(`firsthand.job-${jobId}`, 'SeatReleased')
  const isDueAt = async (claimId: string, at: string) =>
    (await findLapsedClaims(api.db, at, 1_000)).some((claim) => claim.claim_id === claimId)

  it('frees a seat at the end of its claim and not before, once; what is submitted keeps its seat', async () => {
    const jobId = await jobOf(2)
    const { body: lapsing } = await claimSeat(api, wilma, jobId)
    const { body: submitted } = await claimSeat(api, wilma, jobId)
    await submitFile(api, wilma, submitted.id, await sendFile(api, wilma, submitted.id))
    const at = submitted.expires_at > lapsing.expires_at ? submitted.expires_at : lapsing.expires_at
    await eventually(async () => expect(await isDueAt(lapsing.id, at)).toBe(true))
    expect(await isDueAt(lapsing.id, before(lapsing.expires_at))).toBe(false)
    await eventually(async () => expect(await isDueAt(submitted.id, at)).toBe(false))
    await swept(createLapsing, at, async () => expect(await isDueAt(lapsing.id, at)).toBe(false))
    expect(await released(jobId)).toMatchObject([{ claimId: lapsing.id, cause: 'lapsed', openSeats: 1 }])
    expect((await claimSeat(api, await addWorker(api, 'Otto'), jobId)).status).toBe(201)
  })

  it('leaves a retry that nobody used as it was: rejected', async () => {
    const jobId = await jobOf()
    const { body: claim } = await claimSeat(api, wilma, jobId)
    const id = claim.submission_id
    await submitFile(api, wilma, claim.id, await sendFile(api, wilma, claim.id))
    const given = { round: 1, stars: 2, reason: 'As it is.', cause: 'score' as const }
    const at = new Date().toISOString()
    const scoring = { kind: 'giveScore', score: { ...given, scoredBy: 'inspection' }, at } as const
    await api.bus.handle(submission, id, scoring, systemContext())
    const command = { kind: 'score', submissionId: id, ...given, perceptualHash: null, at } as const
    const { position } = await api.bus.handle(job, jobId, command, systemContext())
    await api.firsthandWaiter.waitFor(position ?? 0n, 5_000)
    const { body: retry } = await work(api, wilma, 'POST', `/submissions/${id}/retry`)
    const statusOf = async () => (await work(api, wilma, 'GET', `/submissions/${id}`)).body.status
    expect(await statusOf()).toBe('retry_pending')
    await swept(createLapsing, retry.expires_at, async () => expect(await statusOf()).toBe('rejected'))
    expect(await released(jobId)).toMatchObject([{ claimId: retry.id, cause: 'lapsed' }])
  })
})
