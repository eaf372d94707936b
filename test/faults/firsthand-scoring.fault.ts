/**
 * Firsthand's scoring under faults, in a whole instance whose clock is an hour off: the scorer is killed between copy, score
 * and approval, and the inspector is killed over and over. Test jobs do the work: their workers upload and are scored as all.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { job } from '../../src/commands/firsthand/job.ts'
import { wallet, walletIdOf } from '../../src/commands/firsthand/wallet.ts'
import { createCommandBus } from '../../src/commands/handle.ts'
import { createEventStore } from '../../src/events/store.ts'
import { firstSubmissionOf } from '../../src/processes/firsthand/sandbox-jobs.ts'
import type { CrashOrder } from '../../src/runtime/crash-points.ts'
import { systemContext } from '../http/api.ts'
import { registry } from '../support/contexts.ts'
import { eventsOf } from '../support/event-store.ts'
import { programEnvironment } from '../support/program-environment.ts'
import { createDatabase, temporaryDirectory } from '../support/services.ts'
import { root } from '../support/source.ts'

const directory = temporaryDirectory()
const database = await createDatabase()
const dataDirectory = join(directory.path, 'data')
const crashFile = join(directory.path, 'crash.json')
const shiftFile = join(directory.path, 'shift')
const START_MAX_MS = 120_000
const HOUR_MS = 3_600_000
const COMPLETION_MS = 1_000
const wait = { timeout: 60_000, interval: 50 }
let running: ChildProcess | undefined

const runs = () => running?.exitCode === null && running.signalCode === null

afterAll(async () => {
  if (runs()) {
    const ended = once(running!, 'exit')
    running!.kill('SIGTERM')
    await ended
  }
  await database.drop()
  directory.remove()
}, 60_000)

/** Starts the instance, and resolves when it is up or has ended. */
async function start(): Promise<void> {
  writeFileSync(shiftFile, String(HOUR_MS))
  const shift = pathToFileURL(join(import.meta.dirname, '../support/clock-shift.ts')).href
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', 'src/main.ts'], {
    cwd: root,
    env: {
      ...{
        ...programEnvironment(),
        PORT: '0',
        DATA_DIR: dataDirectory,
        DATABASE_URL: database.url,
        NATS_SERVER: 'off',
      },
      ...{ CONTEXTS: 'noctant,firsthand', CRASH_POINT_FILE: crashFile },
      ...{ NODE_OPTIONS: `--import ${shift}`, CLOCK_SHIFT_FILE: shiftFile },
      ...{ FIRSTHAND_SANDBOX_COMPLETION_MS: String(COMPLETION_MS), FIRSTHAND_SANDBOX_POLL_INTERVAL_MS: '100' },
      ...{ FIRSTHAND_SCORING_POLL_INTERVAL_MS: '100', FIRSTHAND_INSPECTION_RETRY_MS: '100' },
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running = child
  child.stderr.resume()
  let said = ''
  for await (const chunk of child.stdout) {
    said += chunk
    if (said.includes('Ctrl-C stops everything')) break
  }
  child.stdout.resume()
}

const dies = (order: Omit<CrashOrder, 'do'>) => writeFileSync(crashFile, JSON.stringify({ do: 'kill', ...order }))

/** What these tests read of a job. */
interface Job {
  id: string
  status: string
  files_approved: number
  created_at: string
  completed_at: string
}

/** Of the instance's first run. */
const sandbox = () => JSON.parse(readFileSync(join(dataDirectory, 'sandbox-firsthand.json'), 'utf8'))

/** Signed with the test world's key, or with another. */
async function call<T = Job>(method: string, path: string, body?: object, key: string = sandbox().test_key) {
  const answer = await fetch(`${sandbox().url}${path}`, {
    method,
    headers: {
      ...{ authorization: `Bearer ${key}`, 'content-type': 'application/json', 'idempotency-key': randomUUID() },
    },
    ...(body && { body: JSON.stringify(body) }),
  })
  return { status: answer.status, body: (await answer.json()) as T }
}

const post = (files: number, format: string, key?: string) =>
  call(
    'POST',
    '/v1/jobs',
    {
      ...{ type: 'data_collection', description: 'Pictures of doors, each from the street', files_needed: files },
      ...{ accepted_formats: [format], price_per_file_cents: 25 },
    },
    key,
  )
const completed = (jobId: string) =>
  vi.waitFor(async () => {
    const { body } = await call('GET', `/v1/jobs/${jobId}`)
    expect(body.status).toBe('completed')
    return body
  }, wait)

/** Works on the instance’s log, past the instance. */
async function withLog<T>(work: (store: ReturnType<typeof createEventStore>) => Promise<T>): Promise<T> {
  const { eventStore } = JSON.parse(readFileSync(join(dataDirectory, 'services.json'), 'utf8'))
  const store = createEventStore({ registry, url: eventStore.url, deadlineMs: 5_000, appendAttemptsMax: 3 })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Process ids of the instance’s inspectors. */
const inspectors = (): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const parent = readFileSync(`/proc/${pid}/status`, 'utf8').match(/^PPid:\s+(\d+)/m)?.[1]
        return (
          parent === String(running?.pid) &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('inspection/child.ts')
        )
      } catch {
        // It has ended meanwhile.
        return false
      }
    })
    .map(Number)

