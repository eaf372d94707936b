/** Links of the disk store over HTTP: what a client can send and fetch by them, and what it cannot. */
import { execFile } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ListedObject } from '../../../../src/adapters/object-store/object-store.ts'
import { errors } from '../../../../src/http/firsthand/errors.ts'
import { sha256 } from '../../../adapters/object-store/store-contract.ts'
import { type ObjectServer, startObjectServer } from './object-server.ts'

const PNG = 'image/png'
const bytes = randomBytes(100_000)

let server: ObjectServer
beforeAll(async () => {
  server = await startObjectServer()
})
afterAll(() => server.stop())

const newKey = (kind: string) => `${kind}/live/org_1/${randomUUID()}`
const inAMinute = () => new Date(server.clock().getTime() + 60_000)
const putLink = (sizeBytes: number, { key = newKey('uploads'), contentType = PNG, of = server } = {}) => ({
  ...{ key, ...of.objects.putLink({ key, contentType, sizeBytes, expiresAt: inAMinute() }) },
})
const put = (url: string, body: Uint8Array | string, headers: Record<string, string> = { 'content-type': PNG }) =>
  fetch(url, { method: 'PUT', body: body as NonNullable<RequestInit['body']>, headers })

/** A stored file with a link to it. */
async function stored(content: Uint8Array = bytes, { filename = 'door.png', contentType = PNG } = {}) {
  const key = newKey('files')
  await server.objects.write(key, content, { contentType, sha256: sha256(content) })
  return { key, url: server.objects.getLink({ key, contentType, filename, expiresAt: inAMinute() }) }
}

interface Refusal {
  error: { type: string; message: string; request_id: string }
}
async function refusalOf(response: Response): Promise<[status: number, type: string]> {
  const body = (await response.json()) as Refusal
  expect(errors.schema.safeParse(body).success).toBe(true)
  return [response.status, body.error.type]
}

const headOf = async (key: string) => (await server.objects.head(key))?.sizeBytes
const unfinished = (of = server) => readdir(join(of.directory, '.unfinished')).catch(() => [])

/** A connection on which a test writes by hand. */
async function raw(port: number, head: string): Promise<{ socket: Socket; answer: Promise<string> }> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('data', (data) => {
    received += data.toString('latin1')
  })
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(head)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return { socket, answer: closed.then(() => received) }
}
const rawHead = (url: string, ...headers: string[]) =>
  `${['PUT', new URL(url).pathname, 'HTTP/1.1'].join(' ')}\r\n${['host: x', `content-type: ${PNG}`, ...headers].join('\r\n')}\r\n\r\n`

it('answers a download once, in a process that has served something before it knew of files', async () => {
  const program = join(import.meta.dirname, 'late-server.ts')
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [program])
  expect(stderr).toBe('')
  const whole = { status: 200, bytes: 100_000 }
  expect(JSON.parse(stdout)).toEqual([
    { ...whole, isReused: false },
    { ...whole, isReused: true },
  ])
})

