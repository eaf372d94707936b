/** What rungate's HTTP works with. */
import { randomUUID } from 'node:crypto'
import { mailWayOf } from '../../adapters/mail/settings.ts'
import type { ApiParts, Served } from '../../context.ts'
import { newProcessHealth } from '../../processes/process.ts'
import { openDesks } from '../../processes/rungate/desks.ts'
import { createPeopleDigests } from '../../processes/rungate/people-digests.ts'
import { providerSecretsOf } from '../../processes/rungate/processes.ts'
import { rungateSettings } from '../../processes/rungate/settings.ts'
import { WEBHOOKS } from '../../processes/rungate/webhooks.ts'
import { isLoopback } from '../../webhooks/address.ts'
import { createResolve } from '../../webhooks/request.ts'
import type { RungateParts } from './access.ts'
import { boundsOf, perMinuteOf } from './bounds.ts'
import { selfDescription } from './describing.ts'
import type { RungateDirectories } from './directories.ts'
import { peopleLimitsOf } from './people/limits.ts'
import { createSessionUse } from './people/session-use.ts'
import { contentSettingsOf, createContentLog } from './proxy/content-log.ts'
import { openProxy, pricesIn } from './proxy/open-proxy.ts'
import { createHealth } from './public/counts.ts'
import { createTokenUse } from './tokens/token-use.ts'
import { overlapEndAfter } from './webhooks/secrets.ts'

export async function serveRungate(parts: ApiParts<RungateDirectories>): Promise<Served> {
  const { config, bus, db, waiter, clock, keyRing, apiUrl } = parts
  const settings = parts.settings(rungateSettings)
  const { log } = parts.dependenciesOf('rungate-tokens', newProcessHealth())
  const processId = randomUUID()
  const desks = openDesks(parts, processId)
  parts.directories.desks.tell(desks.follow)
  parts.onClose(() => desks.close())
  const sessionMs = settings.RUNGATE_SESSION_S * 1_000
  const { tokens, agents, circuits, sessions } = parts.directories
  const providerSecrets = providerSecretsOf(db, keyRing)
  const providerAddresses = {
    resolve: createResolve(),
    allowLoopback: settings.PROVIDER_ALLOW_PRIVATE ?? isForThisMachine(config),
    hosts: settings.PROVIDER_HOSTS,
  }
  const { log: proxyLog } = parts.dependenciesOf('rungate-proxy', newProcessHealth())
  const contentLog = createContentLog({
    ...{ bus, keys: providerSecrets, clock: clock.now, log: proxyLog },
    settings: contentSettingsOf(settings),
  })
  parts.onClose(contentLog.drained)
  const { proxy, gauges, close } = openProxy({
    ...{ desks, processId, directory: agents, circuits, bus, db, providerSecrets, providerAddresses, contentLog },
    ...{ clock: clock.now, log: proxyLog, settings },
    ownPrices: await pricesIn(settings.PRICES_FILE),
  })
  parts.onClose(close)
  const own: RungateParts = {
    ...{ bus, db, waiter, clock: clock.now, apiUrl },
    ...{ tokens, agents, sessions, desks, processId, proxy, contentLog, providerSecrets, providerAddresses },
    noteUse: createTokenUse({ bus, log, clock: clock.now, gapMinMs: settings.RUNGATE_TOKEN_USE_GAP_S * 1_000 }),
    noteSeen: createSessionUse({
      ...{ bus, log, clock: clock.now, sessionMs },
      gapMinMs: settings.RUNGATE_SESSION_USE_GAP_S * 1_000,
    }),
    sessionMs,
    bounds: boundsOf(settings),
    cookies: { publicUrl: config.PUBLIC_URL, trustProxy: config.TRUST_PROXY },
    mailWay: mailWayOf(settings),
    people: createPeopleDigests(providerSecrets),
    peopleLimits: peopleLimitsOf(settings),
    keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
    perMinute: perMinuteOf(settings),
    adminTokensMax: settings.RUNGATE_ADMIN_TOKENS_MAX,
    registrationsPerHourMax: settings.RUNGATE_REGISTRATIONS_PER_HOUR_MAX,
    webhooks: {
      ...{ resolve: providerAddresses.resolve, allowLoopback: config.WEBHOOK_ALLOW_PRIVATE },
      webhooksMax: settings.RUNGATE_WEBHOOKS_MAX,
      overlapEnd: overlapEndAfter(settings.RUNGATE_WEBHOOK_SECRET_OVERLAP_S * 1_000),
      isServed: () => parts.isLed(WEBHOOKS),
    },
    health: createHealth(db),
    ...selfDescription(apiUrl),
  }
  return { parts: own, registersAt: '/rungate/v1/register', gauges }
}

/**
 * Whether everybody who reaches the API is on this machine already: it listens on loopback, and no proxy there brings it
 * requests of others. Only a setting tells of a proxy: the public address, or whom to believe the clients' addresses.
 */
export const isForThisMachine = ({ HOST, PUBLIC_URL, TRUST_PROXY }: Reach): boolean =>
  PUBLIC_URL === undefined && !TRUST_PROXY && (HOST === 'localhost' || isLoopback(HOST))

type Reach = Pick<ApiParts<RungateDirectories>['config'], 'HOST' | 'PUBLIC_URL' | 'TRUST_PROXY'>
