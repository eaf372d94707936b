/**
 * The queries suite: GET by id over HTTP, with key, scope and validation, against a bare Hono and pg point select; and a
 * page deep in a list's cursor against the first page of the same list.
 */
import type { SuiteOptions } from './commands.ts'
import { call, startBenchInstance, startProgram, stopProgram } from './instance.ts'
import { compare, load, type Measurement, WARM_UP_S } from './measure.ts'
import { pageOfAccounts, seedDataDirectory } from './seed.ts'

/** So many that Postgres goes by the index; a table of a few pages it reads whole, on one side and not on the other. */
const USERS = 10_000
/** Rows of the list at the default of three seconds a side, and the fewest. */
const ACCOUNTS = 1_000_000
const ACCOUNTS_MIN = 20_000
const DEFAULT_SECONDS = 3
const PAGE = 50
/** How far down the list the deep page is. */
const DEEP = 0.99

export async function runQueriesBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const accounts = Math.max(ACCOUNTS_MIN, Math.round(Math.min(1, seconds / DEFAULT_SECONDS) * ACCOUNTS))
  const seed = { users: USERS, accounts, changes: 0 }
  const instance = await startBenchInstance({}, (directory) => seedDataDirectory(directory, seed))
  const { url, apiKey } = instance
  const base = `${url}/noctant/v1`
  const { child, said } = await startProgram('./reference-server.ts', [], { DATABASE_URL: instance.postgresUrl }, /\n/)
  const reference = JSON.parse(said).url as string
  const measurements: Measurement[] = []
  try {
    for (let n = 0; n < USERS; n++) {
      const body = { external_id: `user-${n}`, display_name: `User ${n}` }
      await call('POST', `${reference}/users`, { body, expect: [200] })
    }
    const get = (at: string, key?: string) => async (worker: number, turn: number) => {
      const options = key === undefined ? { expect: [200] } : { apiKey: key, expect: [200] }
      await call('GET', `${at}/users?external_id=user-${(worker * 31 + turn) % USERS}`, options)
    }
    await load(16, WARM_UP_S, get(base, apiKey))
    await load(16, WARM_UP_S, get(reference))
    for (const concurrency of [1, 16, 64]) {
      const ours = () => load(concurrency, seconds, get(base, apiKey))
      const theirs = () => load(concurrency, seconds, get(reference))
      const bounds = { floor: 0.8, goal: 0.9 }
      measurements.push(await compare(`get by id against pg, ${concurrency} at once`, rounds, ours, theirs, bounds))
    }
    const page = (cursor: string) => async () => {
      await call('GET', `${base}/accounts?limit=${PAGE}${cursor}`, { apiKey, expect: [200] })
    }
    const deep = await pageOfAccounts(instance.postgresUrl, DEEP)
    const pages = [() => load(16, seconds, page(deep)), () => load(16, seconds, page(''))] as const
    const name = `page ${Math.floor((accounts / PAGE) * DEEP)} of a list against the first, 16 at once`
    measurements.push(await compare(name, rounds, ...pages, { floor: 0.8, goal: 0.95 }))
  } finally {
    await stopProgram(child)
    await instance.stop()
  }
  return measurements
}
