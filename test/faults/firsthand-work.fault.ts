/**
 * Rows F3, F4, F9, F10, F11 and F16 of firsthand's faults over a whole instance: many who want the same seats, a cancel among
 * approvals, the same bytes twice, a model that fails in every way, an original that is gone.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync, renameSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { picture, wav } from '../adapters/inspection/files.ts'
import { type Buyer, postJob } from '../http/firsthand/buyers.ts'
import { claimSeat, submitFile, type Worker, work } from '../http/firsthand/crew.ts'
import { runCli } from '../support/cli.ts'
import { type FirsthandHouse, openFirsthandHouse } from './firsthand-house.ts'
import { createRandom } from './plan.ts'

const PRICE = 25
const PAYOUT = 20
/** Of the model's answers. */
const MODEL_WAITS_MS = 50
const CREW = 4
/** A worker has 600 requests a minute. */
const wait = { timeout: 60_000, interval: 150 }
const eventually = <T>(look: () => Promise<T>) => vi.waitFor(look, wait)
const random = createRandom(`firsthand ${process.env.OPSLOG_SEED ?? '1'}`)

/** Each takes some seconds on a machine of its own. */
vi.setConfig({ testTimeout: 90_000 })
let house: FirsthandHouse
let buyer: Buyer
let crew: Worker[]

/** The model: answers as it is told, and nicely at other times. */
type ModelAnswer = (response: ServerResponse) => void
const judging = (stars: number, reason: string) =>
  JSON.stringify({ choices: [{ message: { content: JSON.stringify({ stars, reason }) } }] })
let modelAnswers: ModelAnswer[] = []
const model = createServer((request, response) => {
  request.resume()
  const next = modelAnswers.shift() ?? ((to: ServerResponse) => to.end(judging(5, 'A door.')))
  next(response)
})

beforeAll(async () => {
  model.listen(0, '127.0.0.1')
  await once(model, 'listening')
  house = await openFirsthandHouse({
    ...{ FIRSTHAND_WORKER_CLAIMS_MAX: '200', FIRSTHAND_WORKER_CLAIMS_PER_DAY_MAX: '10000' },
    // Fifty files of one organization are sent at once, which has half of the places.
    ...{ FIRSTHAND_UPLOADS_MAX: '100' },
    ...{ FIRSTHAND_SCORING_PER_ORGANIZATION_MAX: '4' },
    ...{ VISION_URL: `http://127.0.0.1:${(model.address() as AddressInfo).port}/v1`, VISION_MODEL: 'looker' },
    FIRSTHAND_ORIGINAL_RETRY_SCHEDULE_MS: '50,50',
    ...{ VISION_TIMEOUT_MS: '300', VISION_RETRY_SCHEDULE_MS: Array(4).fill(MODEL_WAITS_MS).join() },
  })
  await house.start()
  buyer = await house.addBuyer({ cents: 1_000_000 })
  crew = await Promise.all(Array.from({ length: CREW }, (_, n) => house.addWorker(`worker ${n}`)))
}, 240_000)
afterAll(async () => {
  await house.close()
  model.closeAllConnections()
  model.close()
}, 120_000)

const workerOf = (n: number): Worker => crew[n % CREW]!
const jobOf = async (files: number, format = 'audio/wav'): Promise<string> => {
  const wanted = { files_needed: files, price_per_file_cents: PRICE, accepted_formats: [format] }
  const { status, body } = await postJob(house, buyer.key, wanted)
  expect(status).toBe(201)
  return body.id
}
const readJob = async (id: string) => (await house.buy('GET', `/v1/jobs/${id}`, { key: buyer.key })).body
const namesIn = async (jobId: string) => (await house.eventsOf(`firsthand.job-${jobId}`)).map(({ name }) => name)
const countIn = async (jobId: string, name: string) => (await namesIn(jobId)).filter((each) => each === name).length

/** Sends the bytes under the claim; answers with the upload's id and its link. */
async function send(of: Worker, claimId: string, bytes: Buffer, contentType = 'audio/wav') {
  const body = { content_type: contentType, size_bytes: bytes.length }
  const { body: link } = await work(house, of, 'POST', `/claims/${claimId}/uploads`, { body })
  const put = () => fetch(link.url, { method: 'PUT', headers: link.headers, body: bytes as Uint8Array<ArrayBuffer> })
  expect((await put()).status).toBe(200)
  return { uploadId: link.upload_id as string, put }
}

let tone = 200
const newSound = () => wav({ hertz: ++tone, seconds: 1.1 })

interface Seat {
  of: Worker
  claimId: string
  submissionId: string
  uploadId: string
}

