/**
 * `npm run bench -- [suite …] [--seconds N] [--rounds N] [--json FILE]`: measures and prints what docs/benchmarks.md
 * explains. Every suite brings its own private services up, is bounded in time, and cleans up after itself.
 */
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import pico from 'picocolors'
import { lowerWorkerThreads } from '../src/runtime/worker-priority.ts'
import { runCommandsBench, type SuiteOptions } from './commands.ts'
import { runEngineBench } from './engine.ts'
import { runFirsthandBench } from './firsthand.ts'
import { runKillatamataBench } from './killatamata.ts'
import { runLagBench } from './lag.ts'
import { type Figures, type Measurement, standingOf } from './measure.ts'
import { runMemoryBench } from './memory.ts'
import { runNeighboursBench } from './neighbours.ts'
import { runOstiumBench } from './ostium.ts'
import { runQueriesBench } from './queries.ts'
import { runRebuildBench } from './rebuild.ts'
import { runDeskBench } from './rungate/desk.ts'
import { runRungateBench } from './rungate.ts'
import { runScaleBench } from './scale.ts'
import { DEFAULT_STORE_BENCH, runStoreBench } from './store.ts'
import { runSuites } from './suites.ts'
import { runTelemetryBench } from './telemetry.ts'

const suites: Record<string, (options: SuiteOptions & { soakMinutes?: number | undefined }) => Promise<Measurement[]>> =
  {
    commands: runCommandsBench,
    queries: runQueriesBench,
    engine: runEngineBench,
    firsthand: runFirsthandBench,
    rungate: runRungateBench,
    desk: runDeskBench,
    ostium: runOstiumBench,
    killatamata: runKillatamataBench,
    store: (options) => runStoreBench({ ...DEFAULT_STORE_BENCH, ...options }),
    rebuild: runRebuildBench,
    lag: runLagBench,
    memory: runMemoryBench,
    scale: runScaleBench,
    neighbours: runNeighboursBench,
    telemetry: runTelemetryBench,
  }

const HELP = `Usage: npm run bench -- [suite …] [options]

Suites: ${Object.keys(suites).join(', ')} (default: all)

Options:
  --seconds N  length of one round of one side (default 3)
  --rounds N   rounds of each side, in turn (default 5)
  --only TEXT  of the neighbours suite, the attacks whose names hold this; of firsthand, ostium, killatamata and rungate, the parts
  --skip TEXT  of the suites firsthand and killatamata, not the parts whose names hold this
  --soak       the memory suite for half an hour, or for
  --minutes N  so long
  --json FILE  the figures for scripts
  --help       this text

Examples:
  npm run bench -- commands
  npm run bench -- store queries --seconds 1 --rounds 3
`

lowerWorkerThreads()
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    rounds: { type: 'string', default: '5' },
    only: { type: 'string', default: '' },
    skip: { type: 'string', default: '' },
    soak: { type: 'boolean', default: false },
    minutes: { type: 'string', default: '30' },
    json: { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
})
const unknown = positionals.filter((name) => !(name in suites))
const soakMinutes = values.soak ? Number(values.minutes) : undefined
const { only, skip } = values
const options = { seconds: Number(values.seconds), rounds: Number(values.rounds), only, skip, soakMinutes }
const areWrong = !(options.seconds > 0) || !(options.rounds >= 1) || !((soakMinutes ?? 1) > 0)
if (values.help || unknown.length > 0 || areWrong) {
  process.stdout.write(unknown.length > 0 ? `There is no suite ${unknown.join(', ')}.\n\n${HELP}` : HELP)
  process.exit(values.help ? 0 : 2)
}

const number = (value: number) => (value >= 100 ? Math.round(value).toString() : value.toFixed(2))
const show = (figures: Figures | undefined) =>
  figures === undefined
    ? ''
    : `${number(figures.median)} ${pico.dim(`(${number(figures.minimum)}–${number(figures.maximum)})`)}`
const latency = ({ p50Ms, p99Ms }: Figures) =>
  p50Ms === undefined || p99Ms === undefined ? '' : `${p50Ms.toFixed(2)} / ${p99Ms.toFixed(2)}`

const COLOURS = { missed: pico.red, floor: pico.reset, goal: pico.green, moonshot: pico.green }
const SAID = { missed: 'missed', floor: 'met', goal: 'goal met', moonshot: 'moonshot met' }

function verdict(row: Measurement): [ratio: string, standing: string] {
  const standing = standingOf(row)
  const text = row.ratio?.toFixed(2) ?? ''
  return standing ? [COLOURS[standing](text), COLOURS[standing](SAID[standing])] : [text, '']
}

const results: Record<string, Measurement[]> = {}
async function runSuite(name: string): Promise<void> {
  process.stdout.write(`${pico.bold(name)}: ${options.rounds} rounds of ${options.seconds} s a side …\n`)
  const measured = (await suites[name]?.(options)) ?? []
  results[name] = measured
  const table = new Table({
    head: ['', 'ours/s', 'reference/s', 'ratio', 'floor', 'goal', 'moonshot', '', 'ours p50/p99 ms'],
    style: { head: [], border: [], compact: true },
  })
  for (const row of measured) {
    const bounds = [row.floor, row.goal, row.moonshot].map((bound) => (bound ? bound.toFixed(2) : ''))
    const [ratio, standing] = verdict(row)
    table.push([row.name, show(row.ours), show(row.reference), ratio, ...bounds, standing, latency(row.ours)])
  }
  process.stdout.write(`${table}\n\n`)
}

const names = positionals.length > 0 ? positionals : Object.keys(suites)
const failed = await runSuites(names, runSuite, ({ name, error }) => {
  process.stderr.write(`${pico.red(`${name} failed`)}: ${error instanceof Error ? error.stack : error}\n\n`)
})
if (values.json) {
  const machine = { cores: cpus().length, model: cpus()[0]?.model, node: process.version }
  writeFileSync(values.json, `${JSON.stringify({ machine, options, results }, null, 2)}\n`)
}
if (failed.length > 0) {
  process.stderr.write(
    `${pico.red('Failed')}: ${failed.join(', ')}. ${names.length - failed.length} of ${names.length} ran.\n`,
  )
  process.exitCode = 1
}
