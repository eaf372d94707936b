/**
 * Rows F17, F19, F20 and F21 of firsthand's faults over a whole instance: an endpoint that fails and is deleted meanwhile, a
 * rebuild under load, a claim that lapses, and 5,000 requests that wait for the end of a job when the process is stopped.
 */
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { firsthand } from '../../src/contexts/firsthand.ts'
import { postJob } from '../http/firsthand/buyers.ts'
import { claimSeat, submitFile, work } from '../http/firsthand/crew.ts'
import { runCli } from '../support/cli.ts'
import { temporaryDirectory } from '../support/services.ts'
import { answers, type Behaviour, startReceiver } from '../support/webhook-receiver.ts'
import { type FirsthandHouse, openFirsthandHouse } from './firsthand-house.ts'

const WAITS = 5_000
/** Of one organization, at most. */
const OF_ORGANIZATION = 100
const ANSWERED_MAX_MS = 1_000
/** What the heap may have more after all is over: a fifth of the bytes that one wait may take, for each. */
const HEAP_GROWTH_MAX_BYTES = WAITS * 2_000
const WAIT_MAX_BYTES = 20_000
/** Connections that are opened at once. */
const OPENED_AT_ONCE = 250
const WEBHOOK_WAITS_MS = [50, 100, 150, 200, 250]
const wait = { timeout: 60_000, interval: 20 }
const eventually = <T>(look: () => Promise<T>) => vi.waitFor(look, wait)

/** Each takes some seconds on a machine of its own. */
vi.setConfig({ testTimeout: 90_000 })
let house: FirsthandHouse
const directory = temporaryDirectory()
const figure = join(directory.path, 'heap')
/** A job of each organization, with a key that reads it. */
const waitedFor: { key: string; jobId: string }[] = []

beforeAll(async () => {
  const collecting = pathToFileURL(join(import.meta.dirname, '../support/heap-figure.ts')).href
  house = await openFirsthandHouse({
    ...{ NODE_OPTIONS: `--import ${collecting}`, HEAP_FIGURE_FILE: figure },
    ...{ CONNECTIONS_PER_ADDRESS_MAX: String(2 * WAITS), CONNECTIONS_MAX: String(2 * WAITS) },
    ...{ FIRSTHAND_CLAIM_TTL_S: '3', FIRSTHAND_UPLOAD_TTL_S: '1', FIRSTHAND_UPLOAD_SWEEP_INTERVAL_MS: '200' },
    FIRSTHAND_WEBHOOK_RETRY_WAITS_MS: WEBHOOK_WAITS_MS.join(),
  })
  await house.start()
}, 240_000)
afterAll(async () => {
  await house.close()
  directory.remove()
}, 120_000)

const filesUnder = (kind = ''): string[] => {
  const directory = join(house.dataDirectory, 'objects', kind)
  if (!existsSync(directory)) return []
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
}

describe.sequential('a claim', () => {
  it('row F21: that lapses while its PUT is under way: the submission is 409, the seat free, the bytes swept', async () => {
    const buyer = await house.addBuyer({ cents: 1_000 })
    const [wilma, otto] = [await house.addWorker('Wilma'), await house.addWorker('Otto')]
    const { body: job } = await postJob(house, buyer.key, { files_needed: 1, accepted_formats: ['image/png'] })
    const { body: claim } = await claimSeat(house, wilma, job.id)
    const bytes = Buffer.alloc(100_000, 'x')
    const { body: link } = await work(house, wilma, 'POST', `/claims/${claim.id}/uploads`, {
      body: { content_type: 'image/png', size_bytes: bytes.length },
    })
    const put = request(link.url, { method: 'PUT', headers: { ...link.headers, 'content-length': bytes.length } })
    const answered = new Promise<number | undefined>((resolve, reject) => {
      put.on('error', reject).on('response', (response) => resolve(response.resume().statusCode))
    })
    put.write(bytes.subarray(0, 50_000))
    // If the test ends before the answer, nobody asks for it.
    answered.catch(() => undefined)
    const offered = async (): Promise<string[]> => {
      const { body } = await work(house, otto, 'GET', '/jobs?limit=100')
      return body.data.map(({ id }: { id: string }) => id)
    }
    await eventually(async () => expect(await offered()).toContain(job.id))
    expect((await house.eventsOf(`firsthand.job-${job.id}`)).at(-1)).toMatchObject({
      ...{ name: 'SeatReleased', data: { claimId: claim.id, cause: 'lapsed' } },
    })
    put.end(bytes.subarray(50_000))
    expect(await answered).toBe(200)
    expect((await submitFile(house, wilma, claim.id, link.upload_id)).status).toBe(409)
    expect((await claimSeat(house, otto, job.id)).status).toBe(201)
    await eventually(async () => expect(filesUnder()).toStrictEqual([]))
  })
})

