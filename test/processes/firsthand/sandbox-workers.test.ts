/** Sandbox workers over a real event store and a real object store, whose links lead to a server of the test's own. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInspector } from '../../../src/adapters/inspection/inspector.ts'
import { createDiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import { job } from '../../../src/commands/firsthand/job.ts'
import { submission } from '../../../src/commands/firsthand/submission.ts'
import { type CommandBus, createCommandBus } from '../../../src/commands/handle.ts'
import type { JobFacts } from '../../../src/events/firsthand/job.ts'
import { format } from '../../../src/events/firsthand/vocabulary.ts'
import { filesDueBy, firstSubmissionOf } from '../../../src/processes/firsthand/sandbox-jobs.ts'
import { type SandboxParts, workOn } from '../../../src/processes/firsthand/sandbox-workers.ts'
import { scoreSubmission } from '../../../src/processes/firsthand/scoring.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { workFolder } from '../../adapters/inspection/files.ts'
import { systemContext } from '../../http/api.ts'
import { startTestStore, type TestStore } from '../../support/event-store.ts'

const folder = workFolder()
const inspector = createInspector({ directory: folder.path })
const key = Buffer.alloc(32, 7)
let address = ''
const objects = createDiskStore({
  ...{ directory: join(folder.path, 'objects'), keys: () => [key], linkBase: () => address, now: () => new Date() },
})
let isDown = false
const server = createServer(async (request, response) => {
  const grant = objects.readLink((request.url ?? '').slice(1))
  if (isDown || grant?.method !== 'PUT') return void response.writeHead(503).end()
  await objects.receive(grant, request)
  response.end()
})
const never = new AbortController().signal
const START_MS = Date.parse('2026-11-29T12:00:00.000Z')
let nowMs = START_MS
const now = () => new Date(nowMs)
let testStore: TestStore
let bus: CommandBus

beforeAll(async () => {
  testStore = await startTestStore()
  bus = createCommandBus(testStore.store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await inspector.close()
  await testStore.close()
  folder.remove()
})

const parts = (): SandboxParts => ({
  ...{ bus, objects, inspector, directory: folder.path, now },
  limits: {
    ...{ completionMs: 10_000, pollIntervalMs: 100, batchMax: 100, concurrencyMax: 2 },
    claims: { claimTtlMs: 1_800_000, openSeatsMax: 500, workerClaimsMax: 3, workerClaimsPerDayMax: 50 },
  },
})
const organizationId = prefixedId('org', now().toISOString(), 'sandbox')

async function post(filesNeeded: number, own: Partial<JobFacts> = {}): Promise<JobFacts> {
  const facts: JobFacts = {
    ...{ organizationId, environment: 'test', type: 'data_collection', filesNeeded, description: 'Pictures of doors' },
    jobId: prefixedId('job', now().toISOString(), randomUUID()),
    ...{ acceptedFormats: ['audio/wav'], pricePerFileCents: '25', platformFeePct: '0.2', totalCostCents: '0' },
    ...{ workerPayoutPerFileCents: '20', metadata: {}, createdAt: now().toISOString(), ...own },
  }
  await bus.handle(job, facts.jobId, { kind: 'post', facts }, systemContext())
  return facts
}

async function seatsOf(jobId: string) {
  const state = await bus.current(job, jobId)
  return state.status === 'absent' ? [] : [...state.seats.values()]
}
const work = (jobId: string) => workOn(parts(), jobId, never)

describe('sandbox workers', () => {
  it('submit a job’s files spread over its time, more than three at once and more than fifty a day', async () => {
    const { jobId } = await post(60)
    await work(jobId)
    expect(await seatsOf(jobId)).toHaveLength(1)
    nowMs += 3_500
    await work(jobId)
    expect(await seatsOf(jobId)).toHaveLength(31)
    nowMs += 3_500
    await work(jobId)
    const seats = await seatsOf(jobId)
    expect(seats).toHaveLength(60)
    expect(new Set(seats.map(({ phase }) => phase))).toStrictEqual(new Set(['submitted']))
  })

  it.each(format.options)('make %s that get four stars', async (format) => {
    const { jobId } = await post(1, { acceptedFormats: [format] })
    await work(jobId)
    const [seat] = await seatsOf(jobId)
    const scoring = {
      ...parts(),
      model: undefined,
      crashRetryMs: 1_000,
      modelRetryScheduleMs: [1],
      originalRetryScheduleMs: [1],
    }
    await scoreSubmission(scoring, { submissionId: seat!.submissionId, jobId }, never)
    const state = await bus.current(submission, seat!.submissionId)
    expect(state.status === 'absent' ? undefined : state.score).toMatchObject({ stars: 4 })
    expect((await bus.current(job, jobId)).status).toBe('completed')
  })

  it('go on with what was claimed where they ended before the upload', async () => {
    const { jobId } = await post(1)
    isDown = true
    await expect(work(jobId)).rejects.toThrow('status 503')
    isDown = false
    const [claimed] = await seatsOf(jobId)
    expect(claimed?.phase).toBe('claimed')
    await work(jobId)
    expect(await seatsOf(jobId)).toMatchObject([{ submissionId: claimed?.submissionId, phase: 'submitted' }])
  })

  it('begin with the submission that reject_first is about', async () => {
    const facts = await post(2, { metadata: { fh_sandbox: 'reject_first' } })
    await work(facts.jobId)
    expect((await seatsOf(facts.jobId)).map(({ submissionId }) => submissionId)).toStrictEqual([
      firstSubmissionOf(facts),
    ])
  })

  it.each([
    ['that is to stall', { metadata: { fh_sandbox: 'stall' } }],
    ['of the live world', { environment: 'live' as const }],
  ])('leave a job %s alone', async (_, own) => {
    const { jobId } = await post(2, own)
    await work(jobId)
    expect(await seatsOf(jobId)).toStrictEqual([])
  })
})

it('files are due from the first moment on, all of them before the time is over, and never more', () => {
  const facts = { filesNeeded: 10, createdAt: new Date(START_MS).toISOString() } as JobFacts
  const dueAfter = (ms: number) => filesDueBy(facts, 10_000, new Date(START_MS + ms))
  expect([-5_000, 0, 3_500, 7_000, 100_000].map(dueAfter)).toStrictEqual([0, 1, 6, 10, 10])
})
