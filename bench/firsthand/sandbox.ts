/** Jobs of the test world, which sandbox workers do: how long they take, and how soon webhooks tell of their files. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call } from '../instance.ts'
import { type Figures, figuresOf, type Measurement, within } from '../measure.ts'
import { jobRequest, postJob, sandboxOf } from './ground.ts'

/** Jobs of ten files, at the same time. */
const SMALL_JOBS = 5
const SMALL_FILES = 10
/** The time that an instance gives to a test job, and two seconds more. */
const SMALL_MAX_S = 17
const LARGE_FILES = 10_000
const LARGE_MAX_S = 120
/** Files of the large job in a run that is shorter than the default one. */
const LARGE_FILES_MIN = 300
const DEFAULT_SECONDS = 3
/** When it is given up. */
const PATIENCE = 20
const TOLD_P99_MAX_MS = 500
const TOLD_P99_WANTED_MS = 150
const WAIT_S = 60
const SAMPLE_INTERVAL_MS = 500

/** And what it takes of processors and of memory: of the instance with its inspectors, its event store and its Postgres. */
export async function largeJob(instance: BenchInstance, { seconds }: SuiteOptions): Promise<Measurement[]> {
  const share = Math.min(1, seconds / DEFAULT_SECONDS)
  const files = share === 1 ? LARGE_FILES : Math.max(LARGE_FILES_MIN, Math.round((share * LARGE_FILES) / 10))
  const usedBeforeMs = instance.processorMs()
  const resident: number[] = []
  const sampling = setInterval(() => resident.push(instance.residentMiB()), SAMPLE_INTERVAL_MS)
  const patienceS = (LARGE_MAX_S * PATIENCE * files) / LARGE_FILES + SMALL_MAX_S
  const tookS = await durationOf(instance, files, patienceS).finally(() => clearInterval(sampling))
  const usedMs = (instance.processorMs() - usedBeforeMs) / files
  const atMost = Math.max(SMALL_MAX_S, (LARGE_MAX_S * files) / LARGE_FILES)
  return [
    within(`a test job of ${files} files, seconds`, figureOf([tookS]), { measured: tookS, atMost }),
    { name: 'time of processors that a file of it takes, ms', ours: figureOf([usedMs]) },
    { name: 'resident memory of the process meanwhile, MiB', ours: figureOf(resident) },
  ]
}

const figureOf = (values: readonly number[]): Figures => {
  const sorted = values.toSorted((one, other) => one - other)
  return { median: sorted[sorted.length >> 1] ?? 0, minimum: sorted[0] ?? 0, maximum: sorted.at(-1) ?? 0 }
}

export async function smallJobs(instance: BenchInstance): Promise<Measurement[]> {
  const { test_key: apiKey, url } = sandboxOf(instance)
  const told: number[] = []
  const listener = await listen((scoredAt) => told.push(Date.now() - scoredAt))
  const endpoints = `${url}/v1/webhook_endpoints`
  const made = await call('POST', endpoints, { apiKey, body: { url: listener.url }, expect: [201] })
  try {
    const jobs = Array.from({ length: SMALL_JOBS }, () => durationOf(instance, SMALL_FILES, SMALL_MAX_S * PATIENCE))
    const tookS = figureOf(await Promise.all(jobs))
    const all = figuresOf([{ perSecond: told.length, latenciesMs: told }])
    return [
      within(`test jobs of ${SMALL_FILES} files, seconds`, tookS, { measured: tookS.maximum, atMost: SMALL_MAX_S }),
      within('approval to its webhook, p99 ms', all, {
        ...{ measured: all.p99Ms ?? Number.POSITIVE_INFINITY, atMost: TOLD_P99_MAX_MS, wanted: TOLD_P99_WANTED_MS },
      }),
    ]
  } finally {
    await call('DELETE', `${endpoints}/${JSON.parse(made).id}`, { apiKey, expect: [204] })
    listener.close()
  }
}

/** Seconds from the posting of a test job to its completion. Rejects after `maxS`. */
async function durationOf(instance: BenchInstance, files: number, maxS: number): Promise<number> {
  const { test_key: apiKey, url } = sandboxOf(instance)
  const id = await postJob(instance, apiKey, jobRequest(files))
  const deadlineMs = performance.now() + maxS * 1_000
  while (performance.now() < deadlineMs) {
    const headers = { prefer: `wait=${WAIT_S}` }
    const job = JSON.parse(await call('GET', `${url}/v1/jobs/${id}`, { apiKey, headers, expect: [200] }))
    if (job.status === 'completed') return (Date.parse(job.completed_at) - Date.parse(job.created_at)) / 1_000
  }
  throw new Error(`a test job of ${files} files was not done after ${maxS} s`)
}

/** Hears when each approved file was scored. */
async function listen(onApproval: (scoredAtMs: number) => void): Promise<{ url: string; close(): void }> {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    response.writeHead(200).end()
    const { type, data } = JSON.parse(body)
    if (type === 'submission.approved') onApproval(Date.parse(data.scored_at))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
