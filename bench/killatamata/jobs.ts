/** Jobs: submitting them, seeing them, waiting for a picture, and reads beside encoders at work. */
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import sharp from 'sharp'
import { drawing } from '../../src/adapters/media/render/pictures.ts'
import { askChild } from '../child.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call, startProgram, stopProgram } from '../instance.ts'
import { compare, figuresOf, load, type Measurement, medianOf, pace, type Round, within } from '../measure.ts'
import { apiOf, type Customer, credit, type Google, newCustomers, openLedgers } from './ground.ts'
import type { ReadingOrder } from './reader.ts'

const AT_ONCE = 16
/** Each side, before it is measured. */
const WARM_UP_S = 2
const PROMPT = 'a lighthouse in fog'
const picture = { task: 'image.generate', input: { prompt: PROMPT, outputFormat: 'webp' } }

/** A new account with more credit than it spends. */
async function withCredit(instance: BenchInstance, google: Google, count: number): Promise<Customer[]> {
  const customers = await newCustomers(instance, google, count)
  const { ledgers, close } = openLedgers(instance)
  await Promise.all(customers.map(({ accountId }) => credit(ledgers, accountId))).finally(close)
  return customers
}

/** Submits a job; answers with its id. */
async function submit(instance: BenchInstance, { apiKey }: Customer, body: object = picture): Promise<string> {
  const answer = await call('POST', `${apiOf(instance)}/media/jobs`, { apiKey, body, expect: [201] })
  return JSON.parse(answer).externalJobId
}

/** The status of a job; undefined: it is not seen yet. */
async function statusOf(instance: BenchInstance, { apiKey }: Customer, jobId: string): Promise<string | undefined> {
  const url = `${apiOf(instance)}/media/jobs?jobId=${jobId}`
  return JSON.parse(await call('GET', url, { apiKey, expect: [200, 404] })).status
}

interface Reference {
  submit(customer: Customer): Promise<string>
  statusOf(jobId: string): Promise<string>
}

/** The same rows behind Hono. */
async function besideReference<T>(
  instance: BenchInstance,
  customers: readonly Customer[],
  work: (reference: Reference) => Promise<T>,
): Promise<T> {
  const environment = { DATABASE_URL: instance.postgresUrl }
  const { child, said } = await startProgram('./killatamata/reference.ts', [], environment, /\n/)
  const url = JSON.parse(said).url as string
  try {
    for (const { accountId } of customers) await call('PUT', `${url}/accounts/${accountId}`, { expect: [204] })
    return await work({
      async submit({ accountId }) {
        const headers = { 'x-account': accountId }
        return JSON.parse(await call('POST', `${url}/jobs`, { headers, body: picture, expect: [201] })).externalJobId
      },
      statusOf: async (jobId) => JSON.parse(await call('GET', `${url}/jobs/${jobId}`, { expect: [200] })).status,
    })
  } finally {
    await stopProgram(child)
  }
}

/** Submitted by as many accounts as are at it, against the same rows behind Hono. */
export async function submissions(instance: BenchInstance, { seconds, rounds }: SuiteOptions, google: Google) {
  const customers = await withCredit(instance, google, AT_ONCE)
  const of = (worker: number) => customers[worker] as Customer
  return besideReference(instance, customers, async (reference) => {
    const ours = (length = seconds) =>
      load(AT_ONCE, length, async (worker) => void (await submit(instance, of(worker))))
    const theirs = (length = seconds) =>
      load(AT_ONCE, length, async (worker) => void (await reference.submit(of(worker))))
    await ours(WARM_UP_S)
    await theirs(WARM_UP_S)
    const bounds = { floor: 0.5, goal: 0.8, moonshot: 1.2 }
    const name = `POST media/jobs, ${AT_ONCE} at once, against the same rows behind Hono`
    return [await compare(name, rounds, ours, theirs, bounds)]
  })
}

export const PER_SECOND = 100
/** Between the first two looks of whoever waits for something to be seen; later ones are further apart, up to a bound. */
export const LOOK_INTERVAL_MS = 3
const LOOK_INTERVAL_MAX_MS = 50
const SEEN_MAX_MS = 30_000

/** Looks until it is seen. */
export async function untilSeen(isSeen: () => Promise<boolean>): Promise<void> {
  const givenUpMs = performance.now() + SEEN_MAX_MS
  for (let waitMs = LOOK_INTERVAL_MS; !(await isSeen()); waitMs = Math.min(LOOK_INTERVAL_MAX_MS, 2 * waitMs)) {
    if (performance.now() > givenUpMs) throw new Error('what was written is not seen')
    await delay(waitMs)
  }
}

