/** Rows K9, K12, K14, K15 and K16: money that is short, work that is late, ledgers that move on, stores and receivers that are away. */
import { randomBytes } from 'node:crypto'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { runCallbacks } from '../../src/processes/killatamata/media/callbacks.ts'
import { openMedia } from '../../src/processes/killatamata/media/opening.ts'
import { runMedia } from '../../src/processes/killatamata/media/runner.ts'
import { newProcessHealth } from '../../src/processes/process.ts'
import { endOf, PROCESSES, picture, WAIT_MS } from '../http/killatamata/media-jobs.ts'
import { type ServedKillatamata, startKillatamata } from '../http/killatamata/serving.ts'
import { eventually } from '../projections/support.ts'
import { temporaryDirectory } from '../support/services.ts'
import { limitFiles, mountSmallDisk, type SmallDisk } from '../support/small-disk.ts'
import { answers, drips, hangs, type Receiver, startReceiver } from '../support/webhook-receiver.ts'
import { gameFiles, zipOf } from '../support/zips.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 60_000 })
const RUNNER = PROCESSES.slice(0, 1)
const sound = { task: 'moss.sound.effect', input: { prompt: 'rain', durationSeconds: 1 } }
/** Two megabytes and more. */
const song = { task: 'ace.step.create', input: { tags: 'calm', lyrics: 'la', durationSeconds: 120, quality: '192k' } }
const DISK_BYTES = 16 * 1_048_576
const LIMIT_BYTES = 1_048_576
type Disk = Pick<SmallDisk, 'fill' | 'free' | 'unmount'>
/** Where nothing can be mounted, this process may write no larger files. */
const smallDiskAt = (path: string): Disk =>
  mountSmallDisk(path, DISK_BYTES) ?? {
    fill: () => limitFiles(process.pid, LIMIT_BYTES),
    free: () => limitFiles(process.pid, undefined),
    unmount: () => undefined,
  }
/** A picture that no format makes smaller, as PNG. */
const noise = async (side: number) => {
  const raw = { width: side, height: side, channels: 3 as const }
  return (
    await sharp(randomBytes(side * side * 3), { raw })
      .png()
      .toBuffer()
  ).toString('base64')
}
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

/** A runner that hands each write into its object store to `watch`. */
async function runnerWith(served: ServedKillatamata, name: string, watch: (writing: Promise<void>) => Promise<void>) {
  const parts = served.newParts()
  const { media, close } = await openMedia(parts, name)
  const write: typeof media.objects.write = (...given) => watch(media.objects.write(...given))
  const stopping = new AbortController()
  const dependencies = { ...parts.dependenciesOf('killatamata-media', newProcessHealth()), signal: stopping.signal }
  const running = runMedia({ ...dependencies, media: { ...media, objects: { ...media.objects, write } } })
  open.push({
    async stop() {
      stopping.abort()
      await running
      await close()
    },
  })
}

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

