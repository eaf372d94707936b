/**
 * The scale suite: the same commands and queries on an instance with five million events and on one with ten thousand,
 * both up at once and in turn, so that the ratio is of the sizes alone.
 */
import type { SuiteOptions } from './commands.ts'
import { type BenchInstance, call, startBenchInstance } from './instance.ts'
import { compare, load, type Measurement, type Round } from './measure.ts'
import { eventsOf, pageOfAccounts, type Seed, seedDataDirectory } from './seed.ts'

/** Events of the large instance at the default of three seconds a side, and the fewest. */
const EVENTS = 5_000_000
const EVENTS_MIN = 100_000
const DEFAULT_SECONDS = 3
const EVENTS_SMALL = 10_000
const CONCURRENCY = 16
const PAGE = 50

/** An account in five events, and ten accounts to a user. */
const seedOf = (events: number): Seed => ({
  users: Math.ceil(events / 51),
  accounts: Math.ceil((events / 51) * 10),
  changes: 4,
})

export async function runScaleBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const large = seedOf(Math.max(EVENTS_MIN, Math.round(Math.min(1, seconds / DEFAULT_SECONDS) * EVENTS)))
  const small = seedOf(EVENTS_SMALL)
  const environment = { READ_YOUR_WRITES_WAIT_MS: '0' }
  const start = (seed: Seed) => startBenchInstance(environment, (directory) => seedDataDirectory(directory, seed))
  const sides: { instance: BenchInstance; seed: Seed }[] = []
  try {
    for (const seed of [large, small]) sides.push({ instance: await start(seed), seed })
    const measured: Measurement[] = []
    for (const [name, work] of Object.entries(works)) {
      const [ours, reference] = await Promise.all(
        sides.map(async ({ instance, seed }) => {
          const once = await work(instance, seed)
          return (length: number): Promise<Round> => load(CONCURRENCY, length, once)
        }),
      )
      await ours!(1)
      await reference!(1)
      const label = `${name}, ${eventsOf(large).toLocaleString('en')} events against ${eventsOf(small).toLocaleString('en')}`
      const bounds = { floor: 0.8, goal: 0.95 }
      measured.push(
        await compare(
          label,
          rounds,
          () => ours!(seconds),
          () => reference!(seconds),
          bounds,
        ),
      )
    }
    return measured
  } finally {
    for (const { instance } of sides) await instance.stop()
  }
}

type Work = (instance: BenchInstance, seed: Seed) => Promise<(worker: number, turn: number) => Promise<void>>

/** Users and accounts are taken from all over the history: neither cache has seen most of them. */
const spread = (worker: number, turn: number, count: number) => (worker * 7_919 + turn * 104_729) % count

const works: Record<string, Work> = {
  'a command on a known user': async ({ url, apiKey }) => {
    const run = crypto.randomUUID()
    return async (worker, turn) => {
      const body = { external_id: `scale-${worker}`, display_name: `run ${run}, turn ${turn}` }
      await call('POST', `${url}/noctant/v1/users`, { apiKey, body, expect: [200, 201] })
    }
  },
  'a command on any user': async ({ url, apiKey }, { users }) => {
    const run = crypto.randomUUID()
    return async (worker, turn) => {
      const body = { external_id: `user-${spread(worker, turn, users)}`, display_name: `run ${run}, turn ${turn}` }
      await call('POST', `${url}/noctant/v1/users`, { apiKey, body, expect: [200] })
    }
  },
  'get by id': async ({ url, apiKey }, { users }) => {
    return async (worker, turn) => {
      const path = `users?external_id=user-${spread(worker, turn, users)}`
      await call('GET', `${url}/noctant/v1/${path}`, { apiKey, expect: [200] })
    }
  },
  'a page in the middle of the list': async ({ url, apiKey, postgresUrl }) => {
    const middle = await pageOfAccounts(postgresUrl, 0.5)
    return async () => {
      await call('GET', `${url}/noctant/v1/accounts?limit=${PAGE}${middle}`, { apiKey, expect: [200] })
    }
  },
}
