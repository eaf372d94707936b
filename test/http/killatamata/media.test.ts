/** Media jobs over HTTP: what is held and charged, files that are what was asked for, and who is told of the end. */
import { createPublicKey, randomUUID, verify } from 'node:crypto'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../projections/support.ts'
import { temporaryDirectory } from '../../support/services.ts'
import { answers, type Receiver, startReceiver } from '../../support/webhook-receiver.ts'
import { bytesAt, endOf, made, PROCESSES, picture, probed, sha256, WAIT_MS } from './media-jobs.ts'
import { type Customer, type ServedKillatamata, startKillatamata } from './serving.ts'

const DOLLAR = 1_000_000n
let served: ServedKillatamata
let ada: Customer
let ben: Customer
let receiver: Receiver
const scratch = temporaryDirectory()

beforeAll(async () => {
  const env = { WEBHOOK_ALLOW_PRIVATE: 'true', CALLBACK_RETRY_WAITS_MS: '20,20', CALLBACK_POLL_INTERVAL_MS: '50' }
  served = await startKillatamata({ processes: PROCESSES, env })
  receiver = await startReceiver()
  ;[ada, ben] = [await served.customer('ada'), await served.customer('ben')]
  await served.credited(ada, 100n * DOLLAR)
}, WAIT_MS)

afterAll(async () => {
  await served.stop()
  await receiver.close()
  scratch.remove()
}, WAIT_MS)

const balance = async () => (await served.get('balance', ada.key)).body