describe('row K12: files of attempts that broke off', () => {
  it('are kept by nobody once the job has failed', async () => {
    const served = await serving({}, [])
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const { body } = await served.post('media/jobs', sound, ada.key)
    let stored = 0
    await runnerWith(served, 'breaking', async (writing) => {
      await writing
      stored += 1
      throw new Error('cut off')
    })
    const end = await endOf(served, ada.key, body.externalJobId)
    expect(end.result.error).toStrictEqual({
      ...{ code: 'provider_failed', message: 'Every attempt at the job broke off.' },
    })
    expect(stored).toBe(3)
    await eventually(async () => {
      expect(await served.parts.media.objects.list('media/outputs/', undefined, 10)).toStrictEqual([])
    }, WAIT_MS)
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

describe('row K15: a full disk of the object store', () => {
  const root = temporaryDirectory()
  const objects = join(root.path, 'objects')
  let disk: Disk
  beforeAll(() => {
    disk = smallDiskAt(objects)
  })
  afterAll(() => {
    disk.free()
    disk.unmount()
    root.remove()
  })

  const starting = async (waits: string, processes = RUNNER) => {
    const served = await serving({ DATA_DIR: root.path, MEDIA_STORE_RETRY_WAITS_MS: waits }, processes)
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const balance = async () => (await served.get('balance', ada.key)).body
    return { served, ada, balance, key: ada.key }
  }

  it('has a job wait, fail and cost nothing, leaves no part of a file, and is 503 to requests with bytes', async () => {
    const { served, key, balance } = await starting('20,20,20,20')
    // The worker is there before the disk is full.
    expect(await endOf(served, key, (await served.post('media/jobs', sound, key)).body.externalJobId)).toMatchObject({
      status: 'completed',
    })
    const before = await balance()
    disk.fill()
    const edit = { task: 'image.edit', input: { prompt: 'x', sourceImage: { dataBase64: await noise(1_024) } } }
    const refused = await served.post('media/jobs', edit, key)
    expect(refused).toMatchObject({ status: 503, body: { code: 'dependency_unavailable' } })
    expect(refused.headers.get('retry-after')).not.toBeNull()
    const { body } = await served.post('media/jobs', song, key)
    const end = await endOf(served, key, body.externalJobId)
    expect(end.result).toStrictEqual({ error: { code: 'provider_failed', message: 'The files could not be stored.' } })
    expect(await balance()).toMatchObject({ usdBalanceMicros: before.usdBalanceMicros, usdHeldMicros: 0 })
    disk.free()
    expect(readdirSync(join(objects, '.unfinished'))).toStrictEqual([])
    expect(await served.parts.media.objects.list('media/outputs/', undefined, 10)).toHaveLength(1)
    expect(await served.post('media/jobs', edit, key)).toMatchObject({ status: 201 })
  })

  it('that has room again in time costs the job nothing but time', async () => {
    const { served, key, balance } = await starting(Array.from({ length: 20 }, () => '500').join(), [])
    let refused = 0
    await runnerWith(served, 'waiting', (writing) =>
      writing.catch((error: unknown) => {
        refused += 1
        throw error
      }),
    )
    disk.fill()
    const { body } = await served.post('media/jobs', song, key)
    await eventually(() => expect(refused).toBeGreaterThan(1), WAIT_MS)
    expect((await served.get(`media/jobs?jobId=${body.externalJobId}`, key)).body.status).toBe('processing')
    disk.free()
    const end = await endOf(served, key, body.externalJobId)
    expect(end).toMatchObject({ status: 'completed', billing: { usdChargedMicros: 96_000 } })
    expect((await fetch(end.outputUrl)).status).toBe(200)
    expect(await balance()).toMatchObject({ usdBalanceMicros: 904_000, usdHeldMicros: 0 })
  })
})

describe('row K15: a full disk under everything that an instance keeps', () => {
  const root = temporaryDirectory()
  const data = join(root.path, 'data')
  let disk: Disk
  beforeAll(() => {
    disk = smallDiskAt(data)
  })
  const { TMPDIR } = process.env
  afterAll(() => {
    disk.free()
    disk.unmount()
    root.remove()
    if (TMPDIR === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = TMPDIR
  })

  it('is 503 to every request that brings bytes, and a job fails and costs nothing', async () => {
    const served = await serving({ DATA_DIR: data, KILLATAMATA_SANDBOX: 'off', MEDIA_STORE_RETRY_WAITS_MS: '20' })
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const { project } = (await served.post('studio/projects', { title: 'Sea' }, ada.key)).body
    const described = { description: 'A game.', shortDescription: 'A game.', title: 'A game', tags: [] }
    const { game } = (await served.post('arcade/games', { ...described, slug: 'a-game' }, ada.key)).body
    process.env.TMPDIR = data
    disk.fill()
    const bytes = await noise(1_024)
    const edit = { task: 'image.edit', input: { prompt: 'x', sourceImage: { dataBase64: bytes } } }
    const refused = await served.post('media/jobs', edit, ada.key)
    const path = `/api/v1/studio/assets/upload?projectId=${project.projectId}&filename=sea.png`
    const headers = { 'content-type': 'application/octet-stream' }
    const upload = () => served.ask('POST', path, { key: ada.key, raw: Buffer.from(bytes, 'base64'), headers })
    const uploaded = await upload()
    expect([refused, uploaded].map(({ status, body }) => [status, body.code])).toStrictEqual([
      [503, 'dependency_unavailable'],
      [503, 'dependency_unavailable'],
    ])
    const bundle = zipOf([...gameFiles, { name: 'noise.png', data: Buffer.from(bytes, 'base64') }])
    expect(await served.release(game.gameId, ada.key, { bundle })).toMatchObject({ code: 'dependency_unavailable' })
    const { body } = await served.post('media/jobs', song, ada.key)
    const end = await endOf(served, ada.key, body.externalJobId)
    expect(end.result.error.code).toBe('provider_failed')
    expect((await served.get('balance', ada.key)).body).toMatchObject({ usdBalanceMicros: 1_000_000, usdHeldMicros: 0 })
    disk.free()
    expect(await upload()).toMatchObject({ status: 201 })
    expect(await served.post('media/jobs', edit, ada.key)).toMatchObject({ status: 201 })
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
