/** The store in a bucket: by key, by its links, and when the service is away. */
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { attachment } from '../../../src/adapters/object-store/content-disposition.ts'
import type { ObjectStore } from '../../../src/adapters/object-store/object-store.ts'
import { createS3Store } from '../../../src/adapters/object-store/s3-store.ts'
import { createLinkSigner, type SignedRequest } from '../../../src/adapters/object-store/signature.ts'
import { s3Key, startS3Server } from './s3-server.ts'
import { describeStore, newKey, sha256 } from './store-contract.ts'

const now = new Date()
const contentType = 'image/png'
const inAMinute = new Date(now.getTime() + 60_000)
let server: Awaited<ReturnType<typeof startS3Server>>
let store: ObjectStore

beforeAll(async () => {
  server = await startS3Server(() => now)
  store = server.storeWith()
})
afterAll(() => server.stop())

describeStore('the S3 store', () => ({ store, directory: server.directory, now }))

/** What the SDK adds to the query, which S3 passes over, and which it signs like the rest. */
const ADDED = ['x-id', 'X-Amz-Content-Sha256']
const SIGNATURE = 'X-Amz-Signature'

/** Both links say the same; and their signature is ours, once what the SDK adds is signed too. */
function expectSame(ours: string, theirs: string, signed: Pick<SignedRequest, 'method' | 'headers'>): void {
  const [own, other] = [new URL(ours), new URL(theirs)]
  const saying = (link: URL) => Object.fromEntries([...link.searchParams].filter(([name]) => !ADDED.includes(name)))
  const unsigned = (link: URL) => ({ ...saying(link), [SIGNATURE]: '', at: link.origin + link.pathname })
  expect(unsigned(own)).toStrictEqual(unsigned(other))
  const query = Object.fromEntries([...other.searchParams].filter(([name]) => !/^X-Amz-(?!Content)/.test(name)))
  const url = new URL(other.pathname, other.origin)
  const again = createLinkSigner({ region: 'eu-central-1', ...s3Key })({
    ...signed,
    url,
    query,
    at: now,
    expiresInS: 60,
  })
  expect(new URL(again).searchParams.get(SIGNATURE)).toBe(other.searchParams.get(SIGNATURE))
}

describe('a link of S3', () => {
  it('takes an upload, and gives the file as an attachment of its type', async () => {
    const key = newKey('uploads')
    const bytes = Buffer.from('a picture of a door')
    const { url, headers } = store.putLink({ key, contentType, sizeBytes: bytes.length, expiresAt: inAMinute })
    expect(headers).toStrictEqual({ 'content-type': contentType })
    const sent = await fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes })
    expect([sent.status, await sent.text()]).toStrictEqual([200, ''])
    expect((await buffer(await store.read(key))).equals(bytes)).toBe(true)
    const got = await fetch(store.getLink({ key, contentType, filename: 'Tür.png', expiresAt: inAMinute }))
    expect(got.headers.get('content-disposition')).toBe(attachment('Tür.png'))
    expect(got.headers.get('content-type')).toBe(contentType)
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true)
  })

  it('ends at its time', async () => {
    const key = newKey('files')
    await store.write(key, Buffer.from('x'), { contentType, sha256: sha256(Buffer.from('x')) })
    const before = server.storeWith({ now: () => new Date(now.getTime() - 120_000) })
    const link = (ofStore: ObjectStore, endsMs: number) =>
      ofStore.getLink({ key, contentType, filename: 'x', expiresAt: new Date(now.getTime() + endsMs) })
    expect((await fetch(link(before, 60_000))).status).toBe(200)
    expect((await fetch(link(before, -60_000))).status).toBe(403)
  })

  /** The service for tests lets other methods and headers pass, so signatures are held against the SDK's own. */
  it.each([
    ['another service', 'https://objects.example:9000', 'opslog-test'],
    ['another service under a path', 'https://example.org/s3', 'opslog-test'],
    ['AWS', undefined, 'opslog-test'],
    ['AWS with a name with dots', undefined, 'files.example.org'],
  ])('is that of the SDK: %s', async (_, endpoint, bucket) => {
    const region = 'eu-central-1'
    const ours = createS3Store({ bucket, endpoint, region, ...s3Key, now: () => now })
    const client = new S3Client({
      ...{ region, credentials: s3Key },
      ...{ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' },
      forcePathStyle: endpoint !== undefined || bucket.includes('.'),
      ...(endpoint && { endpoint }),
    })
    const of = { Bucket: bucket, Key: newKey() }
    const options = { expiresIn: 60, signingDate: now }
    const filename = `it's (a) "Tür"!.png`
    const disposition = attachment(filename)
    const get = new GetObjectCommand({
      ...of,
      ResponseContentType: contentType,
      ResponseContentDisposition: disposition,
    })
    const ourGet = ours.getLink({ key: of.Key, contentType, filename, expiresAt: inAMinute })
    expectSame(ourGet, await getSignedUrl(client, get, options), { method: 'GET', headers: {} })

    const put = new PutObjectCommand({ ...of, ContentType: contentType, ContentLength: 12 })
    const headers = { 'content-type': contentType, 'content-length': '12' }
    const signableHeaders = new Set([...Object.keys(headers), 'host'])
    const theirPut = await getSignedUrl(client, put, { ...options, signableHeaders })
    const { url: ourPut } = ours.putLink({ key: of.Key, contentType, sizeBytes: 12, expiresAt: inAMinute })
    expectSame(ourPut, theirPut, { method: 'PUT', headers })
    client.destroy()
  })
})

