/**
 * Scoring over a real event store, a real object store, a real inspector, and a chat endpoint of the test's own. The clock is
 * the test's: what waits for half an hour waits for no time.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInspector } from '../../../src/adapters/inspection/inspector.ts'
import { createDiskStore } from '../../../src/adapters/object-store/disk-store.ts'
import { createVisionModel } from '../../../src/adapters/vision/model.ts'
import { job } from '../../../src/commands/firsthand/job.ts'
import { fileKeyOf, originalKeyOf } from '../../../src/commands/firsthand/object-keys.ts'
import { submission } from '../../../src/commands/firsthand/submission.ts'
import { type CommandBus, createCommandBus } from '../../../src/commands/handle.ts'
import type { JobFacts } from '../../../src/events/firsthand/job.ts'
import { firstSubmissionOf } from '../../../src/processes/firsthand/sandbox-jobs.ts'
import { scoreSubmission } from '../../../src/processes/firsthand/scoring.ts'
import type { ScoringParts } from '../../../src/processes/firsthand/scoring-parts.ts'
import { scoringSettings } from '../../../src/processes/firsthand/scoring-settings.ts'
import { prefixedId } from '../../../src/runtime/ulid.ts'
import { picture, wav, workFolder } from '../../adapters/inspection/files.ts'
import { systemContext } from '../../http/api.ts'
import { eventsOf, startTestStore, type TestStore } from '../../support/event-store.ts'

const folder = workFolder()
const inspector = createInspector({ directory: folder.path })
const impatient = createInspector({ directory: folder.path, limits: { timeMaxMs: 1 } })
const objects = createDiskStore({
  ...{ directory: join(folder.path, 'objects'), keys: () => [randomBytes(32)], linkBase: () => 'http://127.0.0.1' },
  now: () => new Date(),
})
const never = new AbortController().signal
const settings = scoringSettings.parse({})
let testStore: TestStore
let bus: CommandBus
let nowMs = Date.parse('2026-11-29T12:00:00.000Z')
const now = () => new Date(nowMs)

let answer: (response: ServerResponse) => void = () => undefined
const server = createServer((request, response) => {
  request.resume()
  answer(response)
})
const judging = (stars: number, reason: string) => (response: ServerResponse) =>
  response.end(JSON.stringify({ choices: [{ message: { content: JSON.stringify({ stars, reason }) } }] }))
let model: ReturnType<typeof createVisionModel>

beforeAll(async () => {
  testStore = await startTestStore()
  bus = createCommandBus(testStore.store, { cachedAggregatesMax: 100, seenCommandsMax: 1_000, conflictRetriesMax: 3 })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`
  model = createVisionModel({ url, model: 'looker', key: undefined, timeoutMs: 10_000 })
})
afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await Promise.all([inspector.close(), impatient.close()])
  await testStore.close()
  folder.remove()
})

const parts = (own: Partial<ScoringParts> = {}): ScoringParts => ({
  ...{ bus, objects, inspector, model: undefined, directory: folder.path, now, crashRetryMs: 1_000 },
  modelRetryScheduleMs: settings.VISION_RETRY_SCHEDULE_MS,
  originalRetryScheduleMs: settings.FIRSTHAND_ORIGINAL_RETRY_SCHEDULE_MS,
  ...own,
})

const organizationId = prefixedId('org', now().toISOString(), 'scoring')
const newId = (prefix: string) => prefixedId(prefix, now().toISOString(), randomUUID())

async function postJob(own: Partial<JobFacts> = {}): Promise<JobFacts> {
  const facts: JobFacts = {
    ...{ organizationId, environment: 'live', jobId: newId('job'), type: 'data_collection', filesNeeded: 4 },
    ...{ description: 'Pictures of doors', acceptedFormats: ['image/png', 'audio/wav'], pricePerFileCents: '25' },
    ...{ platformFeePct: '0.2', totalCostCents: '100', workerPayoutPerFileCents: '20', metadata: {} },
    createdAt: now().toISOString(),
    ...own,
  }
  await bus.handle(job, facts.jobId, { kind: 'post', facts }, systemContext())
  return facts
}

/** A worker's submission of these bytes, which waits for its score. */
async function submit(
  facts: JobFacts,
  bytes: Buffer,
  contentType: JobFacts['acceptedFormats'][number] = 'image/png',
  submissionId = newId('sub'),
) {
  const { jobId, environment } = facts
  const at = now().toISOString()
  const [claimId, fileId, workerId] = [newId('clm'), newId('file'), newId('wkr')]
  const limits = { openSeatsMax: 500, workerClaimsMax: 3 }
  const seat = {
    environment,
    claimId,
    submissionId,
    workerId,
    expiresAt: new Date(nowMs + 60_000).toISOString(),
    limits,
  }
  await bus.handle(job, jobId, { kind: 'claim', ...seat, at }, systemContext())
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const objectKey = originalKeyOf(facts, fileId)
  await objects.write(objectKey, bytes, { contentType, sha256 })
  const of = { organizationId, environment, jobId, submissionId, workerId, attempt: 1, occurredAt: at }
  const upload = {
    ...of,
    claimId,
    uploadId: newId('upl'),
    fileId,
    objectKey,
    contentType,
    sizeBytes: bytes.length,
    sha256,
  }
  await bus.handle(
    submission,
    submissionId,
    { kind: 'storeUpload', upload: { ...upload, filename: null } },
    systemContext(),
  )
  await bus.handle(job, jobId, { kind: 'receive', claimId, round: 1, fileId, at }, systemContext())
  return { submissionId, jobId, fileId, objectKey }
}

