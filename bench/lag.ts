/**
 * The lag suite: how long after an append was acknowledged its row is committed, on a whole instance. Appends come at a
 * fixed rate whatever becomes of them; then as commands over HTTP, as many as the instance takes. It has no reference:
 * its bounds are times, p99 20 ms (goal 8 ms) at 1,000 events a second, and 50 ms at saturation.
 */
import { fileURLToPath } from 'node:url'
import { askChild } from './child.ts'
import type { SuiteOptions } from './commands.ts'
import { type BenchInstance, startBenchInstance } from './instance.ts'
import type { LagOrder, LagRound } from './lag-sender.ts'
import { figuresOf, type Measurement } from './measure.ts'

const PER_SECOND = 1_000
const CONNECTIONS = 64

export async function runLagBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const instance = await startBenchInstance({ READ_YOUR_WRITES_WAIT_MS: '0' })
  try {
    const paced = { seconds, kind: 'paced', perSecond: PER_SECOND } as const
    const saturated = { seconds, kind: 'saturated', connections: CONNECTIONS } as const
    const measured: Measurement[] = []
    for (const [name, order] of [
      [`append to row, ${PER_SECOND} a second`, paced],
      [`answer to row, ${CONNECTIONS} connections`, saturated],
    ] as const) {
      // The first round warms up.
      await send(instance, { ...order, seconds: 1 })
      const all: LagRound[] = []
      for (let round = 0; round < rounds; round++) all.push(await send(instance, order))
      measured.push({ name, ours: figuresOf(all) })
    }
    return measured
  } finally {
    await instance.stop()
  }
}

type Task = { seconds: number } & ({ kind: 'paced'; perSecond: number } | { kind: 'saturated'; connections: number })

/** One round, by a process of its own. */
async function send(
  { url: apiUrl, apiKey, directory, eventStoreUrl, postgresUrl }: BenchInstance,
  task: Task,
): Promise<LagRound> {
  const order: LagOrder = { eventStoreUrl, postgresUrl, apiUrl, apiKey, directory, ...task }
  return askChild<LagRound>(fileURLToPath(new URL('./lag-sender.ts', import.meta.url)), order)
}