describe('a picture', () => {
  it('is held for, made in its size and format, charged, and fetched by an address that nobody can guess', async () => {
    const before = await balance()
    const input = { prompt: 'a red fox by the sea', aspectRatio: '16:9', outputFormat: '.png', upscale: true }
    const { submitted, end } = await made(served, ada.key, 'image.generate', input)
    // 1344 × 768 pixels at 20,000 for 1,048,576, and a quarter more.
    const plain = Math.ceil((1_344 * 768 * 20_000) / 1_048_576)
    const price = Math.ceil(plain * 1.25)
    expect(submitted).toMatchObject({
      ...{ ok: true, task: 'image.generate', usdChargedMicros: price, stagedInputCount: 0 },
      usdBalanceMicros: before.usdBalanceMicros - price,
      effectiveInput: { width: 1_344, height: 768, outputFormat: 'png', upscale: true },
      inputAdjustments: [{ field: 'outputFormat', requested: '.png', effective: 'png', reason: 'normalized_alias' }],
      result: { status: 'queued' },
    })
    expect(end).toMatchObject({ status: 'completed', ok: true, billing: { usdChargedMicros: price } })
    expect(end.expectedOutputUrls).toStrictEqual(end.downloadableOutputUrls)
    expect(end.generatedImageIds).toStrictEqual({ '0': end.outputFiles[0].fileId })
    expect(await balance()).toMatchObject({
      ...{ usdBalanceMicros: before.usdBalanceMicros - price, usdHeldMicros: 0 },
    })
    const { bytes, headers } = await bytesAt(end.outputUrl)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'png', width: 2_016, height: 1_152 })
    expect(sha256(bytes)).toBe(end.outputFiles[0].sha256)
    expect(Object.fromEntries(headers)).toMatchObject({
      ...{ 'content-type': 'image/png', 'x-content-type-options': 'nosniff', 'accept-ranges': 'bytes' },
      'content-security-policy': "sandbox; default-src 'none'",
    })
    expect(end.outputUrl).toMatch(/\/killatamata\/media\/files\/job_[0-9A-Z]{26}\/[0-9a-f]{48}\/image\.png$/)
  })

  it('is edited in a size of whole steps, and of what was sent with the request nothing is left in the log', async () => {
    const dataBase64 = await picture(300, 200, 'jpeg')
    const sourceImage = { dataBase64, mimeType: 'image/png' }
    const { submitted, end } = await made(served, ada.key, 'image.edit', { prompt: 'bluer', sourceImage })
    expect(submitted).toMatchObject({ stagedInputCount: 1, effectiveInput: { width: 288, height: 192 } })
    expect(submitted.inputAdjustments).toStrictEqual([
      { field: 'sourceImage', requested: 'image/png', effective: 'image/jpeg', reason: 'detected_from_bytes' },
      {
        ...{ field: 'sourceImage', requested: { width: 300, height: 200 }, effective: { width: 288, height: 192 } },
        reason: 'snapped_to_multiple_of_32',
      },
    ])
    const { bytes } = await bytesAt(end.outputUrl)
    expect(await sharp(bytes).metadata()).toMatchObject({ format: 'webp', width: 288, height: 192 })
    // The file of one job is a source of the next, by its address.
    const again = await made(served, ada.key, 'image.edit', { prompt: 'darker', sourceImageUrl: end.outputUrl })
    expect(again).toMatchObject({ submitted: { stagedInputCount: 0 }, end: { status: 'completed' } })
  })

  it('that was uploaded to the studio is a source by its address, and is measured before the job is taken', async () => {
    const { project } = (await served.post('studio/projects', { title: 'Pictures' }, ada.key)).body
    const upload = async (filename: string, raw: Buffer) => {
      const path = `/api/v1/studio/assets/upload?projectId=${project.projectId}&filename=${filename}`
      const headers = { 'content-type': 'application/octet-stream' }
      return (await served.ask('POST', path, { key: ada.key, raw, headers })).body.asset.url as string
    }
    const sourceImageUrl = await upload('sea.png', Buffer.from(await picture(640, 320), 'base64'))
    const edited = await made(served, ada.key, 'image.edit', { prompt: 'darker', sourceImageUrl })
    expect(edited.submitted).toMatchObject({ stagedInputCount: 0, effectiveInput: { width: 640, height: 320 } })
    expect(edited.end.status).toBe('completed')
    const wrong = [
      sourceImageUrl.replace(/[0-9a-f]{48}/, 'a'.repeat(48)),
      await upload('notes.txt', Buffer.from('sea')),
    ]
    for (const url of wrong) {
      const input = { prompt: 'darker', sourceImageUrl: url }
      const refused = await served.post('media/jobs', { task: 'image.edit', input }, ada.key)
      expect(refused).toMatchObject({ status: 400, body: { code: 'media_input_invalid' } })
    }
  })

  it('at an address of this instance that is no file’s is refused as an address', async () => {
    for (const path of ['/healthz', '/killatamata/api/v1/health', '/']) {
      const input = { prompt: 'darker', sourceImageUrl: `${served.url}${path}` }
      const refused = await served.post('media/jobs', { task: 'image.edit', input }, ada.key)
      const told = [refused.status, refused.body.code, refused.body.errors[0].pointer]
      expect(told).toStrictEqual([400, 'url_not_allowed', '/input/sourceImage'])
    }
  })

  it('that is none is refused at once, and one from elsewhere that is none gives its money back', async () => {
    const before = await balance()
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>').toString('base64')
    const png = await picture(64, 64)
    const wrong = [svg, 'no*base64', 'data:text/html,x', `data:text/html;base64,${png}`, `data:audio/wav;base64,${png}`]
    for (const sourceImage of wrong.map((dataBase64) => ({ dataBase64 }))) {
      const refused = await served.post(
        'media/jobs',
        { task: 'image.edit', input: { prompt: 'x', sourceImage } },
        ada.key,
      )
      expect(refused).toMatchObject({ status: 400, body: { code: 'media_input_invalid' } })
    }
    const { submitted, end } = await made(served, ada.key, 'image.edit', {
      prompt: 'x',
      sourceImageUrl: `${receiver.url}/x`,
    })
    expect(submitted).toMatchObject({ usdChargedMicros: 30_000, pricingMeta: { billedAt: 'completion' } })
    expect(end).toMatchObject({ ok: false, status: 'failed', billing: { usdChargedMicros: 0 } })
    expect(end.result.error.code).toBe('input_unavailable')
    expect(await balance()).toMatchObject({ usdBalanceMicros: before.usdBalanceMicros, usdHeldMicros: 0 })
  })
})

