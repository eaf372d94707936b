/**
 * The firsthand suite: posting and reading jobs, files, approvals, inspection, requests that wait, webhooks, and jobs of the
 * test world. Commands are measured with the API alone, as nobody takes the reference's rows in either; all else with every
 * role. Each measurement is a function in firsthand/; another one is another function in the lists below.
 */
import type { SuiteOptions } from './commands.ts'
import { pageOfFiles, uploads } from './firsthand/files.ts'
import { inspections } from './firsthand/inspection.ts'
import { approvals, jobReads, postings } from './firsthand/jobs.ts'
import { memoryOfApi } from './firsthand/memory.ts'
import { sandboxJobs } from './firsthand/sandbox.ts'
import { waits } from './firsthand/waits.ts'
import { type BenchInstance, startBenchInstance } from './instance.ts'
import type { Measurement } from './measure.ts'

type Measure = (instance: BenchInstance, options: SuiteOptions) => Promise<Measurement[]>

const withApiAlone: readonly Measure[] = [memoryOfApi, postings, approvals]
const withAllRoles: readonly Measure[] = [jobReads, pageOfFiles, uploads, inspections, waits, sandboxJobs]

export async function runFirsthandBench(options: SuiteOptions): Promise<Measurement[]> {
  const alone = await measured(withApiAlone, { ROLES: 'api', READ_YOUR_WRITES_WAIT_MS: '0' }, options)
  return [...alone, ...(await measured(withAllRoles, { WEBHOOK_ALLOW_PRIVATE: 'true' }, options))]
}

async function measured(measures: readonly Measure[], environment: NodeJS.ProcessEnv, options: SuiteOptions) {
  const instance = await startBenchInstance(environment)
  try {
    const all: Measurement[] = []
    for (const measure of measures) all.push(...(await measure(instance, options)))
    return all
  } finally {
    await instance.stop()
  }
}