/** Seats of the job, with their bytes sent. */
async function seated(claims: readonly { of: Worker; id: string; submission_id: string }[]): Promise<Seat[]> {
  return Promise.all(
    claims.map(async ({ of, id, submission_id }) => {
      const { uploadId } = await send(of, id, newSound())
      return { of, claimId: id, submissionId: submission_id, uploadId }
    }),
  )
}
const submitAll = async (seats: readonly Seat[]) => {
  const submitted = await Promise.all(
    seats.map(({ of, claimId, uploadId }) => submitFile(house, of, claimId, uploadId)),
  )
  expect(new Set(submitted.map(({ status }) => status))).toStrictEqual(new Set([202]))
}
/** What the crew is owed, by the log: a worker has so many requests a minute. */
const earned = async (): Promise<number> => {
  const all = await Promise.all(crew.map(({ workerId }) => house.eventsOf(`firsthand.worker-${workerId}`)))
  const owed = all.map((events) =>
    Number(events.findLast(({ data }) => 'balanceCents' in data)?.data.balanceCents ?? 0),
  )
  return owed.reduce((sum, cents) => sum + cents, 0)
}

describe.sequential('a job that many work on', () => {
  it('row F3: 200 claims and then 50 scores at once: 50 seats, 50 approved and paid, one end', async () => {
    const jobId = await jobOf(50)
    const before = await earned()
    const claimed = await Promise.all(
      Array.from({ length: 200 }, async (_, n) => ({
        of: workerOf(n),
        ...(await claimSeat(house, workerOf(n), jobId)),
      })),
    )
    const statuses = claimed.map(({ status }) => status)
    expect(statuses.filter((status) => status === 201)).toHaveLength(50)
    expect(statuses.filter((status) => status === 409)).toHaveLength(150)
    const seats = await seated(claimed.filter(({ status }) => status === 201).map(({ of, body }) => ({ of, ...body })))
    await submitAll(seats)
    await eventually(async () =>
      expect(await readJob(jobId)).toMatchObject({ status: 'completed', files_approved: 50 }),
    )
    const names = await namesIn(jobId)
    expect(names.filter((name) => name === 'SubmissionApproved')).toHaveLength(50)
    expect(names.filter((name) => name === 'JobCompleted')).toHaveLength(1)
    expect(names.at(-1)).toBe('JobCompleted')
    await eventually(async () => expect(await earned()).toBe(before + 50 * PAYOUT))
  })

  it('row F4: a cancel among the approvals of 50 seats: approved and refunded are what was held, and it ends once', async () => {
    const jobId = await jobOf(50)
    const held = await balanceOf()
    const before = await earned()
    const claims = []
    for (let n = 0; n < 50; n++) {
      const { body } = await claimSeat(house, workerOf(n), jobId)
      claims.push({ of: workerOf(n), ...body })
    }
    const seats = await seated(claims)
    const enough = 5 + random.below(30)
    // The rest stay claimed, so that the job cannot be complete before it is cancelled.
    await submitAll(seats.slice(0, 45))
    await eventually(async () => expect((await readJob(jobId)).files_approved).toBeGreaterThanOrEqual(enough))
    const { status, body } = await house.buy('POST', `/v1/jobs/${jobId}/cancel`, { key: buyer.key })
    expect([status, body.status]).toStrictEqual([200, 'cancelled'])
    const approved = await countIn(jobId, 'SubmissionApproved')
    expect(await countIn(jobId, 'JobCancelled')).toBe(1)
    expect((await namesIn(jobId)).at(-1)).toBe('JobCancelled')
    // The cancel's answer comes after its refund, of all but what was approved.
    expect(await balanceOf()).toBe(held + (50 - approved) * PRICE)
    await eventually(async () => expect(await earned()).toBe(before + approved * PAYOUT))
    expect(await countIn(jobId, 'SubmissionApproved')).toBe(approved)
    const { body: listed } = await house.buy('GET', `/v1/jobs/${jobId}/files?limit=100`, { key: buyer.key })
    expect(listed.data).toHaveLength(approved)
  })

  it('row F10: what is put after the submission is refused, or at least not what is delivered', async () => {
    const jobId = await jobOf(1, 'image/png')
    const { body: claim } = await claimSeat(house, workerOf(0), jobId)
    const { uploadId, put } = await send(workerOf(0), claim.id, await picture(31).png().toBuffer(), 'image/png')
    await submitFile(house, workerOf(0), claim.id, uploadId)
    expect((await put()).status).toBe(409)
    // Past the links, as whoever has the disk may do.
    for (const file of filesUnder('uploads')) writeFileSync(file, 'something else')
    await eventually(async () => expect((await readJob(jobId)).status).toBe('completed'))
    const { body } = await house.buy('GET', `/v1/jobs/${jobId}/files`, { key: buyer.key })
    const delivered = Buffer.from(await (await fetch(body.data[0].download_url)).arrayBuffer())
    const stored = (await house.eventsOf(`firsthand.submission-${claim.submission_id}`)).find(
      ({ name }) => name === 'DeliveryCopyStored',
    )
    expect(createHash('sha256').update(delivered).digest('hex')).toBe(stored?.data.sha256)
  })

  it('row F11: two workers with the same bytes at the same moment: one goes on, the other has one star', async () => {
    const jobId = await jobOf(2)
    const bytes = newSound()
    const seats = await Promise.all(
      [0, 1].map(async (n) => {
        const { body: claim } = await claimSeat(house, workerOf(n), jobId)
        const { uploadId } = await send(workerOf(n), claim.id, bytes)
        return { of: workerOf(n), claimId: claim.id, submissionId: claim.submission_id, uploadId }
      }),
    )
    await submitAll(seats)
    await eventually(async () => {
      const shown = await Promise.all(
        seats.map(({ of, submissionId }) => work(house, of, 'GET', `/submissions/${submissionId}`)),
      )
      const outcomes = shown.map(({ body }) => `${body.status} ${body.ai_star_rating}`).sort()
      expect(outcomes).toStrictEqual(['approved 5', 'rejected 1'])
    })
    await house.buy('POST', `/v1/jobs/${jobId}/cancel`, { key: buyer.key })
  })
})

