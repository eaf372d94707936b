/** A provider's queue over HTTP: what it is sent, what its answers mean, and what is never followed. */
import { mkdtempSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type RenderOrder, SubmissionUnknown } from '../../../src/adapters/media/order.ts'
import { lookAtMade } from '../../../src/adapters/media/queue-files.ts'
import { createQueueProvider } from '../../../src/adapters/media/queue-http.ts'
import { temporaryDirectory } from '../../support/services.ts'

interface Asked {
  method: string
  url: string
  headers: IncomingMessage['headers']
  body: string
}
type Answer = { status?: number; json?: unknown; location?: string }

let asked: Asked[] = []
/** One after the other; the last one stays. */
let answers: Answer[] = []
let url = ''
const directory = temporaryDirectory()
const { signal } = new AbortController()
const server = createServer(async (request, response) => {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) chunks.push(chunk as Uint8Array)
  const { method = '', url: path = '', headers } = request
  asked.push({ method, url: path, headers, body: Buffer.concat(chunks).toString() })
  const { status = 200, json = {}, location } = (answers.length > 1 ? answers.shift() : answers[0]) ?? {}
  response.writeHead(status, location === undefined ? {} : { location }).end(JSON.stringify(json))
})
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
beforeEach(() => {
  asked = []
  answers = []
})
afterAll(async () => {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  directory.remove()
})

const names = { width: 'image_size.width', height: 'image_size.height', sourceImage: 'image_url' }
const fetched: string[] = []
const provider = (bodyMaxBytes = 10_000) =>
  createQueueProvider({
    ...{ url, key: 'secret', models: { 'image.edit': { model: 'house/edit/fast', names } } },
    callbackUrl: async (requestId, attempt) => `https://api.example/callbacks/${requestId}/${attempt}?a=b`,
    async fetchMade(from, { outputNames }, index) {
      fetched.push(from)
      return { name: outputNames[index] ?? '', path: '', mimeType: '', sizeBytes: 0, sha256: '', measures: {} }
    },
    log: { warn: () => undefined },
    limits: { requestMs: 2_000, pollMs: 1, bodyMaxBytes },
  })

function job(bytes: Uint8Array = Buffer.from('picture')) {
  const place = mkdtempSync(join(directory.path, 'job-'))
  const path = join(place, 'input-0')
  writeFileSync(path, bytes)
  const order: RenderOrder = {
    ...{ task: 'image.edit', input: { prompt: 'bluer', width: 64, height: 32, seed: null } },
    inputs: [
      { field: 'sourceImage', index: 0, path, mimeType: 'image/png' },
      { field: 'referenceImages', index: 0, path, mimeType: 'image/png', isList: true },
    ],
    ...{ directory: place, outputNames: ['image.webp'] },
  }
  return { requestId: 'request-1', attempt: 2, order }
}

describe('a submission', () => {
  it('goes to the task’s model, under its names, with its key and the address of its callback', async () => {
    answers = [{ json: { request_id: 'abc-1' } }]
    expect(await provider().submit(job(), signal)).toStrictEqual({ ref: 'house/edit#abc-1' })
    const [one] = asked
    const data = `data:image/png;base64,${Buffer.from('picture').toString('base64')}`
    expect(one).toMatchObject({
      ...{ method: 'POST', headers: { authorization: 'Key secret', 'content-type': 'application/json' } },
      url: `/house/edit/fast?fal_webhook=${encodeURIComponent('https://api.example/callbacks/request-1/2?a=b')}`,
    })
    expect(JSON.parse(one?.body ?? '')).toStrictEqual({
      ...{ prompt: 'bluer', image_size: { width: 64, height: 32 }, image_url: data, referenceImages: [data] },
    })
  })

  it('that was turned away is tried again, and one of which nobody knows is not', async () => {
    answers = [{ status: 429 }, { status: 503 }, { json: { request_id: 'abc-2' } }]
    expect(await provider().submit(job(), signal)).toStrictEqual({ ref: 'house/edit#abc-2' })
    for (const unknown of [{ status: 502 }, { status: 200, json: {} }, { json: { request_id: '../x' } }]) {
      asked = []
      answers = [unknown]
      await expect(provider().submit(job(), signal)).rejects.toBeInstanceOf(SubmissionUnknown)
      expect(asked).toHaveLength(1)
    }
  })

  it('that leads elsewhere is not followed with the key', async () => {
    answers = [{ status: 307, location: `${url}/elsewhere` }]
    await expect(provider().submit(job(), signal)).rejects.toBeInstanceOf(SubmissionUnknown)
    expect(asked.map((each) => each.url.split('?')[0])).toStrictEqual(['/house/edit/fast'])
  })

  it('that is refused says why in words of our own, and one that is too large is not sent', async () => {
    const content = { detail: [{ type: 'content_policy_violation', msg: 'secret words' }] }
    for (const [answer, code] of [
      [{ status: 422, json: content }, 'content_refused'],
      [{ status: 422, json: { detail: [{ type: 'missing' }] } }, 'input_unusable'],
      [{ status: 401 }, 'provider_failed'],
    ] as const) {
      answers = [answer]
      const refused = provider().submit(job(), signal)
      await expect(refused).rejects.toMatchObject({ name: 'RenderFailed', code })
      await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('secret') })
    }
    asked = []
    const large = provider().submit(job(Buffer.alloc(8_000)), signal)
    await expect(large).rejects.toMatchObject({ code: 'input_unusable' })
    expect(asked).toStrictEqual([])
  })
})

