/**
 * The engine suite: close-all over HTTP, NATS, the engine's log, and back until the status view says confirmed. There is
 * nothing to compare it with; its bounds are times.
 */
import type { SuiteOptions } from './commands.ts'
import { accountRequest, call, startBenchInstance } from './instance.ts'
import { figuresOf, load, type Measurement, type Round } from './measure.ts'

/** Close-all over HTTP until the status view says that the engine has confirmed it: the whole way and back. */
export async function runEngineBench({ seconds, rounds }: SuiteOptions): Promise<Measurement[]> {
  const instance = await startBenchInstance()
  const { url, apiKey } = instance
  const base = `${url}/noctant/v1`
  const accounts = 16
  const measured: Round[] = []
  try {
    for (let n = 0; n < accounts; n++) {
      await call('POST', `${base}/users`, { apiKey, body: { external_id: `user-${n}` }, expect: [201] })
      await call('POST', `${base}/accounts`, { apiKey, body: accountRequest(`bench-${n}`, `user-${n}`), expect: [201] })
    }
    for (let round = 0; round < rounds; round++) {
      const closeAndConfirm = async (worker: number, turn: number) => {
        const account = `external_account_id=bench-${worker}`
        const body = { idempotency_key: `bench-${round}-${turn}` }
        const path = `${base}/accounts/by-external-id`
        const accepted = await call('POST', `${path}/close-all?${account}`, { apiKey, body, expect: [202] })
        const { command_id } = JSON.parse(accepted)
        const status = async () => {
          const view = await call('GET', `${path}/commands/${command_id}?${account}`, { apiKey, expect: [200] })
          return JSON.parse(view).command.status as string
        }
        while ((await status()) !== 'engine_wal_confirmed') await new Promise((resolve) => setTimeout(resolve, 1))
      }
      measured.push(await load(4, seconds, closeAndConfirm))
    }
  } finally {
    await instance.stop()
  }
  const rest = measured.slice(1)
  return [{ name: 'close-all until confirmed, 4 at once', ours: figuresOf(rest.length > 0 ? rest : measured) }]
}
