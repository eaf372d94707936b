/** What an API of rungate's is made of in tests. */
import type { CommandBus } from '../../../src/commands/handle.ts'
import { withParts } from '../../../src/http/context.ts'
import type { RungateParts } from '../../../src/http/rungate/access.ts'
import { rungate } from '../../../src/http/rungate/api.ts'
import { boundsOf, perMinuteOf } from '../../../src/http/rungate/bounds.ts'
import { selfDescription } from '../../../src/http/rungate/describing.ts'
import { createDeskFollower } from '../../../src/http/rungate/desk-follower.ts'
import type { PeopleLimits } from '../../../src/http/rungate/people/limits.ts'
import { createSessionUse } from '../../../src/http/rungate/people/session-use.ts'
import { createCircuits } from '../../../src/http/rungate/proxy/circuits.ts'
import { contentSettingsOf, createContentLog } from '../../../src/http/rungate/proxy/content-log.ts'
import { openProxy, pricesIn } from '../../../src/http/rungate/proxy/open-proxy.ts'
import { createHealth } from '../../../src/http/rungate/public/counts.ts'
import { createTokenUse } from '../../../src/http/rungate/tokens/token-use.ts'
import { overlapEndAfter } from '../../../src/http/rungate/webhooks/secrets.ts'
import { createPeopleDigests } from '../../../src/processes/rungate/people-digests.ts'
import { providerSecretsOf } from '../../../src/processes/rungate/processes.ts'
import { rungateSettings } from '../../../src/processes/rungate/settings.ts'
import { createSessionDirectory, createTokenDirectory } from '../../../src/projections/rungate/credentials.ts'
import { createGovernanceDirectory } from '../../../src/projections/rungate/governance.ts'
import { startDesks } from '../../support/desks.ts'
import type { ApiGround } from '../api.ts'

/** More than tests do, unless they mean to. */
const peopleLimits = (): PeopleLimits => ({
  ...{ loginMs: 900_000, loginsPerCallerMax: 100_000, loginsPerEmailMax: 100_000, loginsMax: 100_000 },
  ...{ verificationsMax: 100_000, invitationMs: 604_800_000, invitationsMax: 100_000, resendsMax: 100_000 },
})
const SESSION_MS = 604_800_000

export async function servingRungate(ground: ApiGround) {
  const { options, follow, db, bus, store, ring, record, resolve } = ground
  const tokens = await follow('tokens', createTokenDirectory())
  const agents = await follow('agents', createGovernanceDirectory())
  const circuits = await follow('circuits', createCircuits())
  const deskFollower = await follow('desks', createDeskFollower())
  const sessions = await follow('sessions', createSessionDirectory())
  const desks = startDesks(store)
  deskFollower.tell(desks.follow)
  const governClock = options.governClock ?? (() => new Date())
  const now = () => new Date()
  const providerSecrets = providerSecretsOf(db, ring)
  const providerAddresses = {
    ...{ resolve, allowLoopback: options.allowLoopbackProviders ?? false },
    hosts: ['llm.internal', '10.1.0.0/16'],
  }
  const governSettings = rungateSettings.parse({ ...options.rungate })
  const warns = { warn: record('warn') }
  const contentLog = createContentLog({
    ...{ bus, keys: providerSecrets, clock: now, log: warns },
    settings: contentSettingsOf(governSettings),
  })
  const opened = openProxy({
    ...{ desks, processId: desks.processId, directory: agents, circuits, bus, db, providerSecrets, providerAddresses },
    ...{ clock: now, log: { info: record('info'), ...warns, error: record('error') } },
    ...{ contentLog, settings: governSettings, ownPrices: await pricesIn(governSettings.PRICES_FILE) },
  })
  ground.onStop(async () => void (await opened.close()))
  const parts = (of: CommandBus): RungateParts => ({
    ...{ ...ground.coreOf('rungate', of), clock: governClock, sessions, sessionMs: SESSION_MS },
    cookies: { publicUrl: undefined, trustProxy: options.limits?.trustProxy ?? false },
    noteSeen: createSessionUse({
      ...{ bus: of, log: warns, clock: governClock, sessionMs: SESSION_MS, gapMinMs: 3_600_000 },
    }),
    ...{ people: createPeopleDigests(providerSecrets), peopleLimits: { ...peopleLimits(), ...options.peopleLimits } },
    mailWay: options.mailWay ?? 'mailbox',
    ...{ tokens, agents, keyKnownWaitMs: 5_000, apiUrl: ground.url },
    noteUse: createTokenUse({ bus: of, log: warns, clock: now, gapMinMs: 900_000 }),
    registrationsPerHourMax: options.registrationsPerHourMax ?? 100_000,
    ...{ perMinute: perMinuteOf(governSettings), adminTokensMax: governSettings.RUNGATE_ADMIN_TOKENS_MAX },
    ...{ providerSecrets, providerAddresses, proxy: opened.proxy, contentLog, bounds: boundsOf(governSettings) },
    webhooks: {
      ...{ resolve, allowLoopback: options.allowLoopbackWebhooks ?? false },
      webhooksMax: options.webhooksMax ?? 100_000,
      ...{ overlapEnd: overlapEndAfter(600_000), isServed: async () => options.areWebhooksServed ?? true },
    },
    health: createHealth(db),
    ...{ desks, processId: desks.processId },
    ...selfDescription(ground.url),
  })
  return {
    directories: {},
    contextOn: (of: CommandBus) => withParts(rungate, parts(of)),
    members: {
      /** Of both API processes. */
      desks,
      /** A figure of its calls, as the metrics say it. */
      async figure(name: string) {
        const gauge = opened.gauges.find((each) => each.name === name)
        if (!gauge) throw new Error(`there is no gauge ${name}`)
        return gauge.read()
      },
    },
  }
}
