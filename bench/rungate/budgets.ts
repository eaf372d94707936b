/** Two API processes on one log: a budget for ten calls that a thousand ask for at once, and an agent that both serve. */
import { setTimeout as delay } from 'node:timers/promises'
import { Decimal } from 'decimal.js'
import { createEventStore } from '../../src/events/store.ts'
import { registry } from '../../test/support/contexts.ts'
import type { SuiteOptions } from '../commands.ts'
import { figuresOf, type Measurement, type Round } from '../measure.ts'
import type { Ground } from './ground.ts'

const CALLS = 1_000
const RUNS = 20
/** A call costs a little more than $0.001: a limit for ten of them. */
const LIMIT_USD = 0.0105

/** A row that holds, or does not. */
const holds = (name: string, ours: Measurement['ours'], isTrue: boolean): Measurement => ({
  ...{ name, ours, ratio: isTrue ? 1 : 0, floor: 1, goal: 1 },
})

export async function overspending(ground: Ground, _: SuiteOptions): Promise<Measurement[]> {
  const all: Round[] = []
  const urls = await ground.both()
  const tally = { overspent: 0, open: 0, served: 0, other: 0 }
  for (let run = 0; run < RUNS; run++) {
    const agent = await ground.agent(LIMIT_USD)
    const callers = urls.map((url) => ground.callerOf(agent, url))
    const { runId, status } = await callers[0]!.attempt({ 'x-rungate-new-run': 'true' })
    if (status !== 200 || runId === undefined) throw new Error(`the first call of a run was answered ${status}`)
    const startedMs = performance.now()
    const inRun = { 'x-rungate-run-id': runId }
    const asked = Array.from({ length: CALLS }, async (_, index) => {
      const sentMs = performance.now()
      const { status } = await callers[index % callers.length]!.attempt(inRun)
      return { status, tookMs: performance.now() - sentMs }
    })
    const answers = await Promise.all(asked)
    const perSecond = CALLS / ((performance.now() - startedMs) / 1_000)
    all.push({ perSecond, latenciesMs: answers.map(({ tookMs }) => tookMs) })
    const served = answers.filter(({ status }) => status === 200).length
    tally.served += served
    tally.other += answers.filter(({ status }) => status !== 200 && status !== 402).length
    const { spent, open } = await booksOf(ground, agent.agentId, served + 1)
    if (spent.gt(LIMIT_USD)) tally.overspent += 1
    tally.open += open
  }
  const { overspent, open, served, other } = tally
  const name = `${CALLS} calls at once for the price of 10, two processes, ${RUNS} runs:`
  const ours = figuresOf(all)
  return [
    holds(`${name} overspent ${overspent}, served ${served}, neither 200 nor 402: ${other}`, ours, overspent === 0),
    holds(`reservations left open after the same: ${open}`, ours, open === 0),
  ]
}

const STORE = { deadlineMs: 10_000, appendAttemptsMax: 3 }
const SETTLED_MAX_MS = 5_000
const LOOK_INTERVAL_MS = 20

/** What the desk of the agent has on record, once as many calls are settled as were served. */
async function booksOf(
  { instance }: Ground,
  agentId: string,
  calls: number,
): Promise<{ spent: Decimal; open: number }> {
  const store = createEventStore({ url: instance.eventStoreUrl, registry, ...STORE })
  try {
    const givenUpMs = performance.now() + SETTLED_MAX_MS
    for (;;) {
      const open = new Set<unknown>()
      let settled = 0
      let spent = new Decimal(0)
      for await (const { type, data } of store.readStream(`rungate.desk-${agentId}`)) {
        const { callId, costUsd } = data as { callId?: string; costUsd?: string }
        if (type === 'rungate.CallReserved.v1') open.add(callId)
        if (type !== 'rungate.CallSettled.v1') continue
        open.delete(callId)
        settled += 1
        spent = spent.plus(costUsd ?? 0)
      }
      if ((settled >= calls && open.size === 0) || performance.now() > givenUpMs) return { spent, open: open.size }
      await delay(LOOK_INTERVAL_MS)
    }
  } finally {
    await store.close()
  }
}

const PLENTY_USD = 1_000_000
const EACH_AT_ONCE = 32

/** Both processes serve one agent at the same time. */
export async function sharedAgent(ground: Ground, { seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const all: Round[] = []
  const shares: number[] = []
  let unavailable = 0
  const urls = await ground.both()
  for (let round = 0; round < rounds; round++) {
    const agent = await ground.agent(PLENTY_USD)
    const sides = urls.map((url) => ground.callerOf(agent, url))
    const endsMs = performance.now() + seconds * 1_000
    const served = await Promise.all(
      sides.map(async ({ attempt }) => {
        const latenciesMs: number[] = []
        const worker = async () => {
          while (performance.now() < endsMs) {
            const sentMs = performance.now()
            const { status } = await attempt({})
            if (status === 200) latenciesMs.push(performance.now() - sentMs)
            else if (status === 503) unavailable += 1
            else throw new Error(`a call of a shared agent was answered ${status}`)
          }
        }
        await Promise.all(Array.from({ length: EACH_AT_ONCE }, worker))
        return latenciesMs
      }),
    )
    const latenciesMs = served.flat()
    shares.push(Math.min(...served.map(({ length }) => length)) / latenciesMs.length)
    all.push({ perSecond: latenciesMs.length / seconds, latenciesMs })
  }
  const least = Math.min(...shares)
  const percent = (least * 100).toFixed(0)
  const name = `two processes, one agent, ${EACH_AT_ONCE} at once each`
  const ours = figuresOf(all)
  return [
    { name: `${name}: the slower serves ${percent}% at least`, ours, ratio: least, floor: 0.2, goal: 0.35 },
    holds(`${name}: answered 503: ${unavailable}`, ours, unavailable === 0),
  ]
}
