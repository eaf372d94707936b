/**
 * The engine suite: close-all over HTTP, NATS, the engine's log, and back until the status view says confirmed. There is
 * nothing to compare it with; its bounds are times.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { SuiteOptions } from './commands.ts'
import { accountRequest, call, startBenchInstance } from './instance.ts'
import { figuresOf, load, type Measurement, pace, type Round, WARM_UP_S } from './measure.ts'

const ACCOUNTS = 64
const RATE = 200
const RATES = [RATE, 1_000]
const PACED_WARM_UP_S = 12
/** Between two looks at a command's status. */
const LOOK_MS = 2

/** Close-all over HTTP until the status view says that the engine has confirmed it: the whole way and back. */
export async function runEngineBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const instance = await startBenchInstance()
  const { url, apiKey } = instance
  const base = `${url}/noctant/v1`
  let commands = 0

  async function closeAndConfirm(): Promise<void> {
    const turn = ++commands
    const account = `external_account_id=bench-${turn % ACCOUNTS}`
    const body = { idempotency_key: `bench-${turn}` }
    const path = `${base}/accounts/by-external-id`
    const accepted = await call('POST', `${path}/close-all?${account}`, { apiKey, body, expect: [202] })
    const { command_id } = JSON.parse(accepted)
    for (;;) {
      const view = await call('GET', `${path}/commands/${command_id}?${account}`, { apiKey, expect: [200] })
      if (JSON.parse(view).command.status === 'engine_wal_confirmed') return
      await delay(LOOK_MS)
    }
  }

  try {
    for (let n = 0; n < ACCOUNTS; n++) {
      await call('POST', `${base}/users`, { apiKey, body: { external_id: `user-${n}` }, expect: [201] })
      await call('POST', `${base}/accounts`, { apiKey, body: accountRequest(`bench-${n}`, `user-${n}`), expect: [201] })
    }
    // In company, as it is then measured: batches take other ways than single commands. Longer than elsewhere, as nothing
    // else runs so much code: p99 falls from round to round for some twenty seconds.
    await load(4, WARM_UP_S, closeAndConfirm)
    await pace(RATE, PACED_WARM_UP_S, closeAndConfirm)
    const measurements: Measurement[] = []
    for (const perSecond of RATES) {
      const measured: Round[] = []
      for (let round = 0; round < rounds; round++) measured.push(await pace(perSecond, seconds, closeAndConfirm))
      measurements.push({
        name: `close-all until confirmed, ${perSecond} a second asked for`,
        ours: figuresOf(measured),
      })
    }
    return measurements
  } finally {
    await instance.stop()
  }
}
