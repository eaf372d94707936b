/** A job's files over HTTP: who sees them, in which order, and what their links give. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, startApi } from '../api.ts'
import { addFiles } from './approved-files.ts'
import { addBuyer, addKey, type Buyer, postJob } from './buyers.ts'

const WEEK_MS = 604_800_000

let api: Api
let acme: Buyer
let other: Buyer
beforeAll(async () => {
  api = await startApi()
  acme = await addBuyer(api, { cents: 1_000_000 })
  other = await addBuyer(api, { cents: 1_000 })
})
afterAll(() => api.stop())

const post = async (filesNeeded: number): Promise<string> =>
  (await postJob(api, acme.key, { files_needed: filesNeeded })).body.id
const filesOf = (jobId: string, query = '', key = acme.key) =>
  api.buy('GET', `/v1/jobs/${jobId}/files${query}`, { key })

describe('getJobFiles', () => {
  it('lists approved files, each with a link that gives its delivered copy for seven days', async () => {
    const jobId = await post(3)
    const bytes = randomBytes(5_000)
    const [file] = await addFiles(api, jobId, [{ bytes, filename: 'Tür.jpg' }])
    const askedMs = Date.now()
    const { status, body } = await filesOf(jobId)
    expect([status, body.has_more, body.next_cursor]).toStrictEqual([200, false, null])
    expect(body.data).toStrictEqual([
      {
        ...{ id: file?.fileId, object: 'file', job_id: jobId, submission_id: file?.submissionId },
        ...{ content_type: 'image/jpeg', size_bytes: 5_000, duration_seconds: null, width: 640, height: 480 },
        ...{ original_filename: 'Tür.jpg', created_at: file?.scoredAt },
        download_url: expect.stringContaining('/firsthand/objects/'),
        download_url_expires_at: expect.stringMatching(/Z$/),
      },
    ])
    const [shown] = body.data
    const lifeMs = Date.parse(shown.download_url_expires_at) - askedMs
    expect(lifeMs).toBeGreaterThanOrEqual(WEEK_MS - 1_000)
    expect(lifeMs).toBeLessThan(WEEK_MS + 10_000)
    const download = await fetch(shown.download_url)
    expect(Buffer.from(await download.arrayBuffer()).equals(bytes)).toBe(true)
    expect(download.headers.get('content-disposition')).toContain("filename*=UTF-8''T%C3%BCr.jpg")
    expect(download.headers.get('content-type')).toBe('image/jpeg')
  })

  it('pages newest first, and what is approved meanwhile shifts nothing', async () => {
    const jobId = await post(6)
    const early = await addFiles(
      api,
      jobId,
      Array.from({ length: 4 }, () => ({})),
    )
    const first = await filesOf(jobId, '?limit=3')
    expect(first.body).toMatchObject({ has_more: true, data: { length: 3 } })
    await addFiles(api, jobId, [{}])
    const second = await filesOf(jobId, `?limit=3&cursor=${first.body.next_cursor}`)
    const seen = [...first.body.data, ...second.body.data].map(({ id }: { id: string }) => id)
    expect(seen).toStrictEqual(early.map(({ fileId }) => fileId).toReversed())
  })

  it('names a file without a name after itself, and shows no file that is not approved', async () => {
    const jobId = await post(3)
    const [named] = await addFiles(api, jobId, [{ filename: null }])
    await addFiles(api, jobId, [{ stars: 2 }])
    const { data } = (await filesOf(jobId)).body
    expect(data).toHaveLength(1)
    expect(data[0].original_filename).toBeNull()
    const download = await fetch(data[0].download_url, { method: 'HEAD' })
    expect(download.headers.get('content-disposition')).toContain(`filename="${named?.fileId}.jpg"`)
  })

  it('is 404 for another organization, the other world, and no job; 403 without the scope', async () => {
    const jobId = await post(1)
    const test = await addKey(api, acme.organizationId, { environment: 'test' })
    const without = await addKey(api, acme.organizationId, { scopes: ['usage:read'] })
    expect((await filesOf(jobId, '', other.key)).status).toBe(404)
    expect((await filesOf(jobId, '', test.key)).status).toBe(404)
    expect((await filesOf('job_none')).status).toBe(404)
    expect((await filesOf(jobId, '', without.key)).status).toBe(403)
  })

  it('is 404 at the link, and the same otherwise, when somebody else deletes the file', async () => {
    const jobId = await post(1)
    const [file] = await addFiles(api, jobId, [{}])
    await api.objects.delete(file?.objectKey ?? '')
    const { status, body } = await filesOf(jobId)
    expect([status, body.data.length]).toStrictEqual([200, 1])
    expect((await fetch(body.data[0].download_url)).status).toBe(404)
  })
})