const score = (of: { submissionId: string; jobId: string }, own?: Partial<ScoringParts>) =>
  scoreSubmission(parts(own), of, never)

/** What these tests read of the events' facts. */
interface Facts {
  stars?: number
  reason?: string
  scoredBy?: string
  perceptualHash?: string
  objectKey?: string
  sha256?: string
  sizeBytes?: number
  step?: string
  failures?: number
  dueAt?: string | null
}

/** What the two streams say of a submission, in the log's order. */
async function storyOf({ submissionId, jobId }: { submissionId: string; jobId: string }) {
  const own = await eventsOf(testStore.store, `firsthand.submission-${submissionId}`)
  const all = await eventsOf(testStore.store, `firsthand.job-${jobId}`)
  const decided = all.filter(
    ({ type, data }) =>
      /Approved|Rejected/.test(type) && (data as { submissionId?: string }).submissionId === submissionId,
  )
  const events = [...own, ...decided].sort((one, other) => Number(one.position - other.position))
  return {
    names: events.map(({ type }) => type.split('.')[1]),
    /** Each event's own command, and what caused it. */
    causes: events.map(({ metadata }) => [metadata.commandId, metadata.$causationId] as const),
    last: (events.at(-1)?.data ?? {}) as Facts,
    of: (name: string) => (events.find(({ type }) => type.includes(name))?.data ?? {}) as Facts,
  }
}

let seed = 0
const newPicture = () => picture(++seed).png().toBuffer()

