/** What the kernel of HTTP does for a contract, seen on the sample context over a real socket and a real event store. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { documentOf } from '../../src/http/document.ts'
import { defaultHttpLimits } from '../../src/http/environment.ts'
import { sampleApi } from './api.ts'
import { type ServedSample, startSample } from './serving.ts'

let served: ServedSample
const onStreamEnd = vi.fn()
const onPause = vi.fn()
const rows = Array.from({ length: 5 }, (_, at) => ({ id: at + 1, tenant: 'acme', colour: at % 2 ? 'red' : 'blue' }))

beforeAll(async () => {
  served = await startSample({ rows, onStreamEnd, onPause, doorMax: 4 })
})
afterAll(() => served.close())

const KEY = { authorization: 'Bearer key-acme-notes' }
const ask = (path: string, init?: RequestInit) => fetch(`http://127.0.0.1:${served.port}/sample${path}`, init)
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  ask(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } })

/** All that comes back for the head of a POST to /notes, while the body is not sent; `onData` may write on. */
async function postHead(headers: readonly string[], onData: (text: string, socket: Socket) => void = () => undefined) {
  const socket = connect(served.port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString()
    onData(data.toString(), socket)
  })
  const lines = ['POST /sample/notes HTTP/1.1', 'host: x', 'content-type: application/json', ...headers]
  socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  await once(socket, 'close')
  return answer
}

describe('a body', () => {
  it('is not waited for where the request is refused without it: the connection closes', async () => {
    const answer = await postHead(['content-length: 1000'])
    expect(answer).toMatch(/^HTTP\/1\.1 401 [\s\S]*connection: close/i)
  })

  it('is asked for, by a client that waits, only once the request is known to be allowed', async () => {
    const waiting = ['content-length: 16', 'expect: 100-continue']
    expect(await postHead(waiting)).toMatch(/^HTTP\/1\.1 401 /)
    const allowed = [...waiting, `authorization: ${KEY.authorization}`, 'idempotency-key: waits', 'connection: close']
    const answer = await postHead(allowed, (text, socket) => {
      if (text.startsWith('HTTP/1.1 100 ')) socket.write('{"text":"hello"}')
    })
    expect(answer).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 201 /)
  })
})

describe('requests without a key', () => {
  it('have a bound by the minute and client address; those with a key go on', async () => {
    let now = 1_000
    const small = await startSample({ rows, nowMs: () => now, limits: { anonymousPerMinuteMax: 4 } })
    try {
      const statusOf = async (path: string, headers = {}) => (await fetch(`${small.url}${path}`, { headers })).status
      const paths = ['/docs/problems', '/sample/openapi.json', '/nowhere', '/sample/keyset']
      const first = []
      for (const path of paths) first.push(await statusOf(path))
      expect(first).toStrictEqual([200, 200, 404, 401])
      for (const path of paths) expect([path, await statusOf(path)]).toStrictEqual([path, 429])
      expect([
        await statusOf('/sample/keyset', KEY),
        await statusOf('/healthz'),
        await statusOf('/readyz'),
      ]).toStrictEqual([200, 200, 200])
      now += 60_000
      expect(await statusOf('/sample/keyset')).toBe(401)
    } finally {
      await small.close()
    }
  })
})