/** Answers with 500 once it is let go. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const behaviour: Behaviour = (response) => void promise.then(() => response.writeHead(500).end())
  return { behaviour, letGo: resolve }
}

describe.sequential('a webhook endpoint', () => {
  const endpointAt = async (url: string, key: string): Promise<string> =>
    (await house.buy('POST', '/v1/webhook_endpoints', { key, body: { url } })).body.id
  const happens = async (key: string) => {
    const { body } = await postJob(house, key, { files_needed: 1, price_per_file_cents: 1 })
    await house.buy('POST', `/v1/jobs/${body.id}/cancel`, { key })
  }
  const eventOf = async (key: string) => (await house.buy('GET', '/v1/webhook_events', { key })).body.data[0]

  it('row F19: that gives 500 is tried as scheduled, then the event has failed', async () => {
    const { key } = await house.addBuyer({ cents: 1_000 })
    const receiver = await startReceiver()
    receiver.behave(answers(500))
    await endpointAt(receiver.url, key)
    await happens(key)
    await eventually(async () => expect(await eventOf(key)).toMatchObject({ status: 'failed' }))
    const times = receiver.received.map(({ receivedAtMs }) => receivedAtMs)
    expect(times).toHaveLength(1 + WEBHOOK_WAITS_MS.length)
    const waits = times.slice(1).map((time, n) => time - times[n]!)
    // The clock of the wait starts when the attempt has ended; a timer may be a millisecond early.
    for (const [n, waitMs] of waits.entries()) expect(waitMs).toBeGreaterThanOrEqual(WEBHOOK_WAITS_MS[n]! - 5)
    expect(new Set(receiver.received.map(({ headers }) => headers['x-firsthand-event-id'])).size).toBe(1)
    await receiver.close()
  })

  it('row F19: that is deleted meanwhile gets nothing more, and a replay finds nothing', async () => {
    const { key } = await house.addBuyer({ cents: 1_000 })
    const receiver = await startReceiver()
    const { behaviour, letGo } = held()
    receiver.behave(answers(500), behaviour)
    const endpointId = await endpointAt(receiver.url, key)
    await happens(key)
    await eventually(async () => expect(receiver.received).toHaveLength(2))
    const { id } = await eventOf(key)
    expect((await house.buy('DELETE', `/v1/webhook_endpoints/${endpointId}`, { key })).status).toBe(204)
    letGo()
    const stream = `firsthand.webhookEvent-${id}`
    await eventually(async () => {
      const finished = (await house.eventsOf(stream)).filter(({ name }) => name === 'WebhookAttemptFinished')
      expect(finished.at(-1)?.data).toMatchObject({ nextAttemptAt: null })
    })
    expect(receiver.received).toHaveLength(2)
    expect((await house.buy('POST', `/v1/webhook_events/${id}/replay`, { key })).status).toBe(404)
    await receiver.close()
  })
})

describe.sequential('the read models', () => {
  it('row F20: rebuilt under load are equal, and nothing is sent, charged or stored for it', async () => {
    const { key } = await house.addBuyer({ cents: 100_000 })
    const receiver = await startReceiver()
    await house.buy('POST', '/v1/webhook_endpoints', { key, body: { url: receiver.url } })
    const stored = () => ['files', 'originals'].flatMap(filesUnder).sort()
    const before = stored()
    let isOver = false
    let jobs = 0
    const load = async () => {
      while (!isOver) {
        const { body } = await postJob(house, key, { files_needed: 1, price_per_file_cents: 1 }, randomUUID())
        const { status } = await house.buy('POST', `/v1/jobs/${body.id}/cancel`, { key })
        expect(status).toBe(200)
        jobs += 1
      }
    }
    const loads = [load(), load()]
    const names = firsthand.projections.map(({ name }) => name)
    const rebuilt = await runCli(['projections', 'rebuild', ...names, '--json'], house.toolEnvironment())
    isOver = true
    await Promise.all(loads)
    expect(rebuilt).toMatchObject({ exitCode: 0 })
    expect(JSON.parse(rebuilt.stdout)).toMatchObject({ rows_differing: 0 })
    const verified = await runCli(['projections', 'verify', ...names, '--json'], house.toolEnvironment())
    expect([verified.exitCode, JSON.parse(verified.stdout).rows_differing]).toStrictEqual([0, 0])
    expect(jobs).toBeGreaterThan(0)
    // One event of each cancel, told once.
    await eventually(async () => expect(receiver.received).toHaveLength(jobs))
    const ids = receiver.received.map(({ headers }) => headers['x-firsthand-event-id'])
    expect(new Set(ids).size).toBe(jobs)
    expect((await house.standIn().ask('GET', '/v1/charges')).body.data).toStrictEqual([])
    expect(stored()).toStrictEqual(before)
    await receiver.close()
  })
})

/** Bytes of the instance's heap that somebody holds. */
async function heapBytes(): Promise<number> {
  rmSync(figure, { force: true })
  process.kill(house.pid(), 'SIGUSR2')
  return vi.waitFor(() => Number(readFileSync(figure, 'utf8')), wait)
}

