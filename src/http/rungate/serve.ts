/** What rungate's HTTP works with. */
import { randomUUID } from 'node:crypto'
import type { ApiParts, Served } from '../../context.ts'
import { newProcessHealth } from '../../processes/process.ts'
import { openDesks } from '../../processes/rungate/desks.ts'
import { providerSecretsOf } from '../../processes/rungate/processes.ts'
import { rungateSettings } from '../../processes/rungate/settings.ts'
import { isLoopback } from '../../webhooks/address.ts'
import { createResolve } from '../../webhooks/request.ts'
import type { RungateParts } from './access.ts'
import { selfDescription } from './describing.ts'
import type { RungateDirectories } from './directories.ts'
import { createHealth } from './public/counts.ts'
import { createTokenUse } from './tokens/token-use.ts'

export async function serveRungate(parts: ApiParts<RungateDirectories>): Promise<Served> {
  const { config, bus, db, waiter, clock, keyRing, apiUrl } = parts
  const settings = parts.settings(rungateSettings)
  const { log } = parts.dependenciesOf('rungate-tokens', newProcessHealth())
  const processId = randomUUID()
  const desks = openDesks(parts, processId)
  parts.directories.desks.tell(desks.follow)
  parts.onClose(() => desks.close())
  const own: RungateParts = {
    ...{ bus, db, waiter, clock: clock.now, apiUrl },
    ...{ tokens: parts.directories.tokens, agents: parts.directories.agents, desks, processId },
    noteUse: createTokenUse({ bus, log, clock: clock.now, gapMinMs: settings.RUNGATE_TOKEN_USE_GAP_S * 1_000 }),
    keyKnownWaitMs: config.READ_YOUR_WRITES_WAIT_MS,
    registrationsPerHourMax: settings.RUNGATE_REGISTRATIONS_PER_HOUR_MAX,
    providerSecrets: providerSecretsOf(db, keyRing),
    providerAddresses: {
      resolve: createResolve(),
      // Whoever reaches an API on loopback is on this machine already.
      allowLoopback: settings.PROVIDER_ALLOW_PRIVATE ?? isOnLoopback(config.HOST),
      hosts: settings.PROVIDER_HOSTS,
    },
    health: createHealth(db),
    ...selfDescription,
  }
  return { parts: own, registersAt: '/rungate/v1/register' }
}

const isOnLoopback = (host: string): boolean => host === 'localhost' || isLoopback(host)