/** From the request until a GET finds the job. Nobody takes jobs off the queue. What bare Hono takes says how busy the machine is. */
export async function queuedJobs(instance: BenchInstance, { seconds, rounds }: SuiteOptions, google: Google) {
  const customers = await withCredit(instance, google, AT_ONCE)
  const of = (turn: number) => customers[turn % AT_ONCE] as Customer
  return besideReference(instance, customers, async (reference) => {
    const ours = (length: number) =>
      pace(PER_SECOND, length, async (turn) => {
        const jobId = await submit(instance, of(turn))
        await untilSeen(async () => (await statusOf(instance, of(turn), jobId)) === 'queued')
      })
    const theirs = (length: number) =>
      pace(PER_SECOND, length, async (turn) => {
        const jobId = await reference.submit(of(turn))
        if ((await reference.statusOf(jobId)) !== 'queued') throw new Error(`${jobId} is not queued`)
      })
    await ours(WARM_UP_S)
    await theirs(WARM_UP_S)
    const measured: { ours: Round[]; reference: Round[] } = { ours: [], reference: [] }
    for (let round = 0; round < rounds; round++) {
      measured.ours.push(await ours(seconds))
      measured.reference.push(await theirs(seconds))
    }
    const figures = figuresOf(measured.ours)
    const bounds = { measured: figures.p99Ms ?? Number.POSITIVE_INFINITY, atMost: 60, wanted: 25, best: 10 }
    const what = `${PER_SECOND} a second, p99 ms`
    return [
      within(`a job until it is seen queued, ${what}`, figures, bounds),
      { name: `the same rows behind Hono until they are seen, ${what}`, ours: figuresOf(measured.reference) },
    ]
  })
}

const ENDED_MAX_MS = 60_000
const SIDE_PIXELS = 1_024

/** Waits for the end of a job, which is to be a good one. */
async function ended(instance: BenchInstance, customer: Customer, jobId: string): Promise<void> {
  const givenUpMs = performance.now() + ENDED_MAX_MS
  for (;;) {
    const status = await statusOf(instance, customer, jobId)
    if (status === 'completed') return
    if (status === 'failed' || performance.now() > givenUpMs) throw new Error(`${jobId} is ${status}`)
    await delay(LOOK_INTERVAL_MS)
  }
}

/** One at a time, from the request to the end, against sharp drawing and encoding the same. The ratio is that of the medians. */
export async function pictures(instance: BenchInstance, { seconds, rounds }: SuiteOptions, google: Google) {
  const [customer] = (await withCredit(instance, google, 1)) as [Customer]
  const ours = (length = seconds) =>
    load(1, length, async () => ended(instance, customer, await submit(instance, customer)))
  // As the worker has it.
  sharp.concurrency(1)
  sharp.cache(false)
  const bare = (length = seconds) =>
    load(1, length, async () => {
      const drawn = sharp(drawing(PROMPT, SIDE_PIXELS, SIDE_PIXELS))
      await drawn.webp({ quality: 90, effort: 2 }).toBuffer()
    })
  await ours(WARM_UP_S)
  await bare(WARM_UP_S)
  const name = 'image.generate of 1024 by 1024 from request to end, p50, against sharp alone'
  const measured = await compare(name, rounds, ours, bare, { floor: 1 / 3, goal: 1 / 1.5, moonshot: 1 / 1.2 })
  const ratio = (measured.reference?.p50Ms ?? 0) / (measured.ours.p50Ms ?? 1)
  return [{ ...measured, ratio }]
}

const READER = fileURLToPath(new URL('./reader.ts', import.meta.url))
const ENCODERS = 4
const clip = {
  task: 'video.generate',
  input: { prompt: 'waves', durationFrames: 97, sampledFps: 24, interpolationFps: 0, width: 768, height: 512 },
}
const STARTED_MAX_MS = 30_000

/**
 * GETs of a job on schedule, in quiet and while clips are encoded. The ratio is the median of the rounds' own, each that of the p99s,
 * quiet over busy: one moment in which the machine stands still would be all that p99s over all rounds tell of.
 */
export async function readsBesideEncoders(instance: BenchInstance, options: SuiteOptions, google: Google) {
  const { seconds, rounds } = options
  const [customer] = (await withCredit(instance, google, 1)) as [Customer]
  const known = await submit(instance, customer)
  await ended(instance, customer, known)
  const url = `${apiOf(instance)}/media/jobs?jobId=${known}`
  const order: ReadingOrder = { url, apiKey: customer.apiKey, perSecond: PER_SECOND, seconds }
  const read = () => askChild<Round>(READER, order)
  await read()
  const measured: { busy: Round[]; quiet: Round[] } = { busy: [], quiet: [] }
  for (let round = 0; round < rounds; round++) {
    measured.quiet.push(await read())
    measured.busy.push(await besideEncoders(instance, customer, read))
  }
  const [ours, reference] = [figuresOf(measured.busy), figuresOf(measured.quiet)]
  const p99Of = (round: Round | undefined) => (round && figuresOf([round]).p99Ms) ?? 0
  const ratio = medianOf(measured.busy.map((busy, round) => p99Of(measured.quiet[round]) / p99Of(busy)))
  const name = `GET p99 beside ${ENCODERS} encodes, against the quiet one`
  return [{ name, ours, reference, ratio, floor: 1 / 2 } satisfies Measurement]
}

/** Does the work while so many clips are made all the time. */
async function besideEncoders<T>(instance: BenchInstance, customer: Customer, work: () => Promise<T>): Promise<T> {
  let isOver = false
  let begun = 0
  const encoder = async () => {
    while (!isOver) {
      const jobId = await submit(instance, customer, clip)
      await untilSeen(async () => (await statusOf(instance, customer, jobId)) === 'processing')
      begun += 1
      await ended(instance, customer, jobId)
    }
  }
  const encoders = Promise.all(Array.from({ length: ENCODERS }, encoder))
  // Whatever becomes of them is told at the end.
  encoders.catch(() => undefined)
  try {
    const givenUpMs = performance.now() + STARTED_MAX_MS
    while (begun < ENCODERS && performance.now() < givenUpMs) await delay(LOOK_INTERVAL_MS)
    return await work()
  } finally {
    isOver = true
    await encoders
  }
}