describe('a document', () => {
  it('comes compressed to clients that take it so, and is the same', async () => {
    const plain = await fetch(`${served.url}/sample/openapi.json`, { headers: { 'accept-encoding': 'identity' } })
    const zipped = await fetch(`${served.url}/sample/openapi.json`, {
      headers: { 'accept-encoding': 'br, gzip;q=0.5' },
    })
    const unwanted = await fetch(`${served.url}/sample/openapi.json`, { headers: { 'accept-encoding': 'gzip;q=0' } })
    const encodings = [plain, zipped, unwanted].map(({ headers }) => headers.get('content-encoding'))
    expect(encodings).toStrictEqual([null, 'gzip', null])
    expect(await zipped.json()).toStrictEqual(await plain.json())
    expect(zipped.headers.get('vary')).toBe('accept-encoding')
  })

  it.each(['/sample/openapi.json', '/docs', '/docs/start.js', '/docs/problems', '/docs/problems/internal_error'])(
    '%s has a tag for each of its forms, and is not sent again to who has it',
    async (path) => {
      const ask = (headers: Record<string, string>) => fetch(served.url + path, { headers })
      const [plain, zipped] = ['identity', 'gzip'].map((form) => ({ 'accept-encoding': form }))
      const tags = [await ask(plain ?? {}), await ask(zipped ?? {})].map(({ headers }) => headers.get('etag') ?? '')
      expect(tags).toStrictEqual([expect.stringMatching(/^"[\w-]{22}"$/), `${tags[0]?.slice(0, -1)}-gzip"`])
      const statusWith = async (tag: string) => {
        const answer = await ask({ ...plain, 'if-none-match': tag })
        return [answer.status, answer.headers.get('etag'), (await answer.text()).length > 0]
      }
      const known = [304, tags[0], false]
      expect(await statusWith(tags[0] ?? '')).toStrictEqual(known)
      expect(await statusWith(`"x", W/${tags[0]}`)).toStrictEqual(known)
      expect(await statusWith(tags[1] ?? '')).toStrictEqual([200, tags[0], true])
    },
  )

  it('of a refusal is a page or JSON, as the client asks, each with a tag of its own', async () => {
    const ask = (accept: string) => fetch(`${served.url}/docs/problems/internal_error`, { headers: { accept } })
    const [page, json] = [await ask('text/html'), await ask('application/json')]
    expect([page.headers.get('content-type'), page.headers.get('vary')]).toStrictEqual([
      'text/html; charset=utf-8',
      'accept, accept-encoding',
    ])
    expect(await json.json()).toMatchObject({ code: 'internal_error' })
    expect(page.headers.get('etag')).not.toBe(json.headers.get('etag'))
  })
})

describe('an Idempotency-Key header', () => {
  it('answers a repeat as the first time, and refuses the key for another body', async () => {
    const headers = { ...KEY, 'idempotency-key': randomUUID() }
    const first = await post('/notes', { text: 'hello' }, headers)
    const again = await post('/notes', { text: 'hello' }, headers)
    expect([first.status, again.status]).toStrictEqual([201, 201])
    expect(await again.json()).toStrictEqual(await first.json())
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await post('/notes', { text: 'other' }, headers)
    expect([other.status, await other.json()]).toMatchObject([409, { error: { kind: 'idempotency_key_reused' } }])
  })

  it('is asked for where it is required', async () => {
    expect((await post('/notes', { text: 'hello' }, KEY)).status).toBe(400)
  })

  it('is refused where it is sent twice, which Node would join to one', async () => {
    const body = '{"text":"hello"}'
    const head = ['POST /sample/notes HTTP/1.1', 'host: x', 'connection: close', `authorization: ${KEY.authorization}`]
    const rest = ['content-type: application/json', `content-length: ${body.length}`, 'idempotency-key: a']
    const socket = connect(served.port, '127.0.0.1')
    let answer = ''
    socket.on('data', (data) => {
      answer += data.toString()
    })
    socket.write(`${[...head, ...rest, 'Idempotency-Key: b'].join('\r\n')}\r\n\r\n${body}`)
    await once(socket, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*The header idempotency-key must be sent once/s)
  })
})

