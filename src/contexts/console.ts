/** The console: pages for people, with sessions of their own. What they show, contexts declare in their HTTP. */
import { accessLink } from '../commands/console/access-link.ts'
import { session } from '../commands/console/session.ts'
import type { Context } from '../context.ts'
import { accessLinkEvents } from '../events/console/access-link.ts'
import { consoleSentences } from '../events/console/sentences.ts'
import { sessionEvents } from '../events/console/session.ts'
import { inStreams } from '../events/registry.ts'
import type { ConsoleDirectories } from '../http/console/directories.ts'
import { consoleSettings } from '../processes/console/settings.ts'
import { sessionProjection } from '../projections/console/session.ts'

export const console: Context<ConsoleDirectories> = {
  name: 'console',
  events: {
    ...inStreams({ [accessLink.category]: accessLinkEvents, [session.category]: sessionEvents }),
    sentences: consoleSentences,
    tenant: 'tenantId',
    things: ['keyId', 'linkId', 'sessionId'],
  },
  settings: consoleSettings,
  aggregates: [accessLink, session],
  projections: [sessionProjection],
  directories: async () => (await import('../http/console/directories.ts')).consoleDirectories(),
  processes: [],
  serve: async (parts) => (await import('../http/console/serve.ts')).serveConsole(parts),
  api: async () => (await import('../http/console/api.ts')).console,
}
