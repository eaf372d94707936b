/**
 * The rungate suite: calls of models through the proxy, beside the same calls sent to their provider directly and through
 * Portkey's gateway, which has no budgets and keeps nothing. The provider is the simulator, in a process of its own; the API runs
 * alone (`ROLES=api`), keeps no contents, and every call stands under a hard limit in US dollars. Last come two API processes on one
 * log: a budget that a thousand calls ask for at once, and an agent that both serve.
 */
import type { SuiteOptions } from './commands.ts'
import type { Measurement } from './measure.ts'
import { analytics } from './rungate/analytics.ts'
import { overspending, sharedAgent } from './rungate/budgets.ts'
import { type Ground, prepareGround } from './rungate/ground.ts'
import { streams } from './rungate/streams.ts'
import { pacedCalls, singleCalls, throughput } from './rungate/whole-answers.ts'

type Measure = (ground: Ground, options: SuiteOptions) => Promise<Measurement[]>

const measures: readonly Measure[] = [
  singleCalls,
  throughput,
  pacedCalls,
  streams,
  overspending,
  sharedAgent,
  analytics,
]

export async function runRungateBench(options: SuiteOptions): Promise<Measurement[]> {
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
