/** Firsthand: files that people make on request, everything it has on one page. */
import { contentHash } from '../commands/firsthand/content-hash.ts'
import { job } from '../commands/firsthand/job.ts'
import { organization } from '../commands/firsthand/organization.ts'
import { submission } from '../commands/firsthand/submission.ts'
import { wallet } from '../commands/firsthand/wallet.ts'
import { worker } from '../commands/firsthand/worker.ts'
import { workerDay } from '../commands/firsthand/worker-day.ts'
import type { Context } from '../context.ts'
import { contentHashEvents } from '../events/firsthand/content-hash.ts'
import { jobEvents } from '../events/firsthand/job.ts'
import { organizationEvents } from '../events/firsthand/organization.ts'
import { firsthandSentences } from '../events/firsthand/sentences.ts'
import { submissionEvents } from '../events/firsthand/submission.ts'
import { walletEvents } from '../events/firsthand/wallet.ts'
import { workerEvents } from '../events/firsthand/worker.ts'
import { workerDayEvents } from '../events/firsthand/worker-day.ts'
import { inStreams } from '../events/registry.ts'
import { firsthandProcesses } from '../processes/firsthand/processes.ts'
import { firsthandSettings } from '../processes/firsthand/settings.ts'
import { apiKeyProjection } from '../projections/firsthand/api-key.ts'
import { jobProjection } from '../projections/firsthand/job.ts'
import { organizationProjection } from '../projections/firsthand/organization.ts'
import { walletProjection } from '../projections/firsthand/wallet.ts'

export const firsthand: Context = {
  name: 'firsthand',
  events: {
    ...inStreams({
      [organization.category]: organizationEvents,
      [wallet.category]: walletEvents,
      [job.category]: jobEvents,
      [submission.category]: submissionEvents,
      [contentHash.category]: contentHashEvents,
      [worker.category]: workerEvents,
      [workerDay.category]: workerDayEvents,
    }),
    sentences: firsthandSentences,
    tenant: 'organizationId',
    person: 'workerId',
  },
  settings: firsthandSettings,
  aggregates: [organization, wallet, job, submission, contentHash, worker, workerDay],
  projections: [organizationProjection, apiKeyProjection, walletProjection, jobProjection],
  processes: firsthandProcesses,
  cli: {
    summary: 'organizations, their API keys and their credits',
    commands: async (tools) => (await import('../cli/firsthand/commands.ts')).firsthandCommands(tools),
  },
  serve: async (parts) => (await import('../http/firsthand/serve.ts')).serveFirsthand(parts),
  api: async () => (await import('../http/firsthand/api.ts')).firsthand,
}
