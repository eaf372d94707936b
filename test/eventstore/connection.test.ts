/** Connections that fall silent, that are full, and that are each other's neighbours. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAppender } from '../../src/eventstore/append.ts'
import { type Connection, openConnection, SilentStore } from '../../src/eventstore/connection.ts'
import { readPage, subscribe } from '../../src/eventstore/read.ts'
import { startBlackHole } from '../support/black-hole.ts'
import { startEventStoreNode } from '../support/event-store-node.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { temporaryDirectory } from '../support/services.ts'

const directory = temporaryDirectory()
let node: Awaited<ReturnType<typeof startEventStoreNode>>
let proxy: FaultProxy
beforeAll(async () => {
  node = await startEventStoreNode({ directory: directory.path })
  proxy = await startFaultProxy(node.url.replace('esdb:', 'http:'))
})
afterAll(async () => {
  await proxy.close()
  await node.close()
  directory.remove()
})

const SILENCE_MAX_MS = 1_500
const through = (port: number) => openConnection(`esdb://127.0.0.1:${port}?tls=false`)
const read = (connection: Connection, silenceMaxMs = SILENCE_MAX_MS) =>
  readPage(connection, { from: 'end', direction: 'backwards', count: 1n }, silenceMaxMs)
let made = 0
const event = () => ({
  id: `5f1c7c52-5f5e-4d0e-9a4b-${(++made).toString(16).padStart(12, '0')}`,
  type: 'test.Appended.v1',
  data: '{}',
  metadata: '{}',
})

describe('a connection', () => {
  it('that never answered is given up after a silent call: the next one succeeds once the store is there', async () => {
    const hole = await startBlackHole(proxy.port)
    const connection = through(hole.port)
    await expect(read(connection)).rejects.toThrow(SilentStore)
    hole.end()
    expect(await read(connection, 5_000)).toBeDefined()
    await connection.close()
    await hole.close()
  })

  it('that fell silent is given up, for reads and for appends', async () => {
    const connection = through(proxy.port)
    const appender = createAppender(connection, { deadlineMs: SILENCE_MAX_MS })
    const append = () => appender.append({ stream: `test.silent-${made}`, revision: undefined, events: [event()] })
    expect(await append()).toMatchObject({ kind: 'appended' })
    proxy.deafen()
    expect(await append()).toMatchObject({ kind: 'unknown' })
    await expect.poll(append).toMatchObject({ kind: 'appended' })
    proxy.deafen()
    await expect(read(connection)).rejects.toThrow(SilentStore)
    expect(await read(connection, 5_000)).toHaveLength(1)
    await connection.close()
  })

  it('is kept where one call is silent and others are answered', async () => {
    const connection = through(proxy.port)
    await read(connection, 5_000)
    const line = connection.line()
    connection.silent(line, performance.now() - 60_000)
    expect(connection.line()).toBe(line)
    await connection.close()
  })

  it('is its own: another one of the process, to the same address, does not share it', async () => {
    const before = proxy.connections()
    const connections = [through(proxy.port), through(proxy.port), through(proxy.port)]
    await Promise.all(connections.map((connection) => read(connection, 5_000)))
    expect(proxy.connections() - before).toBe(3)
    await Promise.all(connections.map((connection) => connection.close()))
  })

  it('takes more than a hundred calls at once, beside an append and a subscription, and each has its answer', async () => {
    const connection = through(proxy.port)
    const subscription = await subscribe(connection.line(), undefined, ['test.Appended'])
    subscription.on('error', () => undefined)
    const appender = createAppender(connection, { deadlineMs: 10_000 })
    const reads = Array.from({ length: 400 }, () => read(connection, 10_000))
    const appended = appender.append({ stream: `test.full-${made}`, revision: undefined, events: [event()] })
    expect(await Promise.all(reads)).toHaveLength(400)
    expect(await appended).toMatchObject({ kind: 'appended' })
    await connection.close()
  })

  it('whose append call fails takes no other connection’s appends with it', async () => {
    const [healthy, failing] = [openConnection(node.url), through(proxy.port)]
    const slow = createAppender(failing, { deadlineMs: 5_000 })
    const append = (appender: typeof slow) =>
      appender.append({ stream: `test.beside-${made}`, revision: undefined, events: [event()] })
    expect(await append(slow)).toMatchObject({ kind: 'appended' })
    proxy.hold()
    const lost = append(slow)
    const others = Array.from({ length: 50 }, () => append(createAppender(healthy, { deadlineMs: 5_000 })))
    proxy.reset()
    expect(await lost).toMatchObject({ kind: 'unknown' })
    for (const other of others) expect(await other).toMatchObject({ kind: 'appended' })
    await Promise.all([healthy.close(), failing.close()])
  })
})