describe('refusals', () => {
  it('have the context’s body, statuses and codes, its own and the kernel’s', async () => {
    const headers = { ...KEY, 'idempotency-key': randomUUID(), 'x-request-id': 'mine' }
    const unfit = await post('/notes', { text: '' }, headers)
    expect([unfit.status, await unfit.json()]).toMatchObject([422, { error: { kind: 'unfit_body' }, request: 'mine' }])
    const own = await post('/notes', { text: 'unfit' }, headers)
    expect([own.status, await own.json()]).toMatchObject([418, { error: { kind: 'note_unfit' } }])
    const nowhere = await ask('/nowhere', { headers: KEY })
    expect([nowhere.status, await nowhere.json()]).toMatchObject([404, { error: { kind: 'route_not_found' } }])
    expect(nowhere.headers.get('x-request-id')).toMatch(/^req_/)
  })

  it('are those that the document names', () => {
    const { responses } = documentOf(sampleApi).paths?.['/notes']?.post ?? {}
    expect(responses?.['422']?.description).toBe('Refused: unfit_body.')
    expect(responses?.['418']?.description).toBe('Refused: note_unfit.')
    expect(Object.keys(responses ?? {})).not.toContain('404')
  })

  it('of a body come after the caller is known, and at the operation’s own limit', async () => {
    const long = { text: 'x'.repeat(600) }
    expect((await post('/notes', long)).status).toBe(401)
    expect((await post('/notes', long, { ...KEY, 'idempotency-key': 'k' })).status).toBe(413)
  })
})

describe('ways of signing in', () => {
  const who = async (headers: Record<string, string>) => {
    const answer = await ask('/who', { headers })
    return answer.ok ? ((await answer.json()) as { who: string | null }).who : answer.status
  }

  it('are tried in turn, and nobody is taken where that is allowed', async () => {
    expect(await who({})).toBeNull()
    expect(await who({ authorization: 'Bearer key-acme' })).toBe('acme')
    expect(await who({ authorization: 'Bearer machine-robot' })).toBe('robot')
    expect(await who({ 'x-api-key': 'key-other' })).toBe('other')
    expect(await who({ cookie: 'session=session-browser' })).toBe('browser')
    expect(await who({ authorization: 'Bearer nonsense' })).toBe(401)
  })

  it('belong to an operation each: a good key of another kind is refused as such', async () => {
    expect((await ask('/machines', { headers: { authorization: 'Bearer machine-robot' } })).status).toBe(200)
    const other = await ask('/machines', { headers: KEY })
    expect([other.status, await other.json()]).toMatchObject([403, { error: { kind: 'credential_elsewhere' } }])
    expect((await ask('/keyset', { headers: { authorization: 'Bearer key-acme' } })).status).toBe(403)
  })
})

describe('bodies', () => {
  it('may be left out where they are optional; an answer sets as many cookies as it has', async () => {
    const without = await ask('/sign-in', { method: 'POST' })
    expect(without.status).toBe(204)
    expect(without.headers.getSetCookie()).toStrictEqual([
      'first=a%20first; Path=/; HttpOnly',
      'second=a%20second; Path=/; HttpOnly',
    ])
    expect(await (await post('/sign-in', { name: 'x' })).json()).toStrictEqual({ said: { name: 'x' } })
  })

  it('may be JSON under another media type', async () => {
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    expect(await (await post('/plain', { n: 1 }, headers)).json()).toStrictEqual({ said: { n: 1 } })
    expect((await post('/plain', { n: 1 })).status).toBe(415)
  })

  it('may be bytes of any type', async () => {
    const headers = { 'content-type': 'application/x-anything' }
    const answer = await ask('/raw', { method: 'POST', body: new Uint8Array([0, 255, 10]), headers })
    expect(await answer.json()).toStrictEqual({ said: 3 })
  })

  it('may be streamed, up to the operation’s limit', async () => {
    const send = (size: number) =>
      ask('/upload', {
        method: 'POST',
        body: new Uint8Array(size),
        headers: { ...KEY, 'content-type': 'application/octet-stream' },
      })
    expect(await (await send(900_000)).json()).toStrictEqual({ said: 900_000 })
    expect((await send(1_000_001)).status).toBe(413)
  })
})

