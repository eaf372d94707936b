import { chmodSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect, type NatsConnection } from 'nats'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { findNatsServer, startNatsServer } from '../../src/embedded/nats-server.ts'
import { isAlive, moduleUrl, startOwner } from '../support/owner-process.ts'
import { natsBinary, type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

let directory: TemporaryDirectory
beforeEach(() => {
  directory = temporaryDirectory()
})
afterEach(() => directory.remove())

describe('finding the program', () => {
  test('prefers an installed one to a cached one', async () => {
    const installed = temporaryDirectory()
    for (const folder of [installed.path, directory.path])
      writeFileSync(join(folder, 'nats-server'), '', { mode: 0o755 })
    const options = { cacheDirectory: directory.path, allowDownload: false }
    const searchPath = `/nonexistent:${installed.path}`
    expect((await findNatsServer({ ...options, searchPath })).binary).toBe(join(installed.path, 'nats-server'))
    chmodSync(join(installed.path, 'nats-server'), 0o644)
    expect((await findNatsServer({ ...options, searchPath })).binary).toBe(join(directory.path, 'nats-server'))
    installed.remove()
  })

  test('says where it looked', async () => {
    const found = await findNatsServer({ cacheDirectory: directory.path, allowDownload: false, searchPath: '' })
    expect(found.binary).toBeUndefined()
    expect(found.reason).toBe(`nats-server is not on the PATH nor cached as ${join(directory.path, 'nats-server')}`)
  })

  test('gives a download up in time, says so, and leaves nothing behind', async () => {
    const options = { cacheDirectory: directory.path, allowDownload: true, searchPath: '', downloadTimeoutMs: 5 }
    const found = await findNatsServer(options)
    expect(found.binary).toBeUndefined()
    expect(found.reason).toMatch(/could not be fetched: (it took more than 5 ms|there is no apt-get)/)
    expect(readdirSync(directory.path)).toEqual([])
  })
})

async function login(url: string): Promise<NatsConnection> {
  const { host, username, password } = new URL(url)
  return connect({ servers: host, user: username, pass: password, reconnect: false })
}

function withServer(binary: string): void {
  describe('running it', () => {
    const start = (port?: number) => startNatsServer({ binary, directory: directory.path, port })

    test('listens on the loopback interface, behind a password, with JetStream and a bound on payloads', async () => {
      const server = await start()
      try {
        expect(new URL(server.url).hostname).toBe('127.0.0.1')
        const connection = await login(server.url)
        expect(connection.info?.max_payload).toBe(1024 * 1024)
        expect(connection.info?.host).toBe('127.0.0.1')
        expect((await (await connection.jetstreamManager()).getAccountInfo()).streams).toBe(0)
        await connection.close()
        await expect(connect({ servers: new URL(server.url).host })).rejects.toThrow(/authorization/i)
        for (const file of ['password', 'nats-server.conf']) {
          expect(statSync(join(directory.path, file)).mode & 0o777).toBe(0o600)
        }
      } finally {
        await server.stop()
      }
      expect(isAlive(server.pid)).toBe(false)
    })

    test('keeps streams and password over kill -9 of the server', async () => {
      const first = await start()
      const connection = await login(first.url)
      await (await connection.jetstreamManager()).streams.add({ name: 'S', subjects: ['s'] })
      await connection.jetstream().publish('s', 'kept')
      await connection.close()
      process.kill(first.pid, 'SIGKILL')
      await first.exited
      const second = await start(Number(new URL(first.url).port))
      expect(second.url).toBe(first.url)
      const again = await login(second.url)
      const message = await (await again.jetstreamManager()).streams.getMessage('S', { seq: 1 })
      expect(message.string()).toBe('kept')
      await again.close()
      await second.stop()
    })

    test('ends with its owner after kill -9', async () => {
      const owner = await startOwner(`
        import { startNatsServer } from ${moduleUrl('embedded/nats-server.ts')}
        const server = await startNatsServer(${JSON.stringify({ binary, directory: directory.path })})
        console.log(JSON.stringify({ pid: server.pid }))
      `)
      const pid = owner.said.pid as number
      expect(isAlive(pid)).toBe(true)
      await owner.end('SIGKILL')
      await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
    })

    test('says plainly that the port asked for is taken', async () => {
      const other = createServer()
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
      const address = other.address()
      const port = typeof address === 'object' && address ? address.port : 0
      await expect(start(port)).rejects.toThrow('address already in use')
      await new Promise((resolve) => other.close(resolve))
    })
  })
}

const binary = natsBinary()
if (binary) withServer(binary)