const balanceOf = async (): Promise<number> =>
  (await house.buy('GET', '/v1/billing/credits', { key: buyer.key })).body.balance_cents
const filesUnder = (kind: string): string[] =>
  readdirSync(join(house.dataDirectory, 'objects', kind), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))

describe.sequential('the model', () => {
  async function scored(jobId: string, seed: number, size?: { width: number; height: number }) {
    const { body: claim } = await claimSeat(house, workerOf(seed), jobId)
    const { uploadId } = await send(workerOf(seed), claim.id, await picture(seed, size).png().toBuffer(), 'image/png')
    await submitFile(house, workerOf(seed), claim.id, uploadId)
    return eventually(async () => {
      const { body } = await work(house, workerOf(seed), 'GET', `/submissions/${claim.submission_id}`)
      expect(['approved', 'rejected']).toContain(body.status)
      const { ai_star_rating, ai_reasoning, status } = body as Record<string, unknown>
      const events = await house.eventsOf(`firsthand.submission-${claim.submission_id}`)
      return { ai_star_rating, ai_reasoning, status, events }
    })
  }

  it('row F16: that fails in each way is asked again; then the inspection alone decides, and says so', async () => {
    modelAnswers = [
      (to) => to.writeHead(500).end(),
      // No answer in time.
      () => undefined,
      (to) => to.writeHead(200, { 'content-type': 'text/html' }).end('<html>busy</html>'),
      (to) => to.end(judging(9, 'Nine stars.')),
      (to) => to.writeHead(503).end(),
    ]
    const { ai_star_rating: stars, ai_reasoning: reason, events } = await scored(await jobOf(1, 'image/png'), 41)
    expect(modelAnswers).toStrictEqual([])
    expect(stars).toBe(5)
    expect(reason).toContain('the inspection alone decides')
    const failed = events.filter(({ name }) => name === 'ScoringFailed').map(({ data }) => data.failures)
    expect(failed).toStrictEqual([1, 2, 3, 4])
  })

  it('row F16: never gives more than the inspection, whatever the picture has it say', async () => {
    modelAnswers = [(to) => to.end(judging(5, 'Approve me.')), (to) => to.end(judging(1, 'Not what was asked for.'))]
    const jobId = await jobOf(2, 'image/png')
    expect((await scored(jobId, 42, { width: 400, height: 300 })).ai_star_rating).toBe(4)
    expect(await scored(jobId, 43)).toMatchObject({ status: 'rejected', ai_star_rating: 1 })
    await house.buy('POST', `/v1/jobs/${jobId}/cancel`, { key: buyer.key })
  })
})

describe.sequential('an original', () => {
  it('row F9: that is gone has its submission set aside, which shows; once it is back, it is scored on command', async () => {
    const jobId = await jobOf(1, 'image/png')
    const { body: claim } = await claimSeat(house, workerOf(0), jobId)
    const id = claim.submission_id
    const { uploadId } = await send(workerOf(0), claim.id, await picture(51).png().toBuffer(), 'image/png')
    const safe = join(house.dataDirectory, 'kept-original')
    let original = ''
    // The first scoring is as far as the model when the file goes; the next ones do not find it.
    modelAnswers = [
      (to) => {
        original = filesUnder('originals').find((file) => file.includes(jobId)) ?? ''
        renameSync(original, safe)
        to.writeHead(500).end()
      },
    ]
    await submitFile(house, workerOf(0), claim.id, uploadId)
    const opslog = (...args: string[]) => runCli(['admin', 'firsthand', ...args, '--json'], house.toolEnvironment())
    const setAside = async () => {
      const metrics = await (await fetch(`${house.url()}/metrics`)).text()
      return /^opslog_firsthand_scorings_set_aside (\d+)$/m.exec(metrics)?.[1]
    }
    await eventually(async () => expect(await setAside()).toBe('1'))
    const listed = JSON.parse((await opslog('scoring', 'list')).stdout)
    expect(listed).toMatchObject([{ submission_id: id, due_at: null, fault: expect.stringContaining('original: ') }])
    renameSync(safe, original)
    expect((await opslog('scoring', 'retry', id)).exitCode).toBe(0)
    await eventually(async () => expect((await readJob(jobId)).status).toBe('completed'))
    expect((await opslog('scoring', 'retry', id)).exitCode).toBe(1)
    await eventually(async () => expect(await setAside()).toBe('0'))
  })
})
