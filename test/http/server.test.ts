import { once } from 'node:events'
import { Server } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it, vi } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { defaultServerOptions, startServer } from '../../src/http/server.ts'

type Fetch = Parameters<typeof startServer>[0]['fetch']
const start = (fetch: Fetch, overrides = {}) =>
  startServer({ ...defaultServerOptions, fetch, host: '127.0.0.1', port: 0, ...overrides })

/** All that comes back for these bytes, until the other side closes. */
async function exchange(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (data) => {
    answer += data.toString('latin1')
  })
  // The other side may close before it has taken all.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

describe('the server', () => {
  it('lets a request under way finish before it stops, and takes no new one', async () => {
    const entered = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const server = await start(async () => {
      entered.resolve()
      await release.promise
      return new Response('done')
    })
    const url = `http://127.0.0.1:${server.port}/`
    const underWay = fetch(url)
    await entered.promise
    const stopped = server.stop(5_000)
    await expect(fetch(url)).rejects.toThrow()
    release.resolve()
    const response = await underWay
    expect(await response.text()).toBe('done')
    expect(response.headers.get('connection')).toBe('close')
    await stopped
  })

  it('closes idle connections at once when it stops', async () => {
    const server = await start(() => new Response('ok'))
    await (await fetch(`http://127.0.0.1:${server.port}/`)).text()
    const startedMs = performance.now()
    await server.stop(10_000)
    expect(performance.now() - startedMs).toBeLessThan(2_000)
  })

  it('cuts off what has not finished when the grace is over', async () => {
    const entered = Promise.withResolvers<void>()
    const server = await start(() => {
      entered.resolve()
      return new Promise<Response>(() => undefined)
    })
    const underWay = fetch(`http://127.0.0.1:${server.port}/`)
    const failed = expect(underWay).rejects.toThrow()
    await entered.promise
    await server.stop(50)
    await failed
  })

  it('refuses headers beyond its bound with 431', async () => {
    const server = await start(() => new Response('ok'))
    const answer = await exchange(server.port, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'x'.repeat(20_000)}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 431 /)
    await server.stop(100)
  })

  it('takes the metadata of a run in a header, as long as they may be', async () => {
    const { HEADERS_MAX_BYTES: headersMaxBytes } = loadConfig({})
    const server = await start(() => new Response('ok'), { headersMaxBytes })
    const long = `x-metadata-of-a-run: ${'x'.repeat(16_384)}`
    const answer = await exchange(server.port, `GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n${long}\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
    await server.stop(100)
  })

  it('gives up on a request that drips in, with 408', async () => {
    const server = await start(() => new Response('ok'), { headersTimeoutMs: 200, requestTimeoutMs: 400 })
    expect(await exchange(server.port, 'GET / HTTP/1.1\r\nhost: x\r\nx-slow: ')).toMatch(/^HTTP\/1\.1 408 /)
    await server.stop(100)
  })

  it('gives up on a connection that says nothing', async () => {
    const server = await start(() => new Response('ok'), { headersTimeoutMs: 200, requestTimeoutMs: 400 })
    expect(await exchange(server.port, '')).toMatch(/^HTTP\/1\.1 408 /)
    await server.stop(100)
  })

  it('cuts off a client that takes nothing of its answer, and no client that waits for one', async () => {
    const [waiting, release] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const cut = Promise.withResolvers<void>()
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1_048_576)),
      cancel: () => cut.resolve(),
    })
    const answers: Record<string, () => Response | Promise<Response>> = {
      '/endless': () => new Response(endless),
      '/late': async () => {
        waiting.resolve()
        await release.promise
        return new Response('late')
      },
    }
    const server = await start(({ url }) => answers[new URL(url).pathname]!(), { stallTimeoutMs: 100 })
    const late = fetch(`http://127.0.0.1:${server.port}/late`)
    await waiting.promise
    const socket = connect(server.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.pause().write('GET /endless HTTP/1.1\r\nhost: x\r\n\r\n')
    await cut.promise
    release.resolve()
    expect(await (await late).text()).toBe('late')
    socket.destroy()
    await server.stop(100)
  })

  it('takes few requests ahead of their answers, answers those, closes, and serves others meanwhile', async () => {
    let taken = 0
    const server = await start(
      () => {
        taken += 1
        return new Response('ok')
      },
      { pipelinedMax: 8 },
    )
    const flood = exchange(server.port, 'GET /flood HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(30))
    const other = await fetch(`http://127.0.0.1:${server.port}/other`)
    const answers = (await flood).match(/HTTP\/1\.1 200 OK/g)
    expect([other.status, answers?.length, taken]).toStrictEqual([200, 8, 9])
    await server.stop(100)
  })

  it('takes nothing more apart of a connection that floods it', async () => {
    const emitted: unknown[] = []
    const emit = Server.prototype.emit
    const seen = vi.spyOn(Server.prototype, 'emit').mockImplementation(function (this: Server, ...args) {
      if (String(args[0]) === 'request') emitted.push(args[0])
      return emit.apply(this, args)
    })
    const server = await start(() => new Response('ok'), { pipelinedMax: 8 })
    // It is reset: most of what was sent is not read.
    const answer = await exchange(server.port, 'GET /flood HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(20_000))
    seen.mockRestore()
    // Node reads 64 KiB at a time: some 1,800 of these.
    expect(emitted).toHaveLength(9)
    expect(answer).not.toContain('400 Bad Request')
    await server.stop(100)
  })

  it('takes few requests of a caller ahead of answers, on however many connections, and closes those with more', async () => {
    const [release, taken] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    let count = 0
    const answer = async () => {
      count += 1
      if (count === 4) taken.resolve()
      await release.promise
      return new Response('ok')
    }
    const server = await start(answer, { pipelinedPerCallerMax: 3 })
    const floods = Array.from({ length: 4 }, () =>
      exchange(server.port, 'GET /flood HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5)),
    )
    await taken.promise
    release.resolve()
    const answers = (await Promise.all(floods)).map((text) => text.match(/HTTP\/1\.1 200 OK/g)?.length)
    expect(answers.toSorted()).toStrictEqual([1, 1, 1, 4])
    await server.stop(100)
  })

  it('begins none that stand behind one whose client has gone, and has room for others then', async () => {
    const [release, gone] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const seen: string[] = []
    const server = await start(
      async ({ url, signal }) => {
        seen.push(new URL(url).pathname)
        if (!url.endsWith('/gone')) return new Response('ok')
        signal.addEventListener('abort', () => gone.resolve())
        release.resolve()
        await gone.promise
        return new Response('late')
      },
      { pipelinedPerCallerMax: 3 },
    )
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`GET /gone HTTP/1.1\r\nhost: x\r\n\r\n${'GET /behind HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3)}`)
    await release.promise
    socket.resetAndDestroy()
    await gone.promise
    const answers = await exchange(server.port, 'GET /other HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(5))
    expect(answers.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(4)
    expect(seen).toStrictEqual(['/gone', '/other', '/other', '/other', '/other'])
    await server.stop(100)
  })

  it('closes a connection whose request comes too soon, without a look at those behind it', async () => {
    let taken = 0
    const server = await start(() => {
      taken += 1
      return new Response('later', { status: taken === 1 ? 200 : 429 })
    })
    const answers = await exchange(server.port, 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(8))
    expect([answers.match(/HTTP\/1\.1 \d+/g), taken]).toStrictEqual([['HTTP/1.1 200', 'HTTP/1.1 429'], 2])
    await server.stop(100)
  })

  it('takes any number of requests of a connection one after the other', async () => {
    const server = await start(() => new Response('ok'), { pipelinedMax: 2 })
    const socket = connect(server.port, '127.0.0.1')
    for (let sent = 0; sent < 5; sent++) {
      socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
      const [answer] = await once(socket, 'data')
      expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    }
    socket.destroy()
    await server.stop(100)
  })

  it('closes what one address opens beyond its share, until another of its connections has closed', async () => {
    const server = await start(() => new Response('ok'), { connectionsPerAddressMax: 1 })
    const first = connect(server.port, '127.0.0.1')
    first.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(first, 'data')
    const get = () => fetch(`http://127.0.0.1:${server.port}/`, { headers: { connection: 'close' } })
    await expect(get()).rejects.toThrow()
    first.destroy()
    await vi.waitFor(async () => expect((await get()).status).toBe(200))
    await server.stop(100)
  })

  it('gives up on a body that drips in, unless it is a file', async () => {
    const started: string[] = []
    const fetchAll: Fetch = async (request) => {
      started.push(new URL(request.url).pathname)
      return new Response(await request.text())
    }
    const isTransfer = (path: string) => path.startsWith('/files/')
    const server = await start(fetchAll, { headersTimeoutMs: 200, requestTimeoutMs: 300, isTransfer })
    const dripping = (path: string) =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\nha`
    const file = connect(server.port, '127.0.0.1')
    let answer = ''
    file.on('data', (data) => {
      answer += data.toString('latin1')
    })
    file.write(dripping('/files/1'))
    await expect.poll(() => started).toStrictEqual(['/files/1'])
    expect(await exchange(server.port, dripping('/other'))).toMatch(/^HTTP\/1\.1 408 /)
    file.write('lf')
    await once(file, 'close')
    expect(answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*half$/)
    await server.stop(100)
  })

  it('says that a port is taken', async () => {
    const server = await start(() => new Response('ok'))
    await expect(start(() => new Response('ok'), { port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
    await server.stop(100)
  })
})
