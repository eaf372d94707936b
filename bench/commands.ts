/**
 * The commands suite: an update command (a KYC report) over HTTP, key to answer, against the bare append of the same event by the
 * official client, and against a row with its outbox row in Postgres. Each side does its write and nothing else: the
 * instance runs the API alone, as nobody takes the reference's outbox in either. The last rows have all roles of an
 * instance take the same events in meanwhile, beside the reference's appends too.
 */
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client'
import { type BenchInstance, call, startBenchInstance, startProgram, stopProgram } from './instance.ts'
import { compare, load, type Measurement, type Round, WARM_UP_S } from './measure.ts'

export interface SuiteOptions {
  seconds: number
  rounds: number
  /** Of a suite of many cases, those whose names hold it. */
  only?: string
  /** Of such a suite, not those whose names hold it; '': all. */
  skip?: string
}

const CONCURRENCIES = [1, 16, 64]
const FLOORS: Record<number, number> = { 16: 0.45, 64: 0.35 }
const GOALS: Record<number, number> = { 1: 0.6, 16: 0.6, 64: 0.45 }

let runs = 0

/** What a report says; each is later than the one before it, so that each one changes what stands. */
const HOUR_MS = 3_600_000
const firstReportMs = Date.now() - HOUR_MS
let reports = 0
function nextReport() {
  const reportedAt = new Date(firstReportMs + ++reports).toISOString()
  return { status: 'verified', reported_at: reportedAt, verified_at: reportedAt, provider_name: 'bench' }
}

/** A KYC report: an update with everything that a command may have, repeatable as the same report sent again. */
export async function ourCommands(
  { url, apiKey }: BenchInstance,
  users: readonly string[],
  concurrency: number,
  seconds: number,
): Promise<Round> {
  return load(concurrency, seconds, async (worker) => {
    await call('POST', `${url}/noctant/v1/users/${users[worker]}/kyc-status`, {
      apiKey,
      body: nextReport(),
      expect: [200],
    })
  })
}

/** The users that the reports are about, one for each that may be under way. */
export const usersFor = ({ url, apiKey }: BenchInstance): Promise<string[]> =>
  Promise.all(
    Array.from({ length: Math.max(...CONCURRENCIES) }, async (_, n) => {
      const body = { external_id: `bench-${n}` }
      return JSON.parse(await call('POST', `${url}/noctant/v1/users`, { apiKey, body, expect: [201] })).global_user_id
    }),
  )

/** The same facts and as much metadata, appended at each stream's exact revision. */
async function bareAppends(url: string, concurrency: number, seconds: number): Promise<Round> {
  const client = EventStoreDBClient.connectionString(url)
  const run = ++runs
  const revisions = new Map<number, bigint>()
  const uuid = '2f1c7c52-5f5e-5d0e-9a4b-0a3f0d7c9b11'
  const hash = 'a'.repeat(64)
  const round = await load(concurrency, seconds, async (worker) => {
    const { status, reported_at: reportedAt, verified_at: verifiedAt, provider_name: providerName } = nextReport()
    const data = {
      operatorId: uuid,
      globalUserId: uuid,
      status,
      reportedAt,
      verifiedAt,
      rejectedAt: null,
      rejectionReason: null,
      expiresAt: null,
      providerName,
      providerReference: null,
      previousStatus: 'verified',
      occurredAt: new Date().toISOString(),
    }
    const actor = { kind: 'operator', id: uuid, keyId: 'abcdefghijklmnop' }
    const ids = { $correlationId: uuid, $causationId: uuid, actor, requestId: uuid, commandId: uuid }
    const metadata = { ...ids, fingerprint: hash, place: hash.slice(32), prevHash: hash, hash }
    const event = jsonEvent({ type: 'noctant.KycStatusReported.v1', data, metadata })
    const expectedRevision = revisions.get(worker) ?? NO_STREAM
    const stream = `bench-${run}-${worker}`
    const { nextExpectedRevision } = await client.appendToStream(stream, event, { expectedRevision })
    revisions.set(worker, nextExpectedRevision)
  })
  await client.dispose()
  return round
}

const rowsAndOutbox = (url: string, concurrency: number, seconds: number): Promise<Round> => {
  const run = ++runs
  return load(concurrency, seconds, async (worker, turn) => {
    const body = { external_id: `bench-${worker}`, display_name: `run ${run}, turn ${turn}` }
    await call('POST', `${url}/users`, { body, expect: [200] })
  })
}

export async function runCommandsBench(options: SuiteOptions): Promise<Measurement[]> {
  const alone = await measure(options, { ROLES: 'api' }, '')
  return [...alone, ...(await measure(options, {}, ', all roles beside it'))]
}

async function measure({ seconds, rounds }: SuiteOptions, roles: NodeJS.ProcessEnv, beside: string) {
  const instance = await startBenchInstance({ READ_YOUR_WRITES_WAIT_MS: '0', ...roles })
  const environment = { DATABASE_URL: instance.postgresUrl }
  const { child, said } = await startProgram('./reference-server.ts', [], environment, /\n/)
  const reference = JSON.parse(said).url as string
  const measurements: Measurement[] = []
  try {
    const users = await usersFor(instance)
    await ourCommands(instance, users, 64, WARM_UP_S)
    await bareAppends(instance.eventStoreUrl, 16, WARM_UP_S)
    await rowsAndOutbox(reference, 16, WARM_UP_S)
    for (const concurrency of CONCURRENCIES) {
      const ours = () => ourCommands(instance, users, concurrency, seconds)
      const appends = () => bareAppends(instance.eventStoreUrl, concurrency, seconds)
      const rows = () => rowsAndOutbox(reference, concurrency, seconds)
      const bounds = beside ? {} : { floor: FLOORS[concurrency] ?? 0, goal: GOALS[concurrency] ?? 0 }
      const how = `${concurrency} at once${beside}`
      measurements.push(await compare(`command against append, ${how}`, rounds, ours, appends, bounds))
      const second = beside ? {} : { floor: 1, goal: 1.5 }
      measurements.push(await compare(`command against pg, ${how}`, rounds, ours, rows, second))
    }
    const memory = instance.residentMiB()
    measurements.push({
      name: `resident memory afterwards, MiB${beside}`,
      ours: { median: memory, minimum: memory, maximum: memory },
    })
  } finally {
    await stopProgram(child)
    await instance.stop()
  }
  return measurements
}