describe('a clip from elsewhere that cannot be looked at in time', () => {
  const size = { width: 64, height: 64 }
  /** Micro-dollars of so many frames. */
  const priceOf = (frames: number) => Math.ceil((size.width * size.height * frames * 200) / 1_000_000)

  /** Resized; when it is asked for, its address does not answer yet. */
  async function resized(hints: object) {
    const clip = await made(served, ada.key, 'video.generate', { prompt: 'x', ...size, durationFrames: 9 })
    const { bytes } = await bytesAt(clip.end.outputUrl)
    receiver.behave(
      answers(503),
      (response) => void response.writeHead(200, { 'content-type': 'video/mp4' }).end(bytes),
    )
    const input = { sourceVideoUrl: `${receiver.url}/clip.mp4`, ...size, ...hints }
    return made(served, ada.key, 'video.resize', input)
  }

  it('is held for by what is said of it, or by eight seconds; what it is charged then is its own', async () => {
    const usual = await resized({})
    expect(usual.submitted).toMatchObject({
      ...{ usdChargedMicros: priceOf(8 * 60), pricingMeta: { billedAt: 'completion' } },
    })
    expect(usual.end).toMatchObject({ status: 'completed', billing: { usdChargedMicros: priceOf(18) } })
    const hinted = await resized({ frameRate: 60, sourceDurationSeconds: 0.5 })
    expect(hinted.submitted.usdChargedMicros).toBe(priceOf(30))
    expect(hinted.end).toMatchObject({ status: 'completed', billing: { usdChargedMicros: priceOf(18) } })
    expect((await balance()).usdHeldMicros).toBe(0)
  })

  it('is not resized where it costs more than was held by what was said of it', async () => {
    const before = await balance()
    const { submitted, end } = await resized({ frameRate: 1, sourceDurationSeconds: 0.1 })
    expect(submitted.usdChargedMicros).toBe(priceOf(1))
    expect(end).toMatchObject({ status: 'failed', billing: { usdChargedMicros: 0 } })
    expect(end.result.error.code).toBe('input_unusable')
    // The clip that was made for it has cost what it costs.
    const spent = Math.ceil((64 * 64 * 9 * 500) / 1_000_000)
    expect(await balance()).toMatchObject({
      ...{ usdBalanceMicros: before.usdBalanceMicros - spent, usdHeldMicros: 0 },
    })
  })
})

describe('sounds', () => {
  it('are spoken in the format of their provider, and gemini is billed by what was said', async () => {
    const text = 'The tide comes in. The tide goes out.'
    const omni = await made(served, ada.key, 'audio.speak', {
      text,
      quality: '96k',
      voiceDescription: 'female, whisper',
    })
    expect(omni.submitted.usdChargedMicros).toBe(15 * text.length)
    const spoken = await probed(scratch.path, (await bytesAt(omni.end.outputUrl)).bytes)
    expect(spoken.audio).toMatchObject({ codec_name: 'opus' })
    expect(Number(spoken.format.bit_rate)).toBeGreaterThan(85_000)
    const gemini = await made(served, ada.key, 'audio.speak', { text, provider: 'gemini' })
    expect(gemini.submitted).toMatchObject({
      usdChargedMicros: 40 * text.length,
      effectiveInput: { voiceName: 'Kore' },
    })
    const wav = await probed(scratch.path, (await bytesAt(gemini.end.outputUrl)).bytes)
    expect(wav).toMatchObject({ audio: { codec_name: 'pcm_s16le' }, format: { format_name: 'wav' } })
    const exact = 40 * Math.ceil(Math.round(wav.durationS * 1_000) / 100)
    expect(gemini.end.billing.usdChargedMicros).toBe(Math.min(40 * text.length, exact))
  })

  it('of music and of noises last as long as asked', async () => {
    const music = await made(served, ada.key, 'ace.step.create', { tags: 'calm', lyrics: 'la', durationSeconds: 15 })
    expect(music.submitted.usdChargedMicros).toBe(12_000)
    const noise = await made(served, ada.key, 'moss.sound.effect', { prompt: 'rain', durationSeconds: 3 })
    for (const [{ end }, seconds] of [
      [music, 15],
      [noise, 3],
    ] as const) {
      const { audio, durationS } = await probed(scratch.path, (await bytesAt(end.outputUrl)).bytes)
      expect(audio.codec_name).toBe('opus')
      expect(Math.abs(durationS - seconds)).toBeLessThan(0.1)
    }
  })
})

