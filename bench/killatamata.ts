/**
 * The killatamata suite. With the API alone: holds and captures on the bus, submitting, and what uploads take of memory. With an instance
 * that has stand-ins and makes nothing: how soon a job, a payment and a purchase are seen. With every role: a picture from its request to
 * its end, and reads beside encoders. Without an instance: the check of a bundle, and an account with a long history. Each part is a
 * function in killatamata/; another one is another function in the lists below.
 */
import { readSandbox } from '../test/http/killatamata/sandbox.ts'
import type { SuiteOptions } from './commands.ts'
import { type BenchInstance, startBenchInstance } from './instance.ts'
import { type Google, startGoogle, UNLIMITED } from './killatamata/ground.ts'
import { pictures, queuedJobs, readsBesideEncoders, submissions } from './killatamata/jobs.ts'
import { coldLoads, ledgerOperations } from './killatamata/ledger.ts'
import { purchases, webhooks } from './killatamata/payments.ts'
import { bundleChecks, memoryOfUploads } from './killatamata/uploads.ts'
import type { Measurement } from './measure.ts'

type Alone = (options: SuiteOptions) => Promise<Measurement[]>
type Measure = (instance: BenchInstance, options: SuiteOptions, google: Google) => Promise<Measurement[]>

/** Parts by their names, for `--only` and `--skip`. */
type Parts<Each> = readonly (readonly [name: string, measure: Each])[]

const withoutInstance: Parts<Alone> = [
  ['cold', coldLoads],
  ['bundles', bundleChecks],
]
const withApiAlone: Parts<Measure> = [
  ['memory', memoryOfUploads],
  ['ledger', ledgerOperations],
  ['submissions', submissions],
]
const withoutMedia: Parts<Measure> = [
  ['queued', queuedJobs],
  ['webhooks', webhooks],
  ['x402', purchases],
]
const withAllRoles: Parts<Measure> = [
  ['pictures', pictures],
  ['reads', readsBesideEncoders],
]

/** The suite has eleven rows, and is to end within minutes. */
const ROUNDS_MAX = 3

export async function runKillatamataBench(given: SuiteOptions): Promise<Measurement[]> {
  const { only = '', skip = '' } = given
  const options = { ...given, rounds: Math.min(ROUNDS_MAX, given.rounds) }
  const wantedOf = <Each>(parts: Parts<Each>) =>
    parts.filter(([name]) => name.includes(only) && (skip === '' || !name.includes(skip)))
  const all: Measurement[] = []

  async function measured(name: string, measure: () => Promise<Measurement[]>): Promise<void> {
    const startedMs = performance.now()
    all.push(...(await measure()))
    process.stderr.write(`  ${name}: ${((performance.now() - startedMs) / 1_000).toFixed(0)} s\n`)
  }

  async function on(parts: Parts<Measure>, environment: NodeJS.ProcessEnv, ownGoogle?: Google) {
    const wanted = wantedOf(parts)
    if (wanted.length === 0) return
    const instance = await startBenchInstance({ ...UNLIMITED, ...environment })
    try {
      const google = ownGoogle ?? readSandbox(instance.directory).google
      for (const [name, measure] of wanted) await measured(name, () => measure(instance, options, google))
    } finally {
      await instance.stop()
    }
  }

  for (const [name, measure] of wantedOf(withoutInstance)) await measured(name, () => measure(options))
  const { google, environment, stop } = await startGoogle()
  try {
    await on(withApiAlone, { ROLES: 'api', READ_YOUR_WRITES_WAIT_MS: '0', ...environment }, google)
  } finally {
    await stop()
  }
  await on(withoutMedia, { ROLES: 'api,projector,relay', KILLATAMATA_SANDBOX: 'on' })
  await on(withAllRoles, { MEDIA_CONCURRENCY_MAX: '4' })
  return all
}
