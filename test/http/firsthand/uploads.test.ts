/** A worker's file on its way: link, bytes, submission, score. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ObjectStoreUnavailable } from '../../../src/adapters/object-store/object-store.ts'
import { job } from '../../../src/commands/firsthand/job.ts'
import { submission } from '../../../src/commands/firsthand/submission.ts'
import { type Api, startApi, systemContext } from '../api.ts'
import { addBuyer, type Buyer, postJob } from './buyers.ts'
import { addWorker, claimSeat, giveScore, sendFile, submitFile, type Worker, work } from './crew.ts'

let api: Api
let buyer: Buyer
let wilma: Worker
let otto: Worker
beforeAll(async () => {
  api = await startApi()
  buyer = await addBuyer(api, { cents: 1_000_000 })
  wilma = await addWorker(api)
  otto = await addWorker(api, 'Otto')
})
afterAll(() => api.stop())

const jobOf = async (files: number) => (await postJob(api, buyer.key, { files_needed: files })).body.id as string
const PNG = { content_type: 'image/png', size_bytes: 9, filename: '../door\u202egnp.exe' }

const uploadOf = (of: Worker, claimId: string, body: object = PNG) =>
  work(api, of, 'POST', `/claims/${claimId}/uploads`, { body })
const submit = (of: Worker, claimId: string, uploadId: string) => submitFile(api, of, claimId, uploadId)
const sent = (of: Worker, claimId: string) => sendFile(api, of, claimId)

const score = (submissionId: string, stars: number) => giveScore(api, submissionId, stars)

describe('a link to send a file to', () => {
  it('is good for what was declared', async () => {
    const { body: claim } = await claimSeat(api, wilma, await jobOf(1))
    const { status, body } = await uploadOf(wilma, claim.id)
    expect([status, body.method, body.headers]).toStrictEqual([201, 'PUT', { 'content-type': 'image/png' }])
    expect(body.expires_at).toBe(claim.expires_at)
  })

  it.each([
    ['a format that the job does not take', { content_type: 'video/mp4' }, 'content_type'],
    ['no format at all', { content_type: 'text/html' }, 'content_type'],
    ['an empty file', { size_bytes: 0 }, 'size_bytes'],
    ['a file that is too large', { size_bytes: 20 * 1_048_576 + 1 }, 'size_bytes'],
    ['a name that is too long', { filename: 'x'.repeat(256) }, 'filename'],
  ])('is not made for %s', async (_, overrides, field) => {
    const { body: claim } = await claimSeat(api, otto, await jobOf(1))
    const { status, body } = await uploadOf(otto, claim.id, { ...PNG, ...overrides })
    expect([status, body.error.details[0].field]).toStrictEqual([422, field])
  })

  it('is not made for another worker’s claim', async () => {
    const { body: claim } = await claimSeat(api, wilma, await jobOf(1))
    expect((await uploadOf(otto, claim.id)).status).toBe(404)
  })
})

describe('a submission', () => {
  it('waits for its score, and is the same again', async () => {
    const { body: claim } = await claimSeat(api, wilma, await jobOf(1))
    const uploadId = await sent(wilma, claim.id)
    const first = await submit(wilma, claim.id, uploadId)
    expect([first.status, first.body]).toStrictEqual([
      202,
      {
        ...{ id: claim.submission_id, object: 'submission', job_id: claim.job_id, status: 'pending_score' },
        ...{ ai_star_rating: null, ai_reasoning: null, attempt: 1, attempts_left: 2, payout_cents: null },
      },
    ])
    expect((await submit(wilma, claim.id, uploadId)).body).toStrictEqual(first.body)
    expect((await work(api, wilma, 'GET', `/submissions/${claim.submission_id}`)).body).toStrictEqual(first.body)
    expect((await work(api, otto, 'GET', `/submissions/${claim.submission_id}`)).status).toBe(404)
    const stored = await api.bus.current(submission, claim.submission_id)
    expect(stored).toMatchObject({ upload: { sizeBytes: 9, filename: expect.not.stringMatching(/[\u202e/]/) } })
  })

  it('is 503 while the store of files is away, and is made by the same request afterwards', async () => {
    const { body: claim } = await claimSeat(api, wilma, await jobOf(1))
    const uploadId = await sent(wilma, claim.id)
    const copying = vi.spyOn(api.objects, 'copy').mockRejectedValueOnce(new ObjectStoreUnavailable('away'))
    try {
      const refused = await submit(wilma, claim.id, uploadId)
      expect([refused.status, refused.body.error.type]).toStrictEqual([503, 'internal_error'])
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(await api.bus.current(submission, claim.submission_id)).toStrictEqual({ status: 'absent' })
      expect((await submit(wilma, claim.id, uploadId)).status).toBe(202)
      expect(copying).toHaveBeenCalledTimes(2)
    } finally {
      copying.mockRestore()
    }
  })

  it('needs a file, and one of its own claim', async () => {
    const jobId = await jobOf(2)
    const { body: claim } = await claimSeat(api, wilma, jobId)
    const { body: upload } = await uploadOf(wilma, claim.id)
    expect((await submit(wilma, claim.id, upload.upload_id)).status).toBe(409)
    const { body: other } = await claimSeat(api, otto, jobId)
    expect((await submit(otto, other.id, await sent(wilma, claim.id))).status).toBe(409)
    expect((await submit(otto, other.id, 'upl_none')).status).toBe(409)
    expect((await submit(otto, claim.id, upload.upload_id)).status).toBe(404)
  })

  it('is rejected, tried again and approved; three attempts are all', async () => {
    const jobId = await jobOf(1)
    const { body: claim } = await claimSeat(api, wilma, jobId)
    const id = claim.submission_id
    const read = async () => (await work(api, wilma, 'GET', `/submissions/${id}`)).body
    const retry = () => work(api, wilma, 'POST', `/submissions/${id}/retry`)
    await submit(wilma, claim.id, await sent(wilma, claim.id))
    expect((await retry()).status).toBe(409)
    await score(id, 2)
    expect(await read()).toMatchObject({ status: 'rejected', ai_star_rating: 2, attempts_left: 2 })
    const { status, body: second } = await retry()
    expect([status, second.submission_id]).toStrictEqual([201, id])
    expect(await read()).toMatchObject({ status: 'retry_pending', attempt: 1 })
    expect((await retry()).status).toBe(409)
    await work(api, wilma, 'DELETE', `/claims/${second.id}`)
    expect(await read()).toMatchObject({ status: 'rejected' })
    const { body: third } = await retry()
    await submit(wilma, third.id, await sent(wilma, third.id))
    expect(await read()).toMatchObject({ status: 'pending_score', attempt: 2, attempts_left: 1, ai_star_rating: null })
    await score(id, 4)
    expect(await read()).toMatchObject({ status: 'approved', ai_star_rating: 4, attempts_left: 0, payout_cents: 20 })
    expect((await retry()).status).toBe(409)
    const { body: ended } = await api.buy('GET', `/v1/jobs/${jobId}`, { key: buyer.key })
    expect(ended).toMatchObject({ status: 'completed', files_approved: 1, files_remaining: 0 })
    expect(ended.completed_at).not.toBeNull()
  })
})

describe('a claim that lapses while its file is on the way', () => {
  it('is submitted no more, and its seat is free', async () => {
    const jobId = await jobOf(1)
    const { body: claim } = await claimSeat(api, wilma, jobId)
    const uploadId = await sent(wilma, claim.id)
    const lapse = { kind: 'release', cause: 'lapsed', claimId: claim.id, at: claim.expires_at } as const
    await api.bus.handle(job, jobId, lapse, systemContext())
    const { status, body } = await submit(wilma, claim.id, uploadId)
    expect([status, body.error.type]).toStrictEqual([409, 'conflict'])
    expect((await claimSeat(api, otto, jobId)).status).toBe(201)
  })
})