describe.sequential('firsthand’s scoring', () => {
  let jobId = ''
  let createdAt = ''

  it('row F7: the scorer killed with the copy stored and not recorded, and again before the approval', {
    timeout: START_MAX_MS,
  }, async () => {
    await start()
    const ended = once(running!, 'exit')
    // Of the appends to the submission: the upload, and what its scoring has found, the copy among it.
    dies({ at: 'command.before-append', about: 'firsthand.submission-', pass: 2 })
    const { body } = await post(1, 'image/png')
    jobId = body.id
    createdAt = body.created_at
    await ended
    dies({ at: 'command.before-append', about: `firsthand.job-${jobId}` })
    await start()
    await vi.waitFor(() => expect(runs()).toBe(false), wait)
  })

  it('row F7: one copy, one decision after the next start', { timeout: START_MAX_MS }, async () => {
    await start()
    await completed(jobId)
    const submissionId = firstSubmissionOf({ jobId, createdAt })
    const [own, decided] = await withLog(async (store) => [
      await eventsOf(store, `firsthand.submission-${submissionId}`),
      await eventsOf(store, `firsthand.job-${jobId}`),
    ])
    const names = (events: typeof own) => events.map(({ type }) => type.split('.')[1])
    expect(names(own)).toStrictEqual(['UploadStored', 'InspectionFinished', 'ScoreGiven', 'DeliveryCopyStored'])
    expect(names(decided)).toStrictEqual([
      ...['JobPosted', 'SeatClaimed', 'SubmissionReceived', 'SubmissionApproved', 'JobCompleted'],
    ])
    const files = readdirSync(join(dataDirectory, 'objects', 'files'), { recursive: true, withFileTypes: true })
    expect(files.filter((file) => file.isFile())).toHaveLength(1)
  })

  it('row F6: the inspector killed over and over; the files are tried again, and the API goes on', {
    timeout: START_MAX_MS,
  }, async () => {
    const { body } = await post(4, 'audio/wav')
    await withLog(async (store) => {
      const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 10, conflictRetriesMax: 3 })
      await vi.waitFor(async () => {
        for (const pid of inspectors()) process.kill(pid, 'SIGKILL')
        const state = await bus.current(job, body.id)
        const ids = state.status === 'absent' ? [] : [...state.seats.keys()]
        const events = await Promise.all(ids.map((id) => eventsOf(store, `firsthand.submission-${id}`)))
        expect(events.flat().map(({ type }) => type)).toContain('firsthand.ScoringFailed.v1')
      }, wait)
    })
    expect((await completed(body.id)).files_approved).toBe(4)
    expect(runs()).toBe(true)
  })

  it('row F22: with the clock an hour off, what is recorded, lots and links go by the one clock', {
    timeout: START_MAX_MS,
  }, async () => {
    const { body } = await post(2, 'image/jpeg')
    const done = await completed(body.id)
    for (const time of [done.created_at, done.completed_at])
      expect(Math.abs(Date.parse(time) - Date.now())).toBeLessThan(60_000)
    const approved = await withLog((store) => eventsOf(store, `firsthand.job-${body.id}`))
    const times = approved.map(({ data }) =>
      Date.parse((data as { occurredAt?: string }).occurredAt ?? done.created_at),
    )
    expect(Math.max(...times) - Date.now()).toBeLessThan(60_000)
    await linksGoByTheOneClock(body.id)
    await lotsGoByTheOneClock()
  })
})

