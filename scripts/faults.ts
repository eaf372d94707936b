/**
 * `npm run test:faults [-- --short | --long] [--seed N]`: the fault suite, then the hostile requests, in one run each. The
 * seed decides what is killed when and which requests are made; a run says its own, so that it can be made again.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: { seed: { type: 'string' }, short: { type: 'boolean' }, long: { type: 'boolean' } },
})
const seed = values.seed ?? String(randomInt(1, 2 ** 31))
if (!/^\d{1,10}$/.test(seed)) throw new Error(`--seed takes a whole number, not ${seed}`)
const size = values.short ? 'short' : values.long ? 'long' : 'full'
const { kills, requests } = {
  short: { kills: 4, requests: 500 },
  full: { kills: 40, requests: 10_000 },
  long: { kills: 2_000, requests: 500_000 },
}[size]
process.stdout.write(`fault suite, ${size}: ${kills} kills, ${requests} hostile requests; repeat with --seed ${seed}\n`)

const environment = {
  ...process.env,
  OPSLOG_SEED: seed,
  OPSLOG_FAULT_KILLS: `${kills}`,
  OPSLOG_HOSTILE_REQUESTS: `${requests}`,
}
const runs = [
  ['--config', 'vitest.faults.config.ts'],
  // The tests proper have sent a short run's requests already.
  ...(values.short ? [] : [['test/faults/hostile.test.ts', 'test/faults/secrets.test.ts']]),
]
const failed = runs.filter((args) => {
  const { status } = spawnSync('vitest', ['run', ...args], { stdio: 'inherit', env: environment })
  return status !== 0
})
if (failed.length > 0) {
  process.stdout.write(`failed; repeat with --seed ${seed}\n`)
  process.exitCode = 1
}