async function waiting(): Promise<number> {
  const metrics = await (await fetch(`${house.url()}/metrics`)).text()
  return Number(/^opslog_firsthand_job_waits (\d+)$/m.exec(metrics)?.[1])
}
const areWaiting = (count: number) => vi.waitFor(async () => expect(await waiting()).toBe(count), wait)

interface Client {
  socket: Socket
  /** The answer's head and body, and when it came. */
  answered: Promise<{ text: string; atMs: number }>
}

/** A bare socket: a client library would keep more for each request than the server does. */
function ask({ key, jobId }: (typeof waitedFor)[number]): Promise<Client> {
  const { hostname, port } = new URL(house.url())
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      const lines = [`GET /firsthand/v1/jobs/${jobId} HTTP/1.1`, `Host: ${hostname}:${port}`]
      socket.write([...lines, `Authorization: Bearer ${key}`, 'Prefer: wait=60', '', ''].join('\r\n'))
      const answered = new Promise<{ text: string; atMs: number }>((come, fail) => {
        let text = ''
        socket.on('error', fail)
        socket.on('data', (chunk) => {
          text += chunk
          if (text.includes('}')) come({ text, atMs: performance.now() })
        })
      })
      // Of those whose client goes, nobody asks.
      answered.catch(() => undefined)
      resolve({ socket, answered })
    })
  })
}

async function askAll(): Promise<Client[]> {
  const clients: Client[] = []
  while (clients.length < WAITS) {
    const next = Array.from({ length: OPENED_AT_ONCE }, (_, n) => waitedFor[(clients.length + n) % waitedFor.length]!)
    clients.push(...(await Promise.all(next.map(ask))))
  }
  await areWaiting(WAITS)
  return clients
}

describe.sequential('5,000 requests that wait', () => {
  beforeAll(async () => {
    for (let n = 0; n < WAITS / OF_ORGANIZATION; n++) {
      const { key } = await house.addBuyer({ cents: 100 })
      const { body } = await postJob(house, key, { files_needed: 1, price_per_file_cents: 100 })
      waitedFor.push({ key, jobId: body.id })
    }
  }, 240_000)

  it('row F17: leave nothing behind when their clients go', async () => {
    // The first time fills caches and compiles.
    for (const { socket } of await askAll()) socket.destroy()
    await areWaiting(0)
    const before = await heapBytes()
    const clients = await askAll()
    const during = await heapBytes()
    expect((during - before) / WAITS).toBeLessThan(WAIT_MAX_BYTES)
    for (const { socket } of clients) socket.destroy()
    await areWaiting(0)
    await vi.waitFor(async () => expect((await heapBytes()) - before).toBeLessThan(HEAP_GROWTH_MAX_BYTES), wait)
  })

  it('row F17: are all answered with the state of now within a second of SIGTERM', async () => {
    const clients = await askAll()
    const startMs = performance.now()
    const ended = house.end('SIGTERM')
    const answers = await Promise.all(clients.map(({ answered }) => answered))
    expect(answers.filter(({ text }) => !text.startsWith('HTTP/1.1 200') || !text.includes('"status":"open"'))).toEqual(
      [],
    )
    expect(Math.max(...answers.map(({ atMs }) => atMs)) - startMs).toBeLessThan(ANSWERED_MAX_MS)
    for (const { socket } of clients) socket.destroy()
    expect(await ended).toBe(0)
  })
})