describe('PUT of a link', () => {
  it('stores the bytes, once', async () => {
    const { key, url, headers } = putLink(bytes.length)
    const response = await put(url, bytes, { ...headers })
    expect([response.status, await response.text()]).toStrictEqual([200, ''])
    expect(response.headers.get('x-request-id')).toBe('req_1')
    expect(await headOf(key)).toBe(bytes.length)
    for (const again of [bytes, randomBytes(bytes.length)]) {
      expect(await refusalOf(await put(url, again))).toStrictEqual([409, 'conflict'])
    }
  })

  it.each([
    ['longer', 11, { 'content-type': PNG }, 413],
    ['shorter', 9, { 'content-type': PNG }, 400],
    ['empty', 0, { 'content-type': PNG }, 400],
    ['of another type', 10, { 'content-type': 'image/jpeg' }, 400],
    ['of its type with a parameter', 10, { 'content-type': `${PNG}; charset=utf-8` }, 400],
    ['compressed', 10, { 'content-type': PNG, 'content-encoding': 'gzip' }, 400],
  ])('refuses a body that is %s, and takes the right one after it', async (_, size, headers, status) => {
    const { key, url } = putLink(10)
    expect(await refusalOf(await put(url, 'x'.repeat(size), headers))).toStrictEqual([status, 'invalid_request'])
    expect(await headOf(key)).toBeUndefined()
    expect((await put(url, 'x'.repeat(10))).status).toBe(200)
  })

  it.each([
    ['longer', 11, '413 '],
    ['shorter', 9, '400 '],
    ['right', 10, '200 '],
  ])('sees by itself that a body in chunks is %s', async (_, size, status) => {
    const { url } = putLink(10)
    const body = `1\r\nx\r\n`.repeat(size)
    const { answer } = await raw(
      server.port,
      `${rawHead(url, 'transfer-encoding: chunked', 'connection: close')}${body}0\r\n\r\n`,
    )
    expect(await answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status}`))
  })

  it('ends chunks without an end as soon as they are too many', async () => {
    const { key, url } = putLink(1_000)
    const { socket, answer } = await raw(server.port, rawHead(url, 'transfer-encoding: chunked'))
    const chunk = `400\r\n${'x'.repeat(1_024)}\r\n`
    const pour = () => {
      while (!socket.destroyed && socket.write(chunk));
    }
    socket.on('drain', pour)
    pour()
    expect(await answer).toMatch(/^HTTP\/1\.1 413 /)
    expect(await headOf(key)).toBeUndefined()
    expect(await unfinished()).toStrictEqual([])
  })

  it('asks a client that waits for the body only where it takes it', async () => {
    const { url } = putLink(10)
    const head = rawHead(url, 'content-length: 10', 'expect: 100-continue', 'connection: close')
    const first = await raw(server.port, head)
    const [said] = await once(first.socket, 'data')
    expect(String(said)).toMatch(/^HTTP\/1\.1 100 /)
    first.socket.write('x'.repeat(10))
    expect(await first.answer).toMatch(/\r\nHTTP\/1\.1 200 /)
    const again = await raw(server.port, head)
    expect(await again.answer).toMatch(/^HTTP\/1\.1 409 /)
  })

  it('of a client that goes away leaves nothing, and may be repeated', async () => {
    const { key, url } = putLink(10)
    const { socket } = await raw(server.port, `${rawHead(url, 'content-length: 10')}half`)
    await expect.poll(() => unfinished()).toHaveLength(1)
    socket.destroy()
    await expect.poll(() => unfinished()).toHaveLength(0)
    expect(await headOf(key)).toBeUndefined()
    expect((await put(url, 'x'.repeat(10))).status).toBe(200)
  })

  it('of 500 at once is stored for one of them', async () => {
    const { key, url } = putLink(bytes.length)
    const statuses = await Promise.all(
      Array.from({ length: 500 }, async () => {
        const response = await put(url, bytes)
        await response.arrayBuffer()
        return response.status
      }),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(statuses.filter((status) => status === 409)).toHaveLength(499)
    expect(await headOf(key)).toBe(bytes.length)
    await expect.poll(() => unfinished()).toHaveLength(0)
  })
})

describe('an upload that stands still', () => {
  it('is cut, and leaves nothing', async () => {
    const hasty = await startObjectServer({ idleMs: 150 })
    try {
      const { key, url } = putLink(10, { of: hasty })
      const { answer } = await raw(hasty.port, `${rawHead(url, 'content-length: 10')}half`)
      await answer
      await expect.poll(() => unfinished(hasty)).toHaveLength(0)
      expect(await hasty.objects.head(key)).toBeUndefined()
    } finally {
      await hasty.stop()
    }
  })
})

describe('bounds', () => {
  it('of uploads at once are told, and a place that is given back is taken', async () => {
    const small = await startObjectServer({ uploadsMax: 1 })
    try {
      const [first, second] = [putLink(10, { of: small }), putLink(10, { of: small })]
      const { socket, answer } = await raw(
        small.port,
        `${rawHead(first.url, 'content-length: 10', 'connection: close')}half`,
      )
      await expect.poll(() => unfinished(small)).toHaveLength(1)
      const refused = await put(second.url, 'x'.repeat(10))
      expect(refused.headers.get('retry-after')).toBe('5')
      expect(await refusalOf(refused)).toStrictEqual([503, 'internal_error'])
      socket.write(' over.')
      expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
      expect((await put(second.url, 'x'.repeat(10))).status).toBe(200)
    } finally {
      await small.stop()
    }
  })
})

describe('places for uploads', () => {
  it('are half one organization’s at most: another’s file is taken beside its slow ones', async () => {
    const small = await startObjectServer({ uploadsMax: 2 })
    try {
      const slow = putLink(10, { of: small })
      const head = rawHead(slow.url, 'content-length: 10', 'connection: close')
      const { socket, answer } = await raw(small.port, `${head}half`)
      await expect.poll(() => unfinished(small)).toHaveLength(1)
      const own = await put(putLink(10, { of: small }).url, 'x'.repeat(10))
      expect(await refusalOf(own)).toStrictEqual([503, 'internal_error'])
      const key = `uploads/live/org_2/${randomUUID()}`
      expect((await put(putLink(10, { of: small, key }).url, 'x'.repeat(10))).status).toBe(200)
      socket.write(' over.')
      expect(await answer).toMatch(/^HTTP\/1\.1 200 /)
    } finally {
      await small.stop()
    }
  })
})

describe('GET of a link', () => {
  it('sends the file as an attachment that no page of ours runs', async () => {
    const { url } = await stored(bytes, { filename: 'Tür "1".png' })
    const response = await fetch(url)
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': PNG,
      'content-length': String(bytes.length),
      'content-disposition': `attachment; filename="T_r 1.png"; filename*=UTF-8''T%C3%BCr%201.png`,
      'accept-ranges': 'bytes',
      'x-content-type-options': 'nosniff',
      'content-security-policy': "sandbox; default-src 'none'",
      'cross-origin-resource-policy': 'same-site',
      'referrer-policy': 'no-referrer',
      'cache-control': 'private, no-cache',
      'x-request-id': 'req_1',
    })
  })

  it('sends types that are none of ours as bytes', async () => {
    const { url } = await stored(Buffer.from('<script>'), { contentType: 'text/html' })
    expect((await fetch(url)).headers.get('content-type')).toBe('application/octet-stream')
  })

  it('answers HEAD with the same headers and no body', async () => {
    const { url } = await stored()
    const [get, head] = [await fetch(url), await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-1' } })]
    await get.arrayBuffer()
    const without = ({ headers }: Response) =>
      Object.fromEntries([...headers].filter(([name]) => !['date', 'connection', 'keep-alive'].includes(name)))
    expect(head.status).toBe(200)
    expect(without(head)).toStrictEqual(without(get))
    expect(await head.text()).toBe('')
  })

  it('sends an empty file', async () => {
    const { url } = await stored(Buffer.alloc(0))
    const response = await fetch(url)
    expect([response.status, response.headers.get('content-length'), await response.text()]).toStrictEqual([
      200,
      '0',
      '',
    ])
  })

  it.each([
    ['bytes=0-0', 0, 0],
    ['bytes=5-9', 5, 9],
    ['bytes=99990-', 99_990, 99_999],
    ['bytes=-10', 99_990, 99_999],
    ['bytes=-200000', 0, 99_999],
    ['bytes=99999-200000', 99_999, 99_999],
    ['bytes= 0 - 4', 0, 4],
  ])('sends the part %s', async (range, first, last) => {
    const { url } = await stored()
    const response = await fetch(url, { headers: { range } })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${first}-${last}/${bytes.length}`)
    expect(Buffer.from(await response.arrayBuffer()).equals(bytes.subarray(first, last + 1))).toBe(true)
  })

  it.each(['bytes=100000-', 'bytes=100000-100001', 'bytes=-0', 'bytes=999999999999999-'])(
    'refuses the part %s',
    async (range) => {
      const { url } = await stored()
      const response = await fetch(url, { headers: { range } })
      expect(response.headers.get('content-range')).toBe(`bytes */${bytes.length}`)
      expect(await refusalOf(response)).toStrictEqual([416, 'invalid_request'])
    },
  )

  it.each([
    'bytes=0-0,5-9',
    'bytes=9-5',
    'bytes=a-b',
    'bytes=-',
    'lines=0-1',
    `bytes=${'0-0,'.repeat(2_000)}0-0`,
    'bytes=99999999999999999999-',
  ])('passes over the range %s', async (range) => {
    const { url } = await stored()
    const response = await fetch(url, { headers: { range } })
    expect([response.status, (await response.arrayBuffer()).byteLength]).toStrictEqual([200, bytes.length])
  })

  it('knows by the tag what the client has', async () => {
    const { url } = await stored()
    const first = await fetch(url)
    await first.arrayBuffer()
    const etag = first.headers.get('etag') ?? ''
    expect(etag).toMatch(/^"[0-9a-f]{32}"$/)
    const same = await fetch(url, { headers: { 'if-none-match': `"other", ${etag}` } })
    expect([same.status, await same.text(), same.headers.get('etag')]).toStrictEqual([304, '', etag])
    const range = 'bytes=0-1'
    const statusOf = async (headers: Record<string, string>) => {
      const response = await fetch(url, { headers })
      await response.arrayBuffer()
      return response.status
    }
    expect(await statusOf({ range, 'if-range': etag })).toBe(206)
    expect(await statusOf({ range, 'if-range': '"other"' })).toBe(200)
    expect(await statusOf({ 'if-none-match': '"other"' })).toBe(200)
  })

  it('answers 404 when the file is gone', async () => {
    const { key, url } = await stored()
    await server.objects.delete(key)
    expect(await refusalOf(await fetch(url))).toStrictEqual([404, 'not_found'])
  })

  it('lets no client that takes nothing hold the file', async () => {
    const hasty = await startObjectServer({ idleMs: 150, downloadsMax: 1 })
    try {
      const key = newKey('files')
      const large = Buffer.alloc(32 * 1_048_576)
      await hasty.objects.write(key, large, { contentType: PNG, sha256: sha256(large) })
      const of: Pick<ListedObject, 'key'> = { key }
      const url = hasty.objects.getLink({ ...of, contentType: PNG, filename: 'x', expiresAt: inAMinute() })
      const { socket } = await raw(hasty.port, `GET ${new URL(url).pathname} HTTP/1.1\r\nhost: x\r\n\r\n`)
      await once(socket, 'data')
      socket.pause()
      expect((await fetch(url, { method: 'HEAD' })).status).toBe(503)
      await expect.poll(async () => (await fetch(url, { method: 'HEAD' })).status).toBe(200)
      socket.destroy()
    } finally {
      await hasty.stop()
    }
  })
})

