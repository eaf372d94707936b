import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { acquireLeadership, type Leadership, withoutLeader } from '../../src/postgres/leadership.ts'
import { type Prepared, prepared } from '../projections/support.ts'

let database: Prepared
const held: Leadership[] = []
beforeAll(async () => {
  database = await prepared([])
})
afterEach(() => Promise.all(held.splice(0).map((leadership) => leadership.release())))
afterAll(() => database.drop())

const acquire = async (name: string, signal = new AbortController().signal) => {
  const leadership = await acquireLeadership({
    url: database.url,
    name,
    signal,
    pollMs: 20,
    applicationName: `lead ${name}`,
  })
  held.push(leadership)
  return leadership
}
const sessionsOf = async (name: string) => {
  const { rows } = await sql<{ pid: number }>`SELECT pid FROM pg_stat_activity
    WHERE datname = current_database() AND application_name = ${`lead ${name}`}`.execute(database.db)
  return rows.map(({ pid }) => pid)
}
const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) resolve()
    signal.addEventListener('abort', () => resolve())
  })

test('one leads, the others stand by until it lets go', async () => {
  const first = await acquire('a')
  let isSecondLeading = false
  const waiting = acquire('a').then((leadership) => {
    isSecondLeading = true
    return leadership
  })
  await acquire('b')
  expect(isSecondLeading).toBe(false)
  await first.release()
  const second = await waiting
  expect([first.lost.aborted, second.lost.aborted]).toEqual([true, false])
})

test('a leader whose connection ends has lost, and the next one takes over', async () => {
  const first = await acquire('c')
  const [pid] = await sessionsOf('c')
  const waiting = acquire('c')
  await sql`SELECT pg_terminate_backend(${pid})`.execute(database.db)
  await aborted(first.lost)
  expect((await waiting).lost.aborted).toBe(false)
})

test('waiting ends with its signal and leaves no connection behind', async () => {
  await acquire('d')
  const giveUp = new AbortController()
  const waiting = acquire('d', giveUp.signal)
  giveUp.abort(new Error('enough'))
  await expect(waiting).rejects.toThrow('enough')
  expect(await sessionsOf('d')).toHaveLength(1)
})

test('a server that is away is waited for', async () => {
  const address = new URL(database.url)
  let visits = 0
  const gate = createServer((socket) => {
    // Away for three visits, then there.
    if (++visits <= 3) return socket.destroy()
    const server = connect(Number(address.port), address.hostname)
    socket.pipe(server).pipe(socket)
    for (const side of [socket, server]) side.on('error', () => side.destroy())
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  const through = new URL(database.url)
  through.port = String((gate.address() as AddressInfo).port)
  const { signal } = new AbortController()
  const leadership = await acquireLeadership({ url: through.href, name: 'e', signal, pollMs: 5 })
  held.push(leadership)
  expect(visits).toBe(4)
  expect(leadership.lost.aborted).toBe(false)
  gate.close()
})

test('a leader whose network falls silent has lost', async () => {
  const address = new URL(database.url)
  const pairs: [Socket, Socket][] = []
  const gate = createServer((socket) => {
    const server = connect(Number(address.port), address.hostname)
    pairs.push([socket, server])
    socket.pipe(server).pipe(socket)
    for (const side of [socket, server]) side.on('error', () => side.destroy())
  })
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  const through = new URL(database.url)
  through.port = String((gate.address() as AddressInfo).port)
  const { signal } = new AbortController()
  const options = { url: through.href, name: 'f', signal, pollMs: 20, heartbeatMs: 20, answerTimeoutMs: 200 }
  const leadership = await acquireLeadership(options)
  held.push(leadership)
  for (const [client, server] of pairs) client.unpipe(server)
  await aborted(leadership.lost)
  for (const side of pairs.flat()) side.destroy()
  gate.close()
})

test('every process knows which names have no leader', async () => {
  const [led, free] = ['led by one', 'led by nobody']
  const leadership = await acquire(led)
  expect(await withoutLeader(database.db, [free, led])).toEqual([free])
  await leadership.release()
  expect(await withoutLeader(database.db, [free, led])).toEqual([free, led])
})
