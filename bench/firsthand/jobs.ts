/** Posting and reading jobs against what one would build instead, and approvals against bare appends. */
import { randomBytes, randomUUID } from 'node:crypto'
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { job } from '../../src/commands/firsthand/job.ts'
import type { CommandBus } from '../../src/commands/handle.ts'
import { prefixedId } from '../../src/runtime/ulid.ts'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call, startProgram, stopProgram } from '../instance.ts'
import { compare, load, type Measurement, type Round, timed, WARM_UP_S } from '../measure.ts'
import {
  type Buyer,
  jobRequest,
  makeBuyers,
  newContext,
  openCommands,
  postJob,
  processorTimes,
  sandboxOf,
} from './ground.ts'

const CONCURRENCY = 16
const ORGANIZATIONS = 64

const reference = async (instance: BenchInstance) => {
  const { child, said } = await startProgram('./reference-server.ts', [], { DATABASE_URL: instance.postgresUrl }, /\n/)
  return { child, url: JSON.parse(said).url as string }
}

/** Jobs that are posted: of many organizations, whose wallets are streams of their own, and of one, whose wallet is serial. */
export async function postings(instance: BenchInstance, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const commands = openCommands(instance)
  const { child, url } = await reference(instance)
  try {
    const buyers = await makeBuyers(instance, commands.bus, ORGANIZATIONS)
    for (const { organizationId } of buyers) await call('PUT', `${url}/wallets/${organizationId}`, { expect: [204] })
    const ours = (some: readonly Buyer[], length: number) => () =>
      load(CONCURRENCY, length, async (worker, turn) => {
        await postJob(instance, buyerOf(some, worker, turn).key, jobRequest())
      })
    const theirs = (some: readonly Buyer[], length: number) => () =>
      load(CONCURRENCY, length, async (worker, turn) => {
        const { organizationId } = buyerOf(some, worker, turn)
        const body = { ...jobRequest(), organization_id: organizationId }
        await call('POST', `${url}/jobs`, { body, expect: [201] })
      })
    await ours(buyers, WARM_UP_S)()
    await theirs(buyers, WARM_UP_S)()
    const measured: Measurement[] = []
    for (const [name, some, goal] of [
      [`jobs of ${ORGANIZATIONS} organizations against rows`, buyers, 0.8],
      ['jobs of one organization against rows', buyers.slice(0, 1), 1],
    ] as const) {
      const bounds = { floor: 0.5, goal }
      const times = processorTimes(instance)
      const sides = [() => times.of(ours(some, seconds)), theirs(some, seconds)] as const
      measured.push(await compare(`${name}, ${CONCURRENCY} at once`, rounds, ...sides, bounds), ...times.rows(name))
    }
    return measured
  } finally {
    await stopProgram(child)
    await commands.close()
  }
}

const buyerOf = (some: readonly Buyer[], worker: number, turn: number): Buyer =>
  some[(turn * CONCURRENCY + worker) % some.length]!

const JOBS = 1_000

/** A job by its id. */
export async function jobReads(instance: BenchInstance, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const { live_key: key, organization_id: organizationId } = sandboxOf(instance)
  const { child, url } = await reference(instance)
  try {
    await call('PUT', `${url}/wallets/${organizationId}`, { expect: [204] })
    const ids: [string[], string[]] = [[], []]
    for (let n = 0; n < JOBS; n++) {
      ids[0].push(await postJob(instance, key, jobRequest()))
      const body = { ...jobRequest(), organization_id: organizationId }
      ids[1].push(JSON.parse(await call('POST', `${url}/jobs`, { body, expect: [201] })).id)
    }
    const get = (address: string, known: string[], length: number, apiKey?: string) => () =>
      load(CONCURRENCY, length, async (worker, turn) => {
        const id = known[(worker * 31 + turn) % known.length]
        await call('GET', `${address}/jobs/${id}`, { ...(apiKey !== undefined && { apiKey }), expect: [200] })
      })
    const ours = (length: number) => get(`${instance.url}/firsthand/v1`, ids[0], length, key)
    const theirs = (length: number) => get(url, ids[1], length)
    await ours(WARM_UP_S)()
    await theirs(WARM_UP_S)()
    const name = `a job by its id against a select, ${CONCURRENCY} at once`
    const times = processorTimes(instance)
    const sides = [() => times.of(ours(seconds)), theirs(seconds)] as const
    return [await compare(name, rounds, ...sides, { floor: 0.8, goal: 0.9 }), ...times.rows('a job by its id')]
  } finally {
    await stopProgram(child)
  }
}

