/**
 * The ostium suite: unsigned building over HTTP beside a bare handler that encodes the same and records nothing, and over one
 * WebSocket beside our own HTTP; prices to a thousand sockets beside a loop that sends the same text to each. There the API runs alone
 * (`ROLES=api`). Actions of agents beside bare viem. All of it on a local chain, without limits of rate.
 */
import type { SuiteOptions } from './commands.ts'
import type { Measurement } from './measure.ts'
import { acting } from './ostium/acting.ts'
import { building } from './ostium/building.ts'
import { type OstiumGround, prepareGround } from './ostium/ground.ts'
import { memoryOfSockets, pricesAtOnce, pricesInTime } from './ostium/prices.ts'

type Measure = (ground: OstiumGround, options: SuiteOptions) => Promise<Measurement[]>

const measures: readonly Measure[] = [memoryOfSockets, building, pricesAtOnce, pricesInTime, acting]

export async function runOstiumBench(options: SuiteOptions): Promise<Measurement[]> {
  const ground = await prepareGround()
  try {
    const all: Measurement[] = []
    const { only = '' } = options
    for (const measure of measures.filter(({ name }) => name.includes(only)))
      all.push(...(await measure(ground, options)))
    return all
  } finally {
    await ground.close()
  }
}
