/**
 * The desk of one busy agent: calls that are reserved and settled in the log, without providers and HTTP. First one process at 1,
 * 16 and 64 calls at once, with its appends per call; then two processes with 32 at once each, and how they share the desk.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startEventStoreThread } from '../../src/embedded/eventstore/start.ts'
import type { SuiteOptions } from '../commands.ts'
import { figuresOf, type Measurement, type Round, within } from '../measure.ts'

export interface DeskOrder {
  url: string
  accountId: string
  agentId: string
  concurrency: number
  seconds: number
}

export interface DeskAnswer extends Round {
  appends: number
  /** Refused since too much waited. */
  busy: number
}

/** By calls at once. */
const APPENDS_PER_CALL: Record<number, { atMost: number; wanted: number }> = {
  16: { atMost: 0.4, wanted: 0.2 },
  64: { atMost: 0.2, wanted: 0.1 },
}

const CALLER = fileURLToPath(new URL('./desk-caller.ts', import.meta.url))

/** So many processes at one agent's desk at the same moment. */
async function callers(url: string, processes: number, concurrency: number, seconds: number): Promise<DeskAnswer[]> {
  const order: DeskOrder = {
    ...{ url, concurrency, seconds },
    ...{ accountId: crypto.randomUUID(), agentId: crypto.randomUUID() },
  }
  const children = Array.from({ length: processes }, () =>
    fork(CALLER, { execArgv: ['--disable-warning=ExperimentalWarning'] }),
  )
  // All of them are up before the first one begins.
  await Promise.all(children.map((child) => once(child, 'message')))
  const answers = children.map(async (child) => {
    const answer = once(child, 'message')
    child.send(order)
    const [value] = await answer
    child.disconnect()
    return value as DeskAnswer
  })
  return Promise.all(answers)
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const percent = (share: number): string => `${(share * 100).toFixed(0)}%`

export async function runDeskBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const directory = mkdtempSync(join(tmpdir(), 'opslog-desk-'))
  const node = await startEventStoreThread({ directory })
  try {
    const measured: Measurement[] = []
    for (const concurrency of [1, 16, 64]) {
      const all: DeskAnswer[] = []
      for (let round = 0; round < rounds; round++) all.push(...(await callers(node.url, 1, concurrency, seconds)))
      const perCall = sum(all.map(({ appends }) => appends)) / sum(all.map(({ latenciesMs }) => latenciesMs.length))
      measured.push({ name: `desk: ${concurrency} at once`, ours: figuresOf(all) })
      const bounds = APPENDS_PER_CALL[concurrency]
      const figures = { median: perCall, minimum: perCall, maximum: perCall }
      if (bounds) {
        measured.push(within(`desk: appends a call, ${concurrency} at once`, figures, { measured: perCall, ...bounds }))
      }
    }
    const together: Round[] = []
    const shares: number[] = []
    let busy = 0
    for (let round = 0; round < rounds; round++) {
      const both = await callers(node.url, 2, 32, seconds)
      const counts = both.map(({ latenciesMs }) => latenciesMs.length)
      shares.push(Math.min(...counts) / sum(counts))
      busy += sum(both.map((answer) => answer.busy))
      const perSecond = sum(both.map((answer) => answer.perSecond))
      together.push({ perSecond, latenciesMs: both.flatMap(({ latenciesMs }) => latenciesMs) })
    }
    const [least, most] = [Math.min(...shares), Math.max(...shares)]
    const name = `desk: two processes, 32 at once each: the slower has ${percent(least)} to ${percent(most)}, 503s ${busy}`
    // Floor and goal are of the share; the rate is shown beside it.
    measured.push({ name, ours: figuresOf(together), ratio: least, floor: 0.2, goal: 0.35 })
    return measured
  } finally {
    await node.close()
    rmSync(directory, { recursive: true, force: true })
  }
}