describe('a request', () => {
  it('under one key is one job, whatever comes at once; other content is refused', async () => {
    const body = {
      task: 'moss.sound.effect',
      input: { prompt: 'wind', durationSeconds: 1 },
      idempotencyKey: randomUUID(),
    }
    const all = await Promise.all(Array.from({ length: 10 }, () => served.post('media/jobs', body, ada.key)))
    const taken = all.filter(({ status }) => status === 201)
    expect(new Set(taken.map((each) => JSON.stringify(each.body))).size).toBe(1)
    const again = await served.post('media/jobs', body, ada.key)
    expect(again).toMatchObject({ status: 201, body: taken[0]?.body })
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = { ...body, input: { prompt: 'storm', durationSeconds: 1 } }
    expect(await served.post('media/jobs', other, ada.key)).toMatchObject({
      ...{ status: 409, body: { code: 'idempotency_key_reused' } },
    })
    const both = await served.post('media/jobs', body, ada.key, { 'x-idempotency-key': 'another' })
    expect(both).toMatchObject({ status: 400, body: { code: 'conflicting_inputs' } })
  })

  it('without enough money makes nothing, and says what it takes', async () => {
    const refused = await served.post('media/jobs', { task: 'image.generate', input: { prompt: 'x' } }, ben.key)
    expect(refused).toMatchObject({ status: 402, body: { code: 'insufficient_balance' } })
    expect(refused.body.detail).toBe('20000 micro-dollars are required, and 0 are available.')
  })

  it('goes nowhere private, for its inputs and for its callback', async () => {
    const refusedBy = async (input: object, more: object = {}) =>
      (await served.post('media/jobs', { task: 'image.edit', input: { prompt: 'x', ...input }, ...more }, ada.key)).body
    for (const sourceImageUrl of [
      'https://10.0.0.1/x.png',
      'http://example.com/x.png',
      'https://user@example.com/x.png',
    ]) {
      expect(await refusedBy({ sourceImageUrl })).toMatchObject({
        ...{ code: 'url_not_allowed', errors: [{ pointer: '/input/sourceImage' }] },
      })
    }
    const sourceImage = { dataBase64: await picture(64, 64) }
    const told = await refusedBy({ sourceImage }, { completionCallbackUrl: 'https://169.254.169.254/latest' })
    expect(told).toMatchObject({ code: 'url_not_allowed', errors: [{ pointer: '/completionCallbackUrl' }] })
  })

  it('is nobody else’s to see, and its files answer ranges', async () => {
    const { end } = await made(served, ada.key, 'moss.sound.effect', { prompt: 'steps', durationSeconds: 1 })
    const jobId = end.externalJobId
    expect(await served.get(`media/jobs?jobId=${jobId}`, ben.key)).toMatchObject({
      ...{ status: 404, body: { code: 'media_job_not_found' } },
    })
    const whole = await bytesAt(end.outputUrl)
    const part = await bytesAt(end.outputUrl, { range: 'bytes=100-199' })
    expect(part.status).toBe(206)
    expect(part.bytes).toStrictEqual(whole.bytes.subarray(100, 200))
    expect(part.headers.get('content-range')).toBe(`bytes 100-199/${whole.bytes.length}`)
    expect((await bytesAt(end.outputUrl, { range: `bytes=${whole.bytes.length}-` })).status).toBe(416)
    expect((await bytesAt(end.outputUrl, { 'if-none-match': whole.headers.get('etag') ?? '' })).status).toBe(304)
    const guessed = end.outputUrl.replace(/\/[0-9a-f]{48}\//, `/${'a'.repeat(48)}/`)
    expect((await bytesAt(guessed)).status).toBe(404)
  })
})

describe('the end of a job', () => {
  it('is told once, signed with the published key, under the same id until it is taken', async () => {
    receiver.behave(answers(500), answers(302, { location: `${receiver.url}/elsewhere` }), answers(200))
    const from = receiver.received.length
    const body = { task: 'moss.sound.effect', input: { prompt: 'bell', durationSeconds: 1 } }
    const asked = { ...body, completionCallbackUrl: `${receiver.url}/told` }
    const submitted = await served.post('media/jobs', asked, ada.key)
    const end = await endOf(served, ada.key, submitted.body.externalJobId)
    const told = await eventually(() => {
      const all = receiver.received.slice(from)
      if (all.length < 3) throw new Error('it was not told yet')
      return all
    }, WAIT_MS)
    const { pathname } = new URL(asked.completionCallbackUrl)
    expect(told.map(({ path }) => path)).toStrictEqual([pathname, pathname, pathname])
    expect(new Set(told.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    expect(new Set(told.map((each) => each.body)).size).toBe(1)
    const { keys } = (await served.ask('GET', '/.well-known/callback-keys.json')).body
    const publicKey = createPublicKey({ key: keys[0], format: 'jwk' })
    for (const { headers, body: text } of told) {
      const [version, signature = ''] = String(headers['webhook-signature']).split(',')
      const signed = Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.${text}`)
      expect(version).toBe('v1a')
      expect(verify(null, signed, publicKey, Buffer.from(signature, 'base64'))).toBe(true)
    }
    expect(told[0]?.event).toMatchObject({
      ...{ event: 'media.job.completed', externalJobId: end.externalJobId, status: 'completed', error: null },
      ...{ outputUrl: end.outputUrl, outputFiles: end.outputFiles, completedAt: expect.any(String) },
    })
    await eventually(async () => {
      const rows = await served.db
        .selectFrom('killatamata_callbacks' as never)
        .selectAll()
        .execute()
      expect(rows).toMatchObject([{ status: 'delivered', attempts: 3 }])
    })
  })
})