/** Both ways, to the minute: what the buyer fetches, and what a worker sends. */
async function linksGoByTheOneClock(jobId: string): Promise<void> {
  const isIn = (time: string, ms: number) => expect(Math.abs(Date.parse(time) - Date.now() - ms)).toBeLessThan(60_000)
  type Files = { data: { download_url: string; download_url_expires_at: string }[] }
  const files = await vi.waitFor(async () => {
    const { body } = await call<Files>('GET', `/v1/jobs/${jobId}/files`)
    expect(body.data).toHaveLength(2)
    return body.data
  }, wait)
  for (const { download_url, download_url_expires_at } of files) {
    isIn(download_url_expires_at, 7 * 24 * HOUR_MS)
    expect((await fetch(download_url)).status).toBe(200)
  }
  const { live_key, worker_token } = sandbox()
  const { body: own } = await post(1, 'image/png', live_key)
  const work = <T>(path: string, body?: object) => call<T>('POST', `/worker/v1${path}`, body, worker_token)
  const { body: claim } = await work<{ id: string; expires_at: string }>(`/jobs/${own.id}/claims`)
  isIn(claim.expires_at, HOUR_MS / 2)
  type Link = { method: string; url: string; headers: Record<string, string> }
  const declared = { content_type: 'image/png', size_bytes: 9 }
  const { body: link } = await work<Link>(`/claims/${claim.id}/uploads`, declared)
  const { status } = await fetch(link.url, { method: link.method, headers: link.headers, body: 'some file' })
  expect(status).toBe(200)
}

/** A lot that ends in half an hour has ended by the instance's own clock, and is what is spent first by the one clock. */
async function lotsGoByTheOneClock(): Promise<void> {
  const { organization_id: organizationId, live_key } = sandbox()
  const of = { organizationId, environment: 'live' } as const
  const endsAt = new Date(Date.now() + HOUR_MS / 2).toISOString()
  const granted = await withLog(async (store) => {
    const bus = createCommandBus(store, { cachedAggregatesMax: 10, seenCommandsMax: 10, conflictRetriesMax: 3 })
    const context = systemContext()
    const credits = { kind: 'grant', credits: 'free_tier', amountCents: 25n, endsAt, reason: null } as const
    const { events } = await bus.handle(wallet, walletIdOf(of), { ...credits, wallet: of, at: context.at }, context)
    return events.find((event) => event.type === 'firsthand.CreditsGranted.v1')?.data
  })
  expect((await post(1, 'image/png', live_key)).status).toBe(201)
  const events = await withLog((store) => eventsOf(store, `firsthand.wallet-${walletIdOf(of)}`))
  const spent = events.findLast(({ type }) => type === 'firsthand.EscrowHeld.v1')?.data
  expect(spent).toMatchObject({ parts: [{ lotId: granted?.transactionId, endsAt, amountCents: '25' }] })
}
