/** The console: pages for people, with sessions of their own. What they show, contexts declare in their HTTP. */
import { accessLink } from '../commands/console/access-link.ts'
import { job } from '../commands/console/job.ts'
import { session } from '../commands/console/session.ts'
import type { Context } from '../context.ts'
import { accessLinkEvents } from '../events/console/access-link.ts'
import { jobEvents } from '../events/console/job.ts'
import { consoleSentences } from '../events/console/sentences.ts'
import { sessionEvents } from '../events/console/session.ts'
import { inStreams } from '../events/registry.ts'
import type { ConsoleDirectories } from '../http/console/directories.ts'
import { JOBS, startJobs } from '../processes/console/jobs.ts'
import { consoleSettings } from '../processes/console/settings.ts'
import { jobProjection } from '../projections/console/job.ts'
import { sessionProjection } from '../projections/console/session.ts'

export const console: Context<ConsoleDirectories> = {
  name: 'console',
  events: {
    ...inStreams({
      [accessLink.category]: accessLinkEvents,
      [session.category]: sessionEvents,
      [job.category]: jobEvents,
    }),
    sentences: consoleSentences,
    tenant: 'tenantId',
    things: ['keyId', 'linkId', 'sessionId', 'jobId'],
  },
  settings: consoleSettings,
  aggregates: [accessLink, session, job],
  projections: [sessionProjection, jobProjection],
  directories: async () => (await import('../http/console/directories.ts')).consoleDirectories(),
  processes: [{ leads: [JOBS], role: 'projector', start: startJobs }],
  serve: async (parts) => (await import('../http/console/serve.ts')).serveConsole(parts),
  api: async () => (await import('../http/console/api.ts')).console,
}