/** A service that wants to be asked more slowly so many times, and then takes what it is sent. */
async function startBusyService(refusals: number) {
  let asked = 0
  const taken: Buffer[] = []
  const busy = createServer(async (request, response) => {
    asked += 1
    const body = await buffer(request)
    if (asked <= refusals) {
      const fault = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>'
      return void response.writeHead(503, { 'content-type': 'application/xml' }).end(fault)
    }
    taken.push(body)
    response.writeHead(200, { etag: '"x"' }).end()
  })
  busy.listen(0, '127.0.0.1')
  await new Promise((resolve) => busy.once('listening', resolve))
  return {
    endpoint: `http://127.0.0.1:${(busy.address() as AddressInfo).port}`,
    taken,
    asked: () => asked,
    stop() {
      busy.close()
      busy.closeAllConnections()
    },
  }
}

describe('a service that asks to be asked more slowly', () => {
  const bytes = Buffer.from('a picture of a door')
  const facts = { contentType, sha256: sha256(bytes) }

  it.each(['memory', 'a file'])('gets the whole of what is stored from %s, a little later', async (from) => {
    const service = await startBusyService(2)
    try {
      const file = join(server.directory, 'slowly')
      await writeFile(file, bytes)
      const busy = server.storeWith({ endpoint: service.endpoint })
      await busy.write(newKey(), from === 'memory' ? bytes : file, facts)
      expect([service.asked(), service.taken]).toStrictEqual([3, [bytes]])
    } finally {
      service.stop()
    }
  })

  it.each(['memory', 'a file'])('is away after three times, for what comes from %s', async (from) => {
    const service = await startBusyService(3)
    try {
      const file = join(server.directory, 'never')
      await writeFile(file, bytes)
      const busy = server.storeWith({ endpoint: service.endpoint })
      const writing = busy.write(newKey(), from === 'memory' ? bytes : file, facts)
      await expect(writing).rejects.toMatchObject({ name: 'ObjectStoreUnavailable' })
      expect([service.asked(), service.taken]).toStrictEqual([3, []])
    } finally {
      service.stop()
    }
  })
})

describe('a service that is away', () => {
  it('is told as that, while links are still made', async () => {
    const away = server.storeWith({ endpoint: 'http://127.0.0.1:1' })
    const key = newKey('files')
    const asking = [away.read(key), away.head(key), away.copy(key, newKey()), away.delete(key)]
    for (const { status, reason } of (await Promise.allSettled(asking)) as PromiseRejectedResult[]) {
      expect([status, reason?.name]).toStrictEqual(['rejected', 'ObjectStoreUnavailable'])
    }
    expect(away.getLink({ key, contentType, filename: 'x', expiresAt: inAMinute })).toContain(key)
  })

  it('is told as that when it breaks off, or answers 503', async () => {
    const broken = createServer((request, response) => {
      if (request.url?.includes('busy')) return void response.writeHead(503).end()
      response.writeHead(200, { 'content-length': '10' }).write('half')
      setImmediate(() => response.destroy())
    })
    broken.listen(0, '127.0.0.1')
    await new Promise((resolve) => broken.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(broken.address() as AddressInfo).port}`
    const away = server.storeWith({ endpoint })
    const unavailable = { name: 'ObjectStoreUnavailable' }
    await expect(away.read('files/busy').then(buffer)).rejects.toMatchObject(unavailable)
    await expect(away.read('files/half').then(buffer)).rejects.toMatchObject(unavailable)
    broken.close()
    broken.closeAllConnections()
  })

  it('is told as that when it answers a copy with 200 and a fault, as S3 may', async () => {
    const failing = createServer((request, response) => {
      request.resume()
      const isThere = request.method === 'HEAD' && request.url?.includes('uploads')
      if (request.method === 'HEAD') return void response.writeHead(isThere ? 200 : 404).end()
      const fault = '<?xml version="1.0"?><Error><Code>InternalError</Code><Message>Try again.</Message></Error>'
      response.writeHead(200, { 'content-type': 'application/xml' }).end(fault)
    })
    failing.listen(0, '127.0.0.1')
    await new Promise((resolve) => failing.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(failing.address() as AddressInfo).port}`
    const copying = server.storeWith({ endpoint }).copy(newKey('uploads'), newKey('originals'))
    await expect(copying).rejects.toMatchObject({ name: 'ObjectStoreUnavailable' })
    failing.close()
    failing.closeAllConnections()
  })

  it('is told as that when it has no such bucket', async () => {
    const other = server.storeWith({ bucket: 'no-such-bucket' })
    await expect(other.read(newKey())).rejects.toMatchObject({ name: 'ObjectStoreUnavailable' })
  })
})