describe('what is looked at first', () => {
  const fit = { first: 1, second: 2, third: 3 }

  it('is the head, before anybody is asked who it is and before the body', async () => {
    const unfit = await ask('/door?colour=unfit', { method: 'POST', body: '{' })
    expect([unfit.status, await unfit.json()]).toMatchObject([418, { error: { kind: 'note_unfit' } }])
    const red = await post('/door?colour=unfit', fit, { ...KEY, 'x-colour': 'red' })
    expect([red.status, await red.json()]).toStrictEqual([200, { said: fit }])
  })

  it('is the count of an address, also of what is refused because of who asks', async () => {
    const statuses = []
    // Two have knocked before.
    for (const headers of [{}, {}, KEY]) statuses.push((await post('/door', fit, headers)).status)
    expect(statuses).toStrictEqual([401, 401, 429])
  })
})

describe('JSON', () => {
  it('comes under the context’s media types too, which the document does not name', async () => {
    const as = (type: string) =>
      post('/notes', { text: 'hello' }, { ...KEY, 'idempotency-key': randomUUID(), 'content-type': type })
    expect((await as('application/vnd.sample+json')).status).toBe(201)
    expect((await as('application/xml')).status).toBe(415)
    expect(JSON.stringify(documentOf(sampleApi))).not.toContain('vnd.sample')
  })
})

describe('answers', () => {
  it('may be text of any kind', async () => {
    const yaml = await ask('/files/yaml')
    expect([yaml.headers.get('content-type'), await yaml.text()]).toStrictEqual(['text/yaml; charset=utf-8', 'a: ä\n'])
    expect((await ask('/files/markdown')).headers.get('content-type')).toBe('text/markdown; charset=utf-8')
  })

  it('may be streamed; the source ends when the client goes away', async () => {
    const leaving = new AbortController()
    const answer = await ask('/download', { signal: leaving.signal })
    const reader = answer.body?.getReader()
    expect((await reader?.read())?.value?.byteLength).toBeGreaterThan(0)
    leaving.abort()
    await expect.poll(() => onStreamEnd.mock.calls.length).toBeGreaterThan(0)
  })

  it('may be server-sent events', async () => {
    const answer = await ask('/events')
    expect(answer.headers.get('content-type')).toBe('text/event-stream')
    expect(await answer.text()).toBe('event: first\nid: 1\ndata: one\ndata: two\n\ndata: three\n\n')
  })

  it('carry the headers of every answer, whatever their kind', async () => {
    for (const path of ['/files/yaml', '/events', '/who']) {
      const { headers } = await ask(path)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('x-request-id')).toMatch(/^req_/)
    }
  })
})

describe('a direct operation', () => {
  const MACHINE = { authorization: 'Bearer machine-acme', 'content-type': 'application/octet-stream' }
  const mirror = (headers: Record<string, string>) =>
    request({ port: served.port, path: '/sample/mirror', method: 'POST', headers })

  it('reads and answers on Node’s own objects: what has come goes back before the rest is sent', async () => {
    const sending = mirror(MACHINE)
    sending.write('first')
    const [answer] = (await once(sending, 'response')) as [IncomingMessage]
    const bytes = answer.setEncoding('utf8')[Symbol.asyncIterator]()
    expect((await bytes.next()).value).toBe('first')
    sending.end('second')
    expect((await bytes.next()).value).toBe('second')
    expect(answer.headers).toMatchObject({ 'x-mirrored-for': 'acme', 'x-request-id': expect.stringMatching(/^req_/) })
  })

  it('has no bound but its own: a body goes through that no other operation takes', async () => {
    const body = new Uint8Array(defaultHttpLimits.bodyMaxBytes + 1)
    const answer = await ask('/mirror', { method: 'POST', headers: MACHINE, body })
    expect((await answer.bytes()).byteLength).toBe(body.byteLength)
  })

  it('is not reached by whoever may not call it', async () => {
    const calls = onStreamEnd.mock.calls.length
    const refused = await ask('/mirror', {
      method: 'POST',
      headers: { ...MACHINE, authorization: 'Bearer nobody' },
      body: 'x',
    })
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: { kind: 'credential_invalid' } }])
    expect(onStreamEnd.mock.calls.length).toBe(calls)
  })

  it('ends with its client, and leaves the server to others', async () => {
    const calls = onStreamEnd.mock.calls.length
    const sending = mirror(MACHINE)
    sending.write('first')
    await once(sending, 'response')
    sending.on('error', () => undefined).destroy()
    await expect.poll(() => onStreamEnd.mock.calls.length).toBe(calls + 1)
    expect((await ask('/who')).status).toBe(200)
  })

  it('is described with the statuses and headers that it declares', () => {
    const { responses } = documentOf(sampleApi).paths?.['/mirror']?.post ?? {}
    expect(Object.keys(responses ?? {})).toStrictEqual(['200', '401', '413'])
    expect(responses?.['200']?.headers).toMatchObject({ 'X-Mirrored-For': {} })
  })
})