describe('work under way', () => {
  it('is asked about at its model, and its files are where its result says, whatever else answers name', async () => {
    const away = { status_url: 'https://elsewhere.example/status', response_url: 'https://elsewhere.example' }
    const images = [{ url: 'https://files.example/1.webp', width: 64 }]
    answers = [
      { json: { status: 'IN_QUEUE', ...away } },
      { status: 202, json: { status: 'IN_PROGRESS' } },
      { json: { status: 'COMPLETED' } },
      { json: { images } },
    ]
    const asking = provider()
    const one = job()
    expect(await asking.poll('house/edit#abc', one, signal)).toStrictEqual({ status: 'running' })
    expect(await asking.poll('house/edit#abc', one, signal)).toStrictEqual({ status: 'running' })
    expect(await asking.poll('house/edit#abc', one, signal)).toMatchObject({ status: 'done' })
    const [status, result] = ['/house/edit/requests/abc/status', '/house/edit/requests/abc']
    expect(asked.map((each) => each.url)).toStrictEqual([status, status, status, result])
    expect(fetched.splice(0)).toStrictEqual(['https://files.example/1.webp'])
  })

  it('that failed has failed, and so has what the queue does not know or give out for long', async () => {
    const failed = { status: 'failed', code: 'provider_failed' }
    answers = [{ json: { status: 'COMPLETED', error: 'out of memory' } }]
    expect(await provider().poll('house/edit#abc', job(), signal)).toMatchObject(failed)
    answers = [{ json: { status: 'COMPLETED' } }, { json: { images: [] } }]
    expect(await provider().poll('house/edit#abc', job(), signal)).toMatchObject(failed)
    answers = [{ status: 404 }]
    const asking = provider()
    const ends = []
    for (let tries = 0; tries < 5; tries++) ends.push((await asking.poll('house/edit#abc', job(), signal)).status)
    expect(ends).toStrictEqual(['running', 'running', 'running', 'running', 'failed'])
  })

  it('is called by ids of the queue alone', () => {
    const { refOf } = provider()
    expect(refOf?.('image.edit', 'abc-1')).toBe('house/edit#abc-1')
    for (const id of ['../x', 'a/b', '', 'a#b', 'x'.repeat(101)]) expect(refOf?.('image.edit', id)).toBeUndefined()
    expect(refOf?.('image.generate', 'abc-1')).toBeUndefined()
  })
})

describe('a file that was made elsewhere', () => {
  it('is of the type and size that were asked for, or is none', async () => {
    const place = mkdtempSync(join(directory.path, 'made-'))
    const path = join(place, 'made')
    const probed = { mimeType: 'image/webp', measures: { width: 64, height: 32 } }
    await sharp({ create: { width: 64, height: 32, channels: 3, background: 'red' } })
      .webp()
      .toFile(path)
    const looking = { workers: { probe: async () => probed }, prober: () => ({}) as never }
    const look = (input: object, name: string) =>
      lookAtMade(looking, path, { input: { ...input }, outputNames: [name] }, 0)
    expect(await look({ width: 64, height: 32 }, 'image.webp')).toMatchObject({
      mimeType: 'image/webp',
      ...{ sha256: expect.any(String) },
    })
    const other = { code: 'provider_failed', message: 'The provider has made something else than was asked for.' }
    await expect(look({ width: 64, height: 64 }, 'image.webp')).rejects.toMatchObject(other)
    await expect(
      look({ width: 32, height: 16, outputWidth: 48, outputHeight: 24 }, 'image.webp'),
    ).rejects.toMatchObject(other)
    await expect(look({ width: 64, height: 32 }, 'image.png')).rejects.toMatchObject(other)
    for (const name of ['annotation.json', 'model.glb']) await expect(look({}, name)).rejects.toMatchObject(other)
    writeFileSync(path, 'glTF and so on')
    expect(await look({}, 'model.glb')).toMatchObject({ mimeType: 'model/gltf-binary' })
    writeFileSync(path, '{"words": []}')
    expect(await look({}, 'annotation.json')).toMatchObject({ mimeType: 'application/json', sizeBytes: 13 })
  })
})
