/** A thousand requests that wait for the end of a job: how soon each is answered, and what it takes of the memory meanwhile. */
import { setTimeout as delay } from 'node:timers/promises'
import { Agent } from 'undici'
import type { SuiteOptions } from '../commands.ts'
import { type BenchInstance, call } from '../instance.ts'
import { figuresOf, type Measurement, type Round, within } from '../measure.ts'
import { type Buyer, jobRequest, makeBuyers, openCommands, postJob } from './ground.ts'

const ORGANIZATIONS = 10
/** Of one organization no more wait at a time. */
const WAITS_EACH = 100
const WAIT_S = 60
const ROUNDS_MAX = 3
const MEMORY_SETTLE_MS = 500
const P99_MAX_MS = 100
const P99_WANTED_MS = 30
const KIB_EACH_MAX = 20

export async function waits(instance: BenchInstance, { rounds }: SuiteOptions): Promise<Measurement[]> {
  const commands = openCommands(instance)
  const agent = new Agent({ connections: ORGANIZATIONS * WAITS_EACH })
  try {
    const buyers = await makeBuyers(instance, commands.bus, ORGANIZATIONS)
    // Connections are opened and code is compiled before memory is looked at.
    await endJobs(instance, agent, buyers)
    const all: Round[] = []
    const grownKiB: number[] = []
    for (let round = 0; round < Math.min(rounds, ROUNDS_MAX); round++) {
      const { latenciesMs, kibEach } = await endJobs(instance, agent, buyers)
      all.push({ perSecond: latenciesMs.length, latenciesMs })
      grownKiB.push(kibEach)
    }
    const ours = figuresOf(all)
    const [median = 0] = grownKiB.toSorted((one, other) => one - other).slice(grownKiB.length >> 1)
    const memory = { median, minimum: Math.min(...grownKiB), maximum: Math.max(...grownKiB) }
    const count = ORGANIZATIONS * WAITS_EACH
    const late = { measured: ours.p99Ms ?? 0, atMost: P99_MAX_MS, wanted: P99_WANTED_MS }
    return [
      within(`end of a job to its answer, ${count} waiting, p99 ms`, ours, late),
      within('memory of a request that waits, KiB', memory, { measured: Math.max(1, median), atMost: KIB_EACH_MAX }),
    ]
  } finally {
    await agent.close()
    await commands.close()
  }
}

/** Has all requests wait, ends the jobs one after the other, and measures from each end to the answers. */
async function endJobs(instance: BenchInstance, agent: Agent, buyers: readonly Buyer[]) {
  const jobs = await Promise.all(
    buyers.map(async ({ key }) => ({ key, id: await postJob(instance, key, jobRequest()) })),
  )
  await delay(MEMORY_SETTLE_MS)
  const beforeMiB = instance.residentMiB()
  const answers = jobs.map(({ key, id }) => Array.from({ length: WAITS_EACH }, () => waitFor(instance, agent, key, id)))
  await delay(MEMORY_SETTLE_MS)
  const kibEach = ((instance.residentMiB() - beforeMiB) * 1_024) / (jobs.length * WAITS_EACH)
  const latenciesMs: number[] = []
  for (const [index, { key, id }] of jobs.entries()) {
    await call('POST', `${instance.url}/firsthand/v1/jobs/${id}/cancel`, { apiKey: key, expect: [200] })
    for (const { endedAt, answeredAt } of await Promise.all(answers[index]!)) latenciesMs.push(answeredAt - endedAt)
  }
  return { latenciesMs, kibEach }
}

async function waitFor({ url }: BenchInstance, dispatcher: Agent, key: string, id: string) {
  const headers = { authorization: `Bearer ${key}`, prefer: `wait=${WAIT_S}` }
  const answer = await dispatcher.request({ origin: url, path: `/firsthand/v1/jobs/${id}`, method: 'GET', headers })
  const job = (await answer.body.json()) as { cancelled_at: string | null }
  if (job.cancelled_at === null) throw new Error('a request was answered before its job had ended')
  // The time of the command, which is before its event is committed.
  return { endedAt: Date.parse(job.cancelled_at), answeredAt: Date.now() }
}