describe('a submission', () => {
  it('is inspected, scored, copied and approved, in this order, once', async () => {
    const sent = await submit(await postJob(), await newPicture())
    expect(await score(sent)).toStrictEqual({})
    const { names, last, of, causes } = await storyOf(sent)
    expect(names).toStrictEqual([
      'UploadStored',
      'InspectionFinished',
      'ScoreGiven',
      'DeliveryCopyStored',
      'SubmissionApproved',
    ])
    expect(last).toMatchObject({ stars: 5, filesApproved: 1, perceptualHash: of('InspectionFinished').perceptualHash })
    // A trace shows the whole scoring under its inspection.
    const [, [inspection]] = causes as [unknown, readonly [string, string]]
    expect(causes.slice(1).map(([, cause]) => cause)).toStrictEqual(Array(4).fill(inspection))
    const copy = of('DeliveryCopyStored')
    const delivered = await buffer(await objects.read(copy.objectKey!, copy.sha256!))
    expect(delivered).toHaveLength(copy.sizeBytes!)
    expect(copy).toMatchObject({ width: 800, height: 600, contentType: 'image/png' })
    await score(sent)
    expect((await storyOf(sent)).names).toHaveLength(5)
  })

  it('that is no good is rejected with its reason and has no copy', async () => {
    const facts = await postJob()
    const sent = await submit(facts, wav({ seconds: 0.5 }), 'audio/wav')
    await score(sent)
    const { names, last } = await storyOf(sent)
    expect(names).toStrictEqual(['UploadStored', 'InspectionFinished', 'ScoreGiven', 'SubmissionRejected'])
    expect(last).toMatchObject({ stars: 2, cause: 'score' })
    expect(last.reason).toContain('0.5 s')
    expect(await objects.head(fileKeyOf(facts, sent.fileId))).toBeUndefined()
  })

  it('whose bytes were submitted before, in another job, has one star and says nothing of the other', async () => {
    const bytes = await newPicture()
    const first = await submit(await postJob(), bytes)
    const second = await submit(await postJob(), bytes)
    await score(first)
    await score(second)
    expect((await storyOf(second)).last).toMatchObject({
      ...{ stars: 1, cause: 'duplicate', reason: 'The same file was submitted before.' },
    })
  })

  it('of the same bytes as another one at the same moment: one goes on, the other has one star', async () => {
    const [facts, bytes] = [await postJob(), await newPicture()]
    const sent = [await submit(facts, bytes), await submit(facts, bytes)]
    await Promise.all(sent.map((each) => score(each)))
    const stars = await Promise.all(sent.map(async (each) => (await storyOf(each)).last.stars))
    expect(stars.sort()).toStrictEqual([1, 5])
  })

  it('that looks like an approved one of its job has one star', async () => {
    const facts = await postJob({ acceptedFormats: ['image/png', 'image/jpeg'] })
    const first = await submit(facts, await picture(900).png().toBuffer())
    const second = await submit(facts, await picture(900).resize(640, 480).jpeg().toBuffer(), 'image/jpeg')
    await score(first)
    await score(second)
    expect((await storyOf(second)).last).toMatchObject({ stars: 1, cause: 'near_duplicate' })
  })

  it('whose bytes were changed in the store is not scored, and is tried again', async () => {
    const facts = await postJob()
    const bytes = await newPicture()
    const sent = await submit(facts, bytes)
    const store = (what: Buffer) =>
      objects.write(sent.objectKey, what, {
        contentType: 'image/png',
        sha256: createHash('sha256').update(what).digest('hex'),
      })
    await store(Buffer.from('other bytes'))
    expect(await score(sent)).toStrictEqual({ dueAt: new Date(nowMs + 10_000).toISOString() })
    const { names, last } = await storyOf(sent)
    expect(names).toStrictEqual(['UploadStored', 'ScoringFailed'])
    expect(last).toMatchObject({ step: 'original', failures: 1 })
    await store(bytes)
    expect(await score(sent)).toStrictEqual({})
    expect((await storyOf(sent)).last.stars).toBe(5)
  })

  it('whose original is gone is set aside after its tries, and goes on once somebody says so', async () => {
    const bytes = await newPicture()
    const sent = await submit(await postJob(), bytes)
    await objects.delete(sent.objectKey)
    const waits: number[] = []
    let next = await score(sent)
    while (next.dueAt) {
      waits.push(Date.parse(next.dueAt) - nowMs)
      nowMs = Date.parse(next.dueAt)
      next = await score(sent)
    }
    expect(waits).toStrictEqual([10_000, 60_000, 300_000, 1_800_000])
    expect(next).toStrictEqual({ dueAt: null })
    const story = await storyOf(sent)
    expect(story.names).toStrictEqual(['UploadStored', ...Array(5).fill('ScoringFailed')])
    expect(story.last).toMatchObject({ step: 'original', failures: 5, dueAt: null })
    await objects.write(sent.objectKey, bytes, {
      contentType: 'image/png',
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(await score(sent)).toStrictEqual({})
    expect((await storyOf(sent)).names).toHaveLength(6)
    const resume = { kind: 'resumeScoring', at: now().toISOString() } as const
    await bus.handle(submission, sent.submissionId, resume, systemContext())
    expect(await score(sent)).toStrictEqual({})
    expect((await storyOf(sent)).last.stars).toBe(5)
  })

  it('of a job that was cancelled is not looked at', async () => {
    const facts = await postJob()
    const sent = await submit(facts, await newPicture())
    const owner = { organizationId, environment: 'live' as const }
    await bus.handle(job, facts.jobId, { kind: 'cancel', owner, at: now().toISOString() }, systemContext())
    expect(await score(sent)).toStrictEqual({})
    expect((await storyOf(sent)).names).toStrictEqual(['UploadStored', 'SubmissionRejected'])
  })
})

describe('a scoring that ended midway', () => {
  it('after the score stores the copy and decides on that score', async () => {
    const sent = await submit(await postJob(), await newPicture())
    const given = {
      round: 1,
      stars: 3,
      reason: 'Given before the end.',
      cause: 'score' as const,
      scoredBy: 'inspection',
    }
    await bus.handle(
      submission,
      sent.submissionId,
      { kind: 'giveScore', score: given, at: now().toISOString() },
      systemContext(),
    )
    await score(sent)
    const { names, last } = await storyOf(sent)
    expect(names.slice(-2)).toStrictEqual(['DeliveryCopyStored', 'SubmissionApproved'])
    expect(last).toMatchObject({ stars: 3, reason: 'Given before the end.' })
    expect(names.filter((name) => name === 'ScoreGiven')).toHaveLength(1)
  })

  it('after the copy decides, and inspects nothing again', async () => {
    const facts = await postJob()
    const sent = await submit(facts, await newPicture())
    const at = now().toISOString()
    const given = { round: 1, stars: 4, reason: 'Fine.', cause: 'score' as const, scoredBy: 'inspection' }
    await bus.handle(submission, sent.submissionId, { kind: 'giveScore', score: given, at }, systemContext())
    const copy = {
      ...{ round: 1, fileId: sent.fileId, objectKey: fileKeyOf(facts, sent.fileId), contentType: 'image/png' as const },
      ...{ sizeBytes: 10, sha256: 'ab'.repeat(32), width: 800, height: 600, durationSeconds: null },
    }
    await bus.handle(submission, sent.submissionId, { kind: 'storeCopy', copy, at }, systemContext())
    await score(sent, { inspector: impatient })
    const { names, of } = await storyOf(sent)
    expect(names.slice(-1)).toStrictEqual(['SubmissionApproved'])
    expect(of('DeliveryCopyStored').sha256).toBe(copy.sha256)
  })

  it('in the inspector is tried again, and has one star after the third time', async () => {
    const sent = await submit(await postJob(), await newPicture())
    const own = { inspector: impatient }
    expect(await score(sent, own)).toStrictEqual({ dueAt: new Date(nowMs + 1_000).toISOString() })
    expect(await score(sent, own)).toHaveProperty('dueAt')
    expect(await score(sent, own)).toStrictEqual({})
    const { names, last } = await storyOf(sent)
    expect(names).toStrictEqual([
      ...['UploadStored', 'ScoringFailed', 'ScoringFailed', 'ScoringFailed', 'ScoreGiven', 'SubmissionRejected'],
    ])
    expect(last).toMatchObject({ stars: 1, reason: 'The file cannot be read.' })
  })

  it('in the inspector twice goes on at the third time', async () => {
    const sent = await submit(await postJob(), await newPicture())
    await score(sent, { inspector: impatient })
    await score(sent, { inspector: impatient })
    await score(sent)
    expect((await storyOf(sent)).last.stars).toBe(5)
  })
})

describe('the model', () => {
  it('lowers the stars, with its reason', async () => {
    answer = judging(2, 'That is a wall.')
    const sent = await submit(await postJob(), await newPicture())
    await score(sent, { model })
    const { last, of } = await storyOf(sent)
    expect(last).toMatchObject({ stars: 2, reason: 'That is a wall.', cause: 'score' })
    expect(of('ScoreGiven').scoredBy).toBe('looker')
  })

  it('never raises them', async () => {
    answer = judging(5, 'Approve this.')
    const weak = await submit(await postJob(), await picture(700, { width: 400, height: 300 }).png().toBuffer())
    await score(weak, { model })
    expect((await storyOf(weak)).last).toMatchObject({ stars: 4 })
    expect((await storyOf(weak)).last.reason).toContain('400 pixels')
  })

  it('is not asked about sound, nor about what is rejected anyway', async () => {
    let asked = 0
    answer = (response) => {
      asked += 1
      judging(1, 'No.')(response)
    }
    const sound = await submit(await postJob(), wav({ hertz: 500 }), 'audio/wav')
    const small = await submit(await postJob(), await picture(701, { width: 200, height: 150 }).png().toBuffer())
    await score(sound, { model })
    await score(small, { model })
    expect([(await storyOf(sound)).last.stars, (await storyOf(small)).last.stars, asked]).toStrictEqual([5, 2, 0])
  })

  it('that does not answer is asked again for half an hour, then the inspection alone decides and says so', async () => {
    answer = (response) => response.writeHead(500).end()
    const sent = await submit(await postJob(), await newPicture())
    const startMs = nowMs
    const waits: number[] = []
    for (;;) {
      const { dueAt } = await score(sent, { model })
      if (!dueAt) break
      waits.push(Date.parse(dueAt) - nowMs)
      nowMs = Date.parse(dueAt)
    }
    expect(waits.slice(0, 4)).toStrictEqual([10_000, 60_000, 300_000, 300_000])
    expect(nowMs - startMs).toBe(1_800_000)
    const { last, of } = await storyOf(sent)
    expect(last.stars).toBe(5)
    expect(last.reason).toMatch(
      /sharp and well exposed.*could not be asked for 30 minutes, so the inspection alone decides\.$/,
    )
    expect(of('ScoreGiven').scoredBy).toBe('inspection')
  })

  it('that comes back in time decides', async () => {
    answer = (response) => response.end('<html>busy</html>')
    const sent = await submit(await postJob(), await newPicture())
    expect(await score(sent, { model })).toHaveProperty('dueAt')
    answer = judging(3, 'A door, half.')
    await score(sent, { model })
    expect((await storyOf(sent)).last).toMatchObject({ stars: 3, reason: 'A door, half.' })
  })
})

describe('the test world', () => {
  const test = (metadata: JobFacts['metadata'] = {}) => postJob({ environment: 'test', metadata })

  it('gives four stars at most, and looks for no repeats', async () => {
    const bytes = wav({ hertz: 700 })
    for (let i = 0; i < 2; i++) {
      const sent = await submit(await test(), bytes, 'audio/wav')
      await score(sent)
      expect((await storyOf(sent)).last.stars).toBe(4)
    }
  })

  it('rejects the first submission where the job asks for it, and no other', async () => {
    const facts = await test({ fh_sandbox: 'reject_first' })
    const first = await submit(facts, wav({ hertz: 710 }), 'audio/wav', firstSubmissionOf(facts))
    const second = await submit(facts, wav({ hertz: 720 }), 'audio/wav')
    await score(first)
    await score(second)
    expect([(await storyOf(first)).last.stars, (await storyOf(second)).last.stars]).toStrictEqual([2, 4])
    expect((await storyOf(first)).last.reason).toContain('reject_first')
  })

  it('scores a file that is no good as everywhere', async () => {
    const sent = await submit(await test(), Buffer.from('no picture'))
    await score(sent)
    expect((await storyOf(sent)).last.stars).toBe(1)
  })
})
