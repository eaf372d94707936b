/** The store in a bucket of a service that knows what S3 knew before its SDK sent checksums with everything. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ObjectStore } from '../../../src/adapters/object-store/object-store.ts'
import { s3Bucket, startS3Server } from './s3-server.ts'
import { describeStore, newKey } from './store-contract.ts'
import { refusalOf, startStrictService } from './strict-service.ts'

const now = new Date()
let server: Awaited<ReturnType<typeof startS3Server>>
let service: Awaited<ReturnType<typeof startStrictService>>
let store: ObjectStore

beforeAll(async () => {
  server = await startS3Server(() => now)
  service = await startStrictService(server.endpoint)
  store = server.storeWith({ endpoint: service.endpoint })
})
afterAll(async () => {
  service.stop()
  await server.stop()
})

describeStore('the S3 store at a strict service', () => ({ store, directory: server.directory, now }))

describe('a strict service', () => {
  it('was asked by path style, for nothing that it does not know', () => {
    const calls = new Set(service.asked.map(({ method }) => method))
    expect(calls).toStrictEqual(new Set(['PUT', 'GET', 'HEAD', 'DELETE']))
    expect(service.asked.filter((each) => refusalOf(each) !== undefined)).toStrictEqual([])
    expect(service.asked.filter(({ path }) => !path.startsWith(`/${s3Bucket}`))).toStrictEqual([])
  })

  it('takes an upload by its link with the headers that are told, whose length and type are signed', async () => {
    const bytes = Buffer.from('a picture of a door')
    const expiresAt = new Date(now.getTime() + 60_000)
    const upload = { key: newKey('uploads'), contentType: 'image/png', sizeBytes: bytes.length, expiresAt }
    const { url, headers } = store.putLink(upload)
    expect((await fetch(url, { method: 'PUT', headers: { ...headers }, body: bytes })).status).toBe(200)
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host')
    expect(service.asked.at(-1)?.headers).toMatchObject({ 'content-length': '19', 'content-type': 'image/png' })
  })

  it('refuses checksums, chunks that are signed, and a body without a length', () => {
    const put = { method: 'PUT', path: '/b/files/x', headers: { 'content-length': '1' } }
    expect(refusalOf(put)).toBeUndefined()
    expect(refusalOf({ ...put, path: '/b/files/x?x-amz-checksum-crc32=AAAAAA%3D%3D' })).toBe(501)
    expect(refusalOf({ ...put, headers: { ...put.headers, 'x-amz-sdk-checksum-algorithm': 'CRC32' } })).toBe(501)
    expect(refusalOf({ ...put, headers: { ...put.headers, 'content-encoding': 'aws-chunked' } })).toBe(501)
    expect(refusalOf({ ...put, headers: {} })).toBe(411)
  })
})
