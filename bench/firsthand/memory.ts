/** What firsthand adds to the memory of an API that runs no other role: the inspector's libraries are not loaded there. */
import { type BenchInstance, startBenchInstance } from '../instance.ts'
import { type Figures, type Measurement, within } from '../measure.ts'

const ADDED_MAX_MIB = 20

const figureOf = (value: number): Figures => ({ median: value, minimum: value, maximum: value })

/** `alone`: an API without other roles. */
export async function memoryOfApi(alone: BenchInstance): Promise<Measurement[]> {
  const without = await startBenchInstance({ ROLES: 'api', CONTEXTS: 'noctant,audit' })
  try {
    const added = alone.residentMiB() - without.residentMiB()
    const of = { measured: Math.max(1, added), atMost: ADDED_MAX_MIB }
    return [within('memory that firsthand adds to an API alone, MiB', figureOf(added), of)]
  } finally {
    await without.stop()
  }
}
