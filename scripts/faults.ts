/**
 * `npm run test:faults [-- --short | --long [--minutes N]] [--seed N]`: the fault suite, then the hostile requests. The seed
 * decides what operators ask for, what is killed, and which requests are made; a run says its own, so that it can be made
 * again. What it cannot decide is time: which call is under way when a blow falls.
 *
 * A short run, of about four minutes, has the files about crashes and messages, some faults at random, and of the other
 * files as many as fit, from a place on that the seed chooses. A long one repeats full runs under one seed after the other
 * until its time is over.
 */
import { spawnSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

const HELP = `Runs the fault suite, then the hostile requests.

Usage: npm run test:faults -- [options]

Options:
  --short        some four minutes
  --long         full runs under one seed after the other
  --minutes <n>  how long a long run goes on (default: 120)
  --seed <n>     makes a run again
  --help         this text
`

function end(exitCode: 0 | 2, text: string): never {
  ;(exitCode === 0 ? process.stdout : process.stderr).write(text)
  process.exit(exitCode)
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        seed: { type: 'string' },
        short: { type: 'boolean' },
        long: { type: 'boolean' },
        minutes: { type: 'string', default: '120' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values
  } catch (error) {
    end(2, `${(error as Error).message}\n\n${HELP}`)
  }
}

const values = readOptions()
if (values.help) end(0, HELP)

function numberOf(option: string, text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  end(2, `--${option} takes a whole number, not ${text}\n\n${HELP}`)
}

const first = numberOf('seed', values.seed ?? String(randomInt(1, 2 ** 31)))
const size = values.short ? 'short' : values.long ? 'long' : 'full'
const { kills, hostileRuns } = {
  short: { kills: 4, hostileRuns: 14 },
  full: { kills: 24, hostileRuns: 220 },
  long: { kills: 24, hostileRuns: 440 },
}[size]
const endsAtMs = performance.now() + (values.long ? numberOf('minutes', values.minutes) * 60_000 : 0)

const ALWAYS = ['crash-points', 'messages', 'nemesis']
/**
 * The other files, each with the seconds that it takes on two processors, about; those of a kind are apart from each other.
 * For full runs alone are firsthand-waits, whose 5,000 connections take the whole machine, and rungate-inputs, which holds turns
 * of the event loop to 20 ms and needs a machine with nothing else to do.
 */
const IN_TURNS: readonly (readonly [name: string, seconds: number])[] = [
  ['firsthand-money', 45],
  ['checker', 30],
  ['firsthand-work', 45],
  ['clock', 30],
  ['objects', 5],
  ['media-jobs', 115],
  ['rungate-desk', 100],
  ['rungate-calls', 120],
  ['rungate-restart', 40],
  ['disk', 65],
  ['postgres', 25],
  ['firsthand-scoring', 40],
  ['restore', 25],
  ['ostium-sockets', 65],
  ['ostium-crashes', 90],
  ['killatamata-money', 60],
  ['media-crashes', 70],
  ['roles', 75],
]
/** For those of a short run. One that is longer runs alone. */
const IN_TURNS_MAX_S = 75

/** Of the files in turns, those of a short run: from the seed's place on, as long as they fit. */
function turnsOf(seed: number): string[] {
  const names: string[] = []
  let seconds = 0
  for (let n = 0; n < IN_TURNS.length; n++) {
    const [name, takes] = IN_TURNS[(seed + n) % IN_TURNS.length]!
    if (names.length > 0 && seconds + takes > IN_TURNS_MAX_S) break
    names.push(name)
    seconds += takes
  }
  return names
}
const fileOf = (name: string) => `test/faults/${name}.fault.ts`

/** What vitest is to run, one call after the other. */
function runsOf(seed: number): string[][] {
  const suite = ['--config', 'vitest.faults.config.ts']
  // The tests proper have sent a short run's requests already.
  if (size === 'short') return [[...suite, ...[...ALWAYS, ...turnsOf(seed)].map(fileOf)]]
  return [suite, ['test/suites', 'test/faults/secrets.test.ts']]
}

/** Whether all of it passed. */
function run(seed: number): boolean {
  process.stdout.write(
    `fault suite, ${size}: ${kills} kills, ${hostileRuns} hostile requests to each operation; repeat with --seed ${seed}\n`,
  )
  const environment = {
    ...process.env,
    OPSLOG_SEED: `${seed}`,
    OPSLOG_FAULT_MOMENTS: values.short ? 'one' : 'all',
    OPSLOG_FAULT_KILLS: `${kills}`,
    OPSLOG_HOSTILE_RUNS: `${hostileRuns}`,
  }
  const ended = runsOf(seed).map((args) =>
    spawnSync('vitest', ['run', ...args], { stdio: 'inherit', env: environment }),
  )
  return ended.every(({ status }) => status === 0)
}

for (let seed = first; ; seed++) {
  if (!run(seed)) {
    process.stdout.write(`failed; repeat with --seed ${seed}\n`)
    process.exitCode = 1
    break
  }
  if (performance.now() >= endsAtMs) break
}
