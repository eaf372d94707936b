/** Files of jobs live for three days, and staged inputs for four; here the clock goes ahead instead of time. */
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { bytesAt, made, picture, WAIT_MS } from './media-jobs.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

vi.setConfig({ testTimeout: 120_000 })
const HOUR_MS = 3_600_000
let served: ServedKillatamata
let ada: Customer
let ahead = 0

beforeAll(async () => {
  served = await startKillatamata({
    processes: ['killatamata-media'],
    env: { MEDIA_SWEEP_INTERVAL_MS: '100' },
    clock: () => new Date(Date.now() + ahead),
  })
  ada = await served.customer('ada')
  await served.credited(ada, 1_000_000n)
}, WAIT_MS)
afterAll(() => served.stop(), WAIT_MS)

const kept = async (prefix: string) => (await served.parts.media.objects.list(prefix, undefined, 10)).length

it('files are there for the 48 hours that are promised and 24 more, then gone for everybody', async () => {
  const sourceImage = { dataBase64: await picture(64, 64) }
  const { end } = await made(served, ada.key, 'image.edit', { prompt: 'bluer', sourceImage })
  const { outputUrl } = end
  const expiresAt = Date.parse(end.expiresAt)
  ahead = 71 * HOUR_MS
  expect((await bytesAt(outputUrl)).status).toBe(200)
  const again = await served.post(
    'media/jobs',
    { task: 'image.edit', input: { prompt: 'x', sourceImageUrl: outputUrl } },
    ada.key,
  )
  expect(again).toMatchObject({ status: 201 })
  expect(await kept('media/outputs/')).toBeGreaterThan(0)

  ahead = 72 * HOUR_MS + 60_000
  expect(expiresAt).toBeLessThanOrEqual(Date.now() + ahead)
  const gone = await bytesAt(outputUrl)
  expect([gone.status, JSON.parse(gone.bytes.toString()).code]).toStrictEqual([410, 'file_expired'])
  expect((await bytesAt(outputUrl, { range: 'bytes=0-9' })).status).toBe(410)
  const edit = { task: 'image.edit', input: { prompt: 'x', sourceImageUrl: outputUrl } }
  const refused = await served.post('media/jobs', edit, ada.key)
  expect(refused).toMatchObject({ status: 400, body: { code: 'media_input_invalid' } })
  await eventually(async () => {
    const rows = (await served.db
      .selectFrom('killatamata_media_files' as never)
      .selectAll()
      .execute()) as { job_id: string; deleted_at: string | null; object_key: string }[]
    const own = rows.filter(({ job_id }) => job_id === end.externalJobId)
    expect(own.map(({ deleted_at }) => deleted_at)).toStrictEqual([expect.any(String)])
    expect(await served.parts.media.objects.head(own[0]?.object_key ?? '')).toBeUndefined()
  }, WAIT_MS)
  // The address says the same when the bytes are gone too, and the job still stands.
  expect((await bytesAt(outputUrl)).status).toBe(410)
  expect((await served.get(`media/jobs?jobId=${end.externalJobId}`, ada.key)).body).toMatchObject({
    ...{ status: 'completed', expiresAt: end.expiresAt, billing: { usdChargedMicros: end.billing.usdChargedMicros } },
  })
  expect(await kept('media/inputs/')).toBe(1)

  ahead = 97 * HOUR_MS
  await eventually(async () => expect(await kept('media/inputs/')).toBe(0), WAIT_MS)
})
