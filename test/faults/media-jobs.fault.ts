/** Rows K9, K12, K14, K15 and K16: money that is short, work that is late, ledgers that move on, stores and receivers that are away. */
import { afterEach, describe, expect, it, vi } from 'vitest'
import { runCallbacks } from '../../src/processes/killatamata/media/callbacks.ts'
import { openMedia } from '../../src/processes/killatamata/media/opening.ts'
import { newProcessHealth } from '../../src/processes/process.ts'
import { endOf, PROCESSES, picture, WAIT_MS } from '../http/killatamata/media-jobs.ts'
import { type ServedKillatamata, startKillatamata } from '../http/killatamata/serving.ts'
import { eventually } from '../projections/support.ts'
import { answers, drips, hangs, type Receiver, startReceiver } from '../support/webhook-receiver.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })
const RUNNER = PROCESSES.slice(0, 1)
const sound = { task: 'moss.sound.effect', input: { prompt: 'rain', durationSeconds: 1 } }
const open: { stop?: () => Promise<unknown>; close?: () => Promise<unknown> }[] = []

async function serving(env: Record<string, string>, processes: readonly string[] = RUNNER): Promise<ServedKillatamata> {
  const served = await startKillatamata({ processes, env: { WEBHOOK_ALLOW_PRIVATE: 'true', ...env } })
  open.push({ stop: served.stop })
  return served
}
async function receiving(): Promise<Receiver> {
  const receiver = await startReceiver()
  open.push({ close: receiver.close })
  return receiver
}
afterEach(async () => {
  for (const { stop, close } of open.splice(0).toReversed()) await (stop ?? close)?.()
})

const typesIn = async (served: ServedKillatamata, prefix: string) => {
  const all = await served.db
    .selectFrom(prefix as never)
    .selectAll()
    .execute()
  return all as Record<string, unknown>[]
}

describe('row K9', () => {
  it('1,000 submits at once with money for 400: 400 are taken, 600 are told what is short, and nothing is left', async () => {
    const served = await serving({ ACCOUNT_REQUESTS_PER_MIN: '100000' }, [])
    const ada = await served.customer('ada')
    await served.credited(ada, 400_000n)
    const all = await Promise.all(Array.from({ length: 1_000 }, () => served.post('media/jobs', sound, ada.key)))
    const counted = (status: number) => all.filter((each) => each.status === status).length
    expect([counted(201), counted(402)]).toStrictEqual([400, 600])
    expect((await served.get('balance', ada.key)).body).toMatchObject({ usdBalanceMicros: 0, usdHeldMicros: 400_000 })
    expect(await typesIn(served, 'killatamata_media_jobs')).toHaveLength(400)
    const least = Math.min(...all.filter(({ status }) => status === 201).map(({ body }) => body.usdBalanceMicros))
    expect(least).toBe(0)
  })
})

describe('row K12', () => {
  it('work that is not done by the deadline: the job has failed, nothing is charged, and late files are dropped', async () => {
    const served = await serving({ MEDIA_JOB_DEADLINE_MS: '1500' })
    const ada = await served.customer('ada')
    await served.credited(ada, 10_000_000n)
    const input = { prompt: 'waves', durationFrames: 257, width: 1_536, height: 1_024 }
    const { body } = await served.post('media/jobs', { task: 'video.generate', input }, ada.key)
    const end = await endOf(served, ada.key, body.externalJobId)
    expect(end).toMatchObject({ status: 'failed', billing: { usdChargedMicros: 0 }, outputFiles: null })
    expect(end.result.error.code).toBe('provider_timeout')
    expect((await served.get('balance', ada.key)).body).toMatchObject({
      usdBalanceMicros: 10_000_000,
      usdHeldMicros: 0,
    })
    expect(await served.parts.media.objects.list('media/outputs/', undefined, 10)).toStrictEqual([])
  })
})

