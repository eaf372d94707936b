/**
 * The firsthand suite: posting and reading jobs, files, approvals, inspection, requests that wait, webhooks, and jobs of the
 * test world. Commands are measured with the API alone, as nobody takes the reference's rows in either; all else with every
 * role. Each part is a function in firsthand/; another one is another function in the lists below.
 */
import type { SuiteOptions } from './commands.ts'
import { pageOfFiles, uploads } from './firsthand/files.ts'
import { inspections } from './firsthand/inspection.ts'
import { approvals, jobReads, postings } from './firsthand/jobs.ts'
import { memoryOfApi } from './firsthand/memory.ts'
import { largeJob, smallJobs } from './firsthand/sandbox.ts'
import { waits } from './firsthand/waits.ts'
import { type BenchInstance, startBenchInstance } from './instance.ts'
import type { Measurement } from './measure.ts'

type Measure = (instance: BenchInstance, options: SuiteOptions) => Promise<Measurement[]>

/** Parts by their names, for `--only` and `--skip`. */
type Parts = readonly (readonly [name: string, measure: Measure])[]

const withApiAlone: Parts = [
  ['memory', memoryOfApi],
  ['postings', postings],
  ['approvals', approvals],
]
const withAllRoles: Parts = [
  ['reads', jobReads],
  ['page', pageOfFiles],
  ['uploads', uploads],
  ['inspections', inspections],
  ['waits', waits],
  ['small jobs', smallJobs],
  ['large job', largeJob],
]

export async function runFirsthandBench(options: SuiteOptions): Promise<Measurement[]> {
  const alone = await measured(withApiAlone, { ROLES: 'api', READ_YOUR_WRITES_WAIT_MS: '0' }, options)
  return [...alone, ...(await measured(withAllRoles, { WEBHOOK_ALLOW_PRIVATE: 'true' }, options))]
}

async function measured(parts: Parts, environment: NodeJS.ProcessEnv, options: SuiteOptions) {
  const { only = '', skip = '' } = options
  const wanted = parts.filter(([name]) => name.includes(only) && (skip === '' || !name.includes(skip)))
  if (wanted.length === 0) return []
  const instance = await startBenchInstance(environment)
  try {
    const all: Measurement[] = []
    for (const [, measure] of wanted) all.push(...(await measure(instance, options)))
    return all
  } finally {
    await instance.stop()
  }
}
