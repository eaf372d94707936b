/** What a buyer sees of submissions. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { addFiles } from './approved-files.ts'
import { addBuyer, type Buyer, postJob } from './buyers.ts'

let api: Api
let buyer: Buyer
beforeAll(async () => {
  api = await startApi()
  buyer = await addBuyer(api, { cents: 10_000 })
})
afterAll(() => api.stop())

const submissionsOf = (jobId: string, query = '', key = buyer.key) =>
  api.buy('GET', `/v1/jobs/${jobId}/submissions${query}`, { key })

it('are all that were submitted, newest first, and only an approved one shows its file', async () => {
  const { body: job } = await postJob(api, buyer.key)
  const [first, second] = await addFiles(api, job.id, [{ stars: 5 }, { stars: 2 }])
  const { status, body } = await submissionsOf(job.id)
  expect([status, body.has_more, body.next_cursor]).toStrictEqual([200, false, null])
  expect(body.data).toMatchObject([
    { id: second?.submissionId, status: 'rejected', ai_star_rating: 2, file: null },
    { id: first?.submissionId, status: 'approved', ai_star_rating: 5, file: { id: first?.fileId, object: 'file' } },
  ])
  const { body: page } = await submissionsOf(job.id, '?limit=1')
  const { body: rest } = await submissionsOf(job.id, `?limit=1&cursor=${page.next_cursor}`)
  expect([...page.data, ...rest.data].map(({ id }: { id: string }) => id)).toStrictEqual([
    second?.submissionId,
    first?.submissionId,
  ])
})

it('are none of another organization’s job', async () => {
  const { body: job } = await postJob(api, buyer.key)
  const other = await addBuyer(api)
  expect((await submissionsOf(job.id, '', other.key)).status).toBe(404)
})
