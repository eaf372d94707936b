/** Ostium: transactions for perpetual futures, and agents that send them for traders; everything it has on one page. */
import { action } from '../commands/ostium/action.ts'
import { agent } from '../commands/ostium/agent.ts'
import { build } from '../commands/ostium/build.ts'
import { challenge } from '../commands/ostium/challenge.ts'
import { sponsor } from '../commands/ostium/sponsor.ts'
import type { Context } from '../context.ts'
import { actionEvents } from '../events/ostium/action.ts'
import { agentEvents } from '../events/ostium/agent.ts'
import { buildEvents } from '../events/ostium/build.ts'
import { challengeEvents } from '../events/ostium/challenge.ts'
import { ostiumSentences } from '../events/ostium/sentences.ts'
import { sponsorEvents } from '../events/ostium/sponsor.ts'
import { inStreams } from '../events/registry.ts'
import type { OstiumDirectories } from '../http/ostium/directories.ts'
import { ostiumProcesses } from '../processes/ostium/processes.ts'
import { ostiumSettings } from '../processes/ostium/settings.ts'
import { actionProjection } from '../projections/ostium/action.ts'
import { agentProjection } from '../projections/ostium/agent.ts'
import { buildProjection } from '../projections/ostium/build.ts'
import { challengeProjection } from '../projections/ostium/challenge.ts'

export const ostium: Context<OstiumDirectories> = {
  name: 'ostium',
  events: {
    ...inStreams({
      [build.category]: buildEvents,
      [agent.category]: agentEvents,
      [challenge.category]: challengeEvents,
      [action.category]: actionEvents,
      [sponsor.category]: sponsorEvents,
    }),
    sentences: ostiumSentences,
  },
  settings: ostiumSettings,
  aggregates: [build, agent, challenge, action, sponsor],
  projections: [buildProjection, agentProjection, challengeProjection, actionProjection],
  directories: async () => (await import('../http/ostium/directories.ts')).ostiumDirectories(),
  processes: ostiumProcesses,
  serve: async (parts) => (await import('../http/ostium/serve.ts')).serveOstium(parts),
  api: async () => (await import('../http/ostium/api.ts')).ostium,
  cli: {
    summary: 'the chain, its sponsor, agents and what they have done',
    commands: async (tools) => (await import('../cli/ostium/commands.ts')).ostiumCommands(tools),
  },
  demo: async () => (await import('../cli/ostium/demo/chapters.ts')).ostiumDemo,
}