describe('pages', () => {
  // biome-ignore lint/suspicious/noExplicitAny: a test reads whatever the answer holds.
  const page = async (path: string, key = 'key-acme-notes'): Promise<any> => {
    const answer = await ask(path, { headers: { authorization: `Bearer ${key}` } })
    return { status: answer.status, ...((await answer.json()) as object) }
  }
  const idsOf = ({ items }: { items: { id: number }[] }) => items.map(({ id }) => id)

  it('by keyset lead through all rows, by a cursor that is sealed', async () => {
    const first = await page('/keyset')
    const second = await page(`/keyset?cursor=${first.next}`)
    const third = await page(`/keyset?limit=3&cursor=${second.next}`)
    expect([first, second, third].map(idsOf)).toStrictEqual([[1, 2], [3, 4], [5]])
    expect(third.next).toBeNull()
  })

  it('refuse the cursor of another caller, another filter, or nobody’s', async () => {
    const { next } = await page('/keyset')
    const flipped = `${next[0] === 'A' ? 'B' : 'A'}${next.slice(1)}`
    const answers = [
      await page(`/keyset?cursor=${next}`, 'key-other-notes'),
      await page(`/keyset?colour=red&cursor=${next}`),
      await page(`/keyset?cursor=${flipped}`),
      await page('/keyset?cursor=x'),
    ]
    expect(answers.map(({ status }) => status)).toStrictEqual([400, 400, 400, 400])
  })

  it('by offset say where they are and whether there is more', async () => {
    const first = await page('/offset?limit=3')
    expect(first).toMatchObject({ offset: 0, limit: 3, more: true })
    const second = await page('/offset?limit=3&offset=3')
    expect(second).toMatchObject({ offset: 3, more: false })
    expect([first, second].map(idsOf)).toStrictEqual([
      [1, 2, 3],
      [4, 5],
    ])
    expect((await page('/offset?limit=4')).status).toBe(400)
  })
})