describe('row K14', () => {
  it('a ledger that has moved on to other periods: each job is captured there, once', async () => {
    const served = await serving({ LEDGER_PERIOD_EVENTS_MAX: '3' })
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const jobs = []
    for (let n = 0; n < 6; n++) jobs.push((await served.post('media/jobs', sound, ada.key)).body)
    for (const { externalJobId } of jobs) {
      expect(await endOf(served, ada.key, externalJobId)).toMatchObject({ status: 'completed' })
    }
    expect((await served.get('balance', ada.key)).body).toMatchObject({ usdBalanceMicros: 994_000, usdHeldMicros: 0 })
    expect(await served.parts.ledgers.period(ada.accountId)).toBeGreaterThan(3)
    const revenue = (await typesIn(served, 'killatamata_postings')).filter(({ account }) => account === 'media_revenue')
    expect(revenue).toHaveLength(6)
  })
})

describe('row K15', () => {
  it('an object store that is away: a job waits, fails and costs nothing; a request with bytes is 503', async () => {
    const bucket = { S3_BUCKET: 'files', S3_ACCESS_KEY_ID: 'AKIAEXAMPLE', S3_SECRET_ACCESS_KEY: 'example' }
    const away = { S3_ENDPOINT: 'http://127.0.0.1:9', MEDIA_STORE_RETRY_WAITS_MS: '20,20,20,20' }
    const served = await serving({ ...bucket, ...away })
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const sourceImage = { dataBase64: await picture(64, 64) }
    const refused = await served.post(
      'media/jobs',
      { task: 'image.edit', input: { prompt: 'x', sourceImage } },
      ada.key,
    )
    expect(refused).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } })
    expect(refused.headers.get('retry-after')).not.toBeNull()
    const { body } = await served.post('media/jobs', sound, ada.key)
    const end = await endOf(served, ada.key, body.externalJobId)
    expect(end.result).toStrictEqual({ error: { code: 'provider_failed', message: 'The files could not be stored.' } })
    expect((await served.get('balance', ada.key)).body).toMatchObject({ usdBalanceMicros: 1_000_000, usdHeldMicros: 0 })
  })
})

describe('row K16', () => {
  it('a receiver that hangs, drips, fails or redirects: it is asked again so often, then given up; the job is not touched', async () => {
    const waits = { CALLBACK_TIMEOUT_MS: '300', CALLBACK_RETRY_WAITS_MS: '20,20,20', CALLBACK_POLL_INTERVAL_MS: '50' }
    const served = await serving(waits, PROCESSES)
    const receiver = await receiving()
    const elsewhere = await receiving()
    receiver.behave(hangs, drips, answers(500), answers(307, { location: elsewhere.url }))
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const asked = { ...sound, completionCallbackUrl: receiver.url }
    const { body } = await served.post('media/jobs', asked, ada.key)
    expect(await endOf(served, ada.key, body.externalJobId)).toMatchObject({ status: 'completed' })
    await eventually(async () => {
      expect(await typesIn(served, 'killatamata_callbacks')).toMatchObject([{ status: 'given_up', attempts: 4 }])
    }, WAIT_MS)
    expect(receiver.received).toHaveLength(4)
    expect(elsewhere.received).toHaveLength(0)
    expect(await endOf(served, ada.key, body.externalJobId)).toMatchObject({ status: 'completed' })
  })

  it('a name that leads inside by the time it is called is not called', async () => {
    const served = await serving({ CALLBACK_RETRY_WAITS_MS: '20', CALLBACK_POLL_INTERVAL_MS: '50' })
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const receiver = await receiving()
    const { port } = new URL(receiver.url)
    const asked = { ...sound, completionCallbackUrl: `https://rebinding.example.invalid:${port}/hook` }
    const { body } = await served.post('media/jobs', asked, ada.key)
    expect(await endOf(served, ada.key, body.externalJobId)).toMatchObject({ status: 'completed' })
    const parts = served.newParts()
    const { media, keys, close } = await openMedia(parts, 'rebinding')
    const outbound = { ...media.outbound, allowsLoopback: false, resolve: async () => ['10.0.0.7', '127.0.0.1'] }
    const stopping = new AbortController()
    const dependencies = {
      ...parts.dependenciesOf('killatamata-callbacks', newProcessHealth()),
      signal: stopping.signal,
    }
    const running = runCallbacks({ ...dependencies, media: { ...media, outbound }, keys })
    await eventually(async () => {
      expect(await typesIn(served, 'killatamata_callbacks')).toMatchObject([{ status: 'given_up' }])
    }, WAIT_MS)
    stopping.abort()
    await running
    await close()
    expect(receiver.connections()).toBe(0)
  })
})
