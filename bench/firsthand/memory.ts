/** What firsthand adds to the memory of an API that runs no other role: the inspector's libraries are not loaded there. */
import { startBenchInstance } from '../instance.ts'
import { type Measurement, within } from '../measure.ts'

const ADDED_MAX_MIB = 20
const ROUNDS = 3

/** Two APIs after their start, one with firsthand and one without, in turn; other contexts are in neither. */
export async function memoryOfApi(): Promise<Measurement[]> {
  const added: number[] = []
  for (let round = 0; round < ROUNDS; round += 1)
    added.push((await residentMiB('noctant,audit,firsthand')) - (await residentMiB('noctant,audit')))
  const [minimum = 0, median = 0, maximum = 0] = added.sort((a, b) => a - b)
  const figures = { minimum, median, maximum }
  const of = { measured: Math.max(1, median), atMost: ADDED_MAX_MIB }
  return [within('memory that firsthand adds to an API alone, MiB', figures, of)]
}

async function residentMiB(contexts: string): Promise<number> {
  const instance = await startBenchInstance({ ROLES: 'api', CONTEXTS: contexts })
  try {
    return instance.residentMiB()
  } finally {
    await instance.stop()
  }
}