describe('a WebSocket', () => {
  const open = (headers: Record<string, string>) =>
    new WebSocket(`ws://127.0.0.1:${served.port}/sample/socket`, { headers })

  it('opens for whoever may call the operation, and is told from an ordinary request', async () => {
    const socket = open(KEY)
    const messages: string[] = []
    socket.on('message', (data) => messages.push(data.toString()))
    await expect.poll(() => messages).toStrictEqual(['hello acme'])
    socket.send('echo')
    await expect.poll(() => messages.at(-1)).toBe('echo')
    socket.send('bye')
    expect((await once(socket, 'close'))[0]).toBe(4_000)
    const plain = await ask('/socket', { headers: KEY })
    expect([plain.status, plain.headers.get('upgrade')]).toStrictEqual([426, 'websocket'])
  })

  it('reads nothing while it is paused, and goes on with what came meanwhile; or is cut at once', async () => {
    const socket = open(KEY)
    const messages: string[] = []
    socket.on('message', (data) => messages.push(data.toString()))
    await once(socket, 'open')
    socket.send('wait')
    await expect.poll(() => onPause.mock.calls.length).toBe(1)
    for (const text of ['one', 'two', 'cut']) socket.send(text)
    await ask('/notes', { headers: KEY })
    expect(messages).toStrictEqual(['hello acme'])
    onPause.mock.calls[0]?.[0]()
    expect((await once(socket, 'close'))[0]).toBe(1006)
    expect(messages).toStrictEqual(['hello acme', 'one', 'two'])
  })

  it('is refused where the handshake is none', async () => {
    const socket = connect(served.port, '127.0.0.1')
    const lines = ['GET /sample/socket HTTP/1.1', 'host: x', `authorization: ${KEY.authorization}`]
    socket.write(
      `${[...lines, 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13'].join('\r\n')}\r\n\r\n`,
    )
    const answer = (await Array.fromAsync(socket.setEncoding('utf8'))).join('')
    expect(answer).toMatch(/^HTTP\/1\.1 400 /)
    expect(answer).toMatch(/link: <\/docs\/problems\/upgrade_failed>/i)
  })

  it('is cut off where its client answers no ping', async () => {
    const eager = await startSample({ sockets: { pingIntervalMs: 20, pongMaxMs: 100 } })
    try {
      const url = `ws://127.0.0.1:${eager.port}/sample/socket`
      const [lively, silent] = [true, false].map((autoPong) => new WebSocket(url, { headers: KEY, autoPong }))
      if (!lively || !silent) throw new Error('there are two sockets')
      let pings = 0
      lively.on('ping', () => pings++)
      expect((await once(silent, 'close'))[0]).toBe(1006)
      await expect.poll(() => pings).toBeGreaterThan(10)
      expect(lively.readyState).toBe(WebSocket.OPEN)
      lively.terminate()
    } finally {
      await eager.close()
    }
  })

  it('is refused with the operation’s status where the caller may not', async () => {
    const [, response] = await once(open({}), 'unexpected-response')
    expect(response.statusCode).toBe(401)
  })

  it('that is reset in the middle of its upgrade leaves the server alone', async () => {
    const head = ['GET /sample/socket HTTP/1.1', 'host: x', `authorization: ${KEY.authorization}`]
    const rest = ['connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13']
    for (let n = 0; n < 20; n++) {
      const socket = connect(served.port, '127.0.0.1')
      await once(socket, 'connect')
      socket.write(`${[...head, ...rest, 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=='].join('\r\n')}\r\n\r\n`)
      socket.resetAndDestroy()
    }
    expect((await ask('/who')).status).toBe(200)
  })
})

it('a request with two Host headers is refused, whatever they say', async () => {
  const statusOf = async (...hosts: string[]) => {
    const socket = connect(served.port, '127.0.0.1')
    const lines = hosts.map((host) => `host: ${host}`)
    socket.end(['GET /sample/who HTTP/1.1', ...lines, 'connection: close', '', ''].join('\r\n'))
    const answer = (await Array.fromAsync(socket.setEncoding('utf8'))).join('')
    return answer.split(' ')[1]
  }
  expect(await statusOf('sample.example')).toBe('200')
  expect(await statusOf('sample.example', 'other.example')).toBe('400')
  expect(await statusOf('sample.example', 'sample.example')).toBe('400')
})

it('who insists beyond its rate hears of that later, and others meanwhile are served', async () => {
  const own = await startSample({ rows })
  const signIn = () => fetch(`${own.url}/sample/sign-in`, { method: 'POST' })
  for (let n = 0; n < 103; n++) await signIn()
  let isLateOver = false
  const late = signIn().finally(() => (isLateOver = true))
  for (let n = 0; n < 3; n++) expect((await fetch(`${own.url}/sample/who`, { headers: KEY })).status).toBe(200)
  expect(isLateOver).toBe(false)
  expect((await late).status).toBe(429)
  await own.close()
})

it('an operation of another rate class has a count of its own', async () => {
  const statuses: number[] = []
  for (let n = 0; n < 5; n++) statuses.push((await ask('/sign-in', { method: 'POST' })).status)
  expect(statuses.at(-1)).toBe(429)
  expect((await ask('/who')).status).toBe(200)
})
