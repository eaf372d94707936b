/** What firsthand's HTTP keeps in memory of the log. */
import { createCredentialDirectory } from '../../projections/firsthand/credentials.ts'
import { createWorkerDirectory } from '../../projections/firsthand/worker-credentials.ts'
import { createJobWaits } from './jobs/job-waits.ts'

export const firsthandDirectories = () => ({
  credentials: createCredentialDirectory(),
  workers: createWorkerDirectory(),
  waits: createJobWaits(),
})
export type FirsthandDirectories = ReturnType<typeof firsthandDirectories>