const APPROVALS_AT_ONCE = 64
/** A job has at most so many open seats. */
const SEATS = 400
const FILES = 10_000

/** Approvals of one job, whose stream takes them in order, against as many appends one after the other. */
export async function approvals(instance: BenchInstance, { rounds }: SuiteOptions): Promise<Measurement[]> {
  const commands = openCommands(instance)
  const client = EventStoreDBClient.connectionString(instance.eventStoreUrl)
  try {
    const [buyer] = await makeBuyers(instance, commands.bus, 1)
    const jobId = await postJob(instance, buyer!.key, jobRequest(FILES))
    const ours = () => approve(commands.bus, jobId)
    const theirs = () => append(client)
    await ours()
    await theirs()
    const name = `approvals of one job, ${APPROVALS_AT_ONCE} at once, against appends in turn`
    const few = Math.min(rounds, Math.floor(FILES / SEATS) - 2)
    return [await compare(name, few, ours, theirs, { floor: 0.5, goal: 0.8 })]
  } finally {
    await client.dispose()
    await commands.close()
  }
}

const limits = { openSeatsMax: 500, workerClaimsMax: Number.POSITIVE_INFINITY }

/** Submits files for free seats, which is not measured, and approves them all. */
async function approve(bus: CommandBus, jobId: string): Promise<Round> {
  const { at } = newContext()
  const expiresAt = new Date(Date.parse(at) + 3_600_000).toISOString()
  const seats = Array.from({ length: SEATS }, () => {
    const name = randomUUID()
    return { claimId: prefixedId('clm', at, name), submissionId: prefixedId('sub', at, name) }
  })
  const workerId = prefixedId('wkr', at, 'bench')
  for (const { claimId, submissionId } of seats) {
    const claim = {
      kind: 'claim',
      environment: 'live',
      claimId,
      submissionId,
      workerId,
      expiresAt,
      limits,
      at,
    } as const
    await bus.handle(job, jobId, claim, newContext())
    const received = { kind: 'receive', claimId, round: 1, fileId: prefixedId('file', at, claimId), at } as const
    await bus.handle(job, jobId, received, newContext())
  }
  const score = { kind: 'score', round: 1, stars: 5, reason: 'The picture is sharp.', cause: 'score', at } as const
  return timed(
    APPROVALS_AT_ONCE,
    seats.map(({ submissionId }) => () => {
      const perceptualHash = randomBytes(8).toString('hex')
      return bus.handle(job, jobId, { ...score, submissionId, perceptualHash }, newContext())
    }),
  )
}

/** Events as long as approvals, each at the revision of the one before it. */
async function append(client: EventStoreDBClient): Promise<Round> {
  const id = prefixedId('org', new Date().toISOString(), randomUUID())
  const of = { organizationId: id, environment: 'live', jobId: id, submissionId: id, workerId: id, claimId: id }
  const figures = { attempt: 1, filesApproved: 1, openSeats: 1, round: 1, stars: 5, payoutCents: '1' }
  const texts = { fileId: id, reason: 'The picture is sharp.', perceptualHash: 'a'.repeat(16), occurredAt: id }
  const data = { ...of, ...figures, ...texts }
  const hash = 'a'.repeat(64)
  const names = { $correlationId: id, $causationId: id, requestId: id, commandId: id, prevHash: hash, hash }
  const metadata = { ...names, actor: { kind: 'system', id: 'bench' } }
  let revision: bigint | typeof NO_STREAM = NO_STREAM
  const stream = `bench-${randomUUID()}`
  return timed(
    1,
    Array.from({ length: SEATS }, () => async () => {
      const event = jsonEvent({ type: 'firsthand.SubmissionApproved.v1', data, metadata })
      const written = await client.appendToStream(stream, event, { expectedRevision: revision })
      revision = written.nextExpectedRevision
    }),
  )
}