describe('a link', () => {
  it('is good for its method alone', async () => {
    const upload = putLink(bytes.length)
    const { url } = await stored()
    for (const response of [
      await fetch(upload.url),
      await fetch(upload.url, { method: 'HEAD' }),
      await put(url, bytes),
    ]) {
      expect(response.status).toBe(403)
    }
    for (const method of ['POST', 'DELETE', 'PATCH', 'OPTIONS']) {
      const response = await fetch(url, { method })
      expect(response.headers.get('allow')).toBe('GET, HEAD, PUT')
      expect(await refusalOf(response)).toStrictEqual([405, 'invalid_request'])
    }
    expect((await put(upload.url, bytes)).status).toBe(200)
  })

  it('is good for nothing with a changed byte in any part', async () => {
    const { url } = await stored()
    const start = url.lastIndexOf('/') + 1
    const dot = url.indexOf('.', start)
    const places = [start, start + 10, dot - 1, dot, dot + 1, url.length - 1]
    for (const at of places) {
      const changed = url.slice(0, at) + (url[at] === 'A' ? 'B' : 'A') + url.slice(at + 1)
      expect(await refusalOf(await fetch(changed)), `at ${at}`).toStrictEqual([403, 'authorization_error'])
    }
  })

  it('ends at its time', async () => {
    const late = await startObjectServer()
    try {
      const expiresAt = new Date(late.clock().getTime() + 1_000)
      const key = newKey('files')
      const get = late.objects.getLink({ key, contentType: PNG, filename: 'x', expiresAt })
      const upload = late.objects.putLink({ key: newKey('uploads'), contentType: PNG, sizeBytes: 1, expiresAt })
      late.passMs(999)
      expect((await fetch(get)).status).toBe(404)
      late.passMs(1)
      expect(await refusalOf(await fetch(get))).toStrictEqual([403, 'authorization_error'])
      expect(await refusalOf(await put(upload.url, 'x'))).toStrictEqual([403, 'authorization_error'])
    } finally {
      await late.stop()
    }
  })
})
