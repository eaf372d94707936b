/** Fetches from elsewhere that do not end by themselves (K17): they end at a bound of bytes, of time or of hops, and leave no connection. */
import { mkdtempSync, readdirSync, statSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { fetchFile, type Outbound } from '../../../../src/processes/killatamata/media/outbound.ts'
import { endOf } from '../../../http/killatamata/media-jobs.ts'
import { startKillatamata } from '../../../http/killatamata/serving.ts'
import { eventually } from '../../../projections/support.ts'
import { temporaryDirectory } from '../../../support/services.ts'

vi.setConfig({ testTimeout: 60_000 })
const KIB = 1_024
const outbound: Outbound = { allowsLoopback: true, sandboxOrigin: () => undefined, resolve: async () => [] }
const directory = temporaryDirectory()
const stops: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop()
})
afterAll(() => directory.remove())

/** A server that counts the connections that are open. */
async function sending(listener: RequestListener) {
  const server = createServer(listener)
  let open = 0
  server.on('connection', (socket) => {
    open += 1
    socket.on('close', () => {
      open -= 1
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  stops.push(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.png`, open: () => open }
}

const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
/** Begins like a picture, and goes on for as long as it is read. */
const endless: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'image/png' })
  response.write(PNG)
  const more = () => {
    while (!response.destroyed && response.write(Buffer.alloc(64 * KIB)));
  }
  response.on('drain', more)
  more()
}
const dripping: RequestListener = (_, response) => {
  response.writeHead(200, { 'content-type': 'image/png' })
  const timer = setInterval(() => response.write('.'), 20)
  response.on('close', () => clearInterval(timer))
}

const place = () => mkdtempSync(join(directory.path, 'fetched-'))
const fetching = (url: string, to: string, more: { bytesMax?: number; timeoutMs?: number } = {}) =>
  fetchFile(outbound, { url, to, bytesMax: 256 * KIB, timeoutMs: 30_000, ...more })

describe('row K17: an input from elsewhere', () => {
  it('that never ends is given up at the bound of its kind, and the connection is cut', async () => {
    const { url, open } = await sending(endless)
    const to = join(place(), 'x.png')
    await expect(fetching(url, to)).rejects.toMatchObject({
      ...{ name: 'NotFetched', message: `The input has more than ${256 * KIB} bytes.` },
    })
    expect(statSync(to).size).toBeLessThanOrEqual(256 * KIB)
    await eventually(() => expect(open()).toBe(0))
  })

  it('that comes byte by byte is given up in time', async () => {
    const { url, open } = await sending(dripping)
    const asked = fetching(url, join(place(), 'x.png'), { timeoutMs: 300 })
    await expect(asked).rejects.toMatchObject({ name: 'NotFetched', message: 'The input could not be fetched.' })
    await eventually(() => expect(open()).toBe(0))
  })

  it('that always leads on is followed three times', async () => {
    let asked = 0
    const { url } = await sending((request, response) => {
      asked += 1
      response.writeHead(302, { location: `${request.url}/on` }).end()
    })
    await expect(fetching(url, join(place(), 'x.png'))).rejects.toMatchObject({
      ...{ name: 'NotFetched', message: 'The address led on more than 3 times.' },
    })
    expect(asked).toBe(4)
  })

  it('fails a job that is given it, which costs nothing', async () => {
    const { url, open } = await sending(endless)
    const env = { WEBHOOK_ALLOW_PRIVATE: 'true', MEDIA_IMAGE_MAX_BYTES: String(256 * KIB) }
    const served = await startKillatamata({ processes: ['killatamata-media'], env })
    stops.push(served.stop)
    const ada = await served.customer('ada')
    await served.credited(ada, 1_000_000n)
    const job = { task: 'image.edit', input: { prompt: 'x', sourceImageUrl: url } }
    const { body } = await served.post('media/jobs', job, ada.key)
    const end = await endOf(served, ada.key, body.externalJobId)
    expect(end).toMatchObject({ status: 'failed', billing: { usdChargedMicros: 0 } })
    expect(end.result.error).toStrictEqual({
      ...{ code: 'input_unavailable', message: `The input has more than ${256 * KIB} bytes.` },
    })
    expect((await served.get('balance', ada.key)).body).toMatchObject({ usdBalanceMicros: 1_000_000, usdHeldMicros: 0 })
    await eventually(() => expect(open()).toBe(0))
    const works = join(served.config.DATA_DIR, 'media', 'killatamata-media')
    await eventually(() => expect(readdirSync(works)).toStrictEqual([]))
  })
})
