/** What the console is made of in tests, and the links by which administrators come in. */
import type { CommandBus } from '../../../src/commands/handle.ts'
import { describeConfig } from '../../../src/config.ts'
import type { ConsoleLimits } from '../../../src/http/console/access.ts'
import { console as consoleApi } from '../../../src/http/console/api.ts'
import { createSamples } from '../../../src/http/console/samples.ts'
import { withParts } from '../../../src/http/context.ts'
import { issueLink } from '../../../src/processes/console/access-link.ts'
import { createSessionDirectory } from '../../../src/projections/console/credentials.ts'
import { contexts } from '../../support/contexts.ts'
import type { ApiGround } from '../api.ts'

/** As the settings have them. */
const consoleLimits = (): ConsoleLimits => ({
  ...{
    sessionTtlMs: 43_200_000,
    sessionIdleMs: 3_600_000,
    sessionKnownWaitMs: 5_000,
    followersMax: 100,
    followMaxMs: 1_800_000,
  },
})

export async function servingConsole({ bus, options, url, store, onDrain, ...ground }: ApiGround) {
  const consoleSessions = await ground.follow('console', createSessionDirectory())
  return {
    directories: {},
    contextOn: (of: CommandBus) =>
      withParts(consoleApi, {
        ...ground.coreOf('console', of),
        ...{
          isOn: true,
          settings: () =>
            describeConfig(contexts).map((each) => ({ ...each, value: each.fallback, source: 'default' })),
          readModels: () => contexts,
          onDrain,
          ...{ store, samples: createSamples(), series: new Map() },
          publicUrl: undefined,
          sessions: consoleSessions,
        },
        clock: options.consoleClock ?? (() => new Date()),
        limits: { ...consoleLimits(), ...options.consoleLimits },
      }),
    members: {
      consoleSessions,
      /** A link that opens the console to an administrator, and how long it does. */
      async addConsoleLink({ isReadOnly = false, ttlMs = 300_000, now = new Date() } = {}) {
        return (await issueLink(bus, { url: url(), ttlMs, isReadOnly, now })).url
      },
    },
  }
}
