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
const given = values.seed ?? String(randomInt(1, 2 ** 31))
if (!/^\d{1,10}$/.test(given)) throw new Error(`--seed takes a whole number, not ${given}`)
const first = Number(given)
const size = values.short ? 'short' : values.long ? 'long' : 'full'
const { kills, requests, rounds } = {
  short: { kills: 4, requests: 500, rounds: 1 },
  full: { kills: 24, requests: 10_000, rounds: 1 },
  long: { kills: 24, requests: 20_000, rounds: 40 },
}[size]

const runs = [
  ['--config', 'vitest.faults.config.ts'],
  // The tests proper have sent a short run's requests already.
  ...(values.short ? [] : [['test/faults/hostile.test.ts', 'test/faults/secrets.test.ts']]),
]
const failed: number[] = []
for (let seed = first; seed < first + rounds && failed.length === 0; seed++) {
  process.stdout.write(
    `fault suite, ${size}: ${kills} kills, ${requests} hostile requests; repeat with --seed ${seed}\n`,
  )
  const moments = values.short ? 'one' : 'all'
  const counts = { OPSLOG_FAULT_KILLS: `${kills}`, OPSLOG_HOSTILE_REQUESTS: `${requests}` }
  const sizes = { OPSLOG_SEED: `${seed}`, OPSLOG_FAULT_MOMENTS: moments, ...counts }
  for (const args of runs) {
    const { status } = spawnSync('vitest', ['run', ...args], { stdio: 'inherit', env: { ...process.env, ...sizes } })
    if (status !== 0) failed.push(seed)
  }
}
if (failed.length > 0) {
  process.stdout.write(`failed; repeat with --seed ${failed[0]}\n`)
  process.exitCode = 1
}
