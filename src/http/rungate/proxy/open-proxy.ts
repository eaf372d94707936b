/** Puts together what calls of models work with, from the settings. */
import { readFile } from 'node:fs/promises'
import { createOwnerOf } from '../../../adapters/llm/model-owner.ts'
import { createPriceTable, type OwnPrice, readOwnPrices } from '../../../adapters/llm/price-table.ts'
import { createProviderClient } from '../../../adapters/llm/provider-client.ts'
import { createTokenCounter } from '../../../adapters/llm/token-counter.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import type { Desks } from '../../../commands/rungate/desk/interface.ts'
import { createCandidatesOf } from '../../../commands/rungate/routing.ts'
import type { Log } from '../../../log.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import type { rungateSettings } from '../../../processes/rungate/settings.ts'
import type { GovernanceDirectory } from '../../../projections/rungate/governance.ts'
import { providerKeys } from '../../../projections/rungate/provider-key.ts'
import type { GaugeSource } from '../../../runtime/health.ts'
import { InvalidConfiguration } from '../../../runtime/invalid-configuration.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import type { RungateParts } from '../access.ts'
import { createVetHost } from '../provider-keys/base-url.ts'
import type { Circuits } from './circuits.ts'
import type { ContentLog } from './content-log.ts'
import { createMonthlySteps } from './monthly-steps.ts'
import { createOpenedSecrets, SECRETS_MAX } from './provider-secrets.ts'
import { createProxy, type ModelProxy } from './proxy.ts'
import type { ProxyFigures } from './proxy-parts.ts'
import { createTargetOrder } from './target-order.ts'

export interface ProxySurroundings {
  desks: Desks
  processId: string
  directory: GovernanceDirectory
  circuits: Circuits
  bus: CommandBus
  db: ReadModels
  providerSecrets: ObjectKeys
  contentLog: ContentLog
  providerAddresses: RungateParts['providerAddresses']
  clock: () => Date
  log: Pick<Log, 'info' | 'warn' | 'error'>
  settings: ReturnType<typeof rungateSettings.parse>
  /** Prices of the installation's own. */
  ownPrices: readonly OwnPrice[]
}

export interface OpenProxy {
  proxy: ModelProxy
  gauges: readonly GaugeSource[]
  /** Ends connections to providers. */
  close(): Promise<void>
}

/** Prompts that wait to be counted. */
const COUNTS_WAITING_MAX = 64
/** The first prompt finds a thread that has to read its vocabulary. */
const COUNTER_START_MAX_MS = 2_000

export function openProxy(surroundings: ProxySurroundings): OpenProxy {
  const { desks, processId, directory, circuits, bus, db, providerSecrets, contentLog, clock, log, settings } =
    surroundings
  const prices = createPriceTable(surroundings.ownPrices)
  const ownerOf = createOwnerOf()
  const secrets = createOpenedSecrets(providerSecrets)
  const client = createProviderClient({
    vet: createVetHost(surroundings.providerAddresses),
    waitingMaxBytes: settings.STREAM_WAITING_MAX_BYTES,
  })
  const counter = createTokenCounter({
    bytesMax: settings.TOKENIZER_MAX_BYTES,
    timeoutMs: settings.TOKENIZER_TIMEOUT_MS,
    startMaxMs: COUNTER_START_MAX_MS,
    waitingMax: COUNTS_WAITING_MAX,
  })
  const figures: ProxyFigures = { inFlight: 0, bodyBytes: 0, overruns: 0, mayHaveCostUsd: 0 }
  circuits.recordWith({
    ...{ processId, bus, clock, log },
    ownerOf(keyId) {
      const key = directory.row(providerKeys, keyId)
      return key && { accountId: key.account_id, provider: key.provider }
    },
  })
  // Beside the first calls: those open what they need themselves.
  void secrets.openAhead(directory.secretsToOpen(SECRETS_MAX))
  const { providerKey, providerKeysOf, agent } = directory
  const profileOf = (accountId: string, agentId: string) => agent(accountId, agentId)?.profile
  const proxy = createProxy({
    ...{ desks, directory, secrets, client, counter, ownerOf, bus, db, providerSecrets, contentLog, clock, log },
    figures,
    candidatesOf: createCandidatesOf({
      directory: { providerKey, providerKeysOf, profileOf },
      ...{ priceOf: prices.find, ownerOf },
    }),
    breaker: circuits.breaker,
    order: createTargetOrder(),
    monthlySteps: createMonthlySteps(db, clock),
    limits: limitsOf(settings),
  })
  const close = async () => void (await Promise.all([client.close(), counter.close()]))
  return { proxy, gauges: gaugesOf(figures), close }
}

const limitsOf = (settings: ProxySurroundings['settings']) => ({
  ...{ bodyMaxBytes: settings.PROXY_BODY_MAX_BYTES, bodiesMaxBytes: settings.PROXY_BODIES_MAX_BYTES },
  ...{ depthMax: settings.PROXY_DEPTH_MAX, valuesMax: settings.PROXY_VALUES_MAX },
  ...{ toolsMax: settings.PROXY_TOOLS_MAX, messagesMax: settings.PROXY_MESSAGES_MAX },
  ...{ answerMaxBytes: settings.PROXY_ANSWER_MAX_BYTES, frameMaxBytes: settings.PROXY_FRAME_MAX_BYTES },
  ...{ inFlightMax: settings.PROXY_CALLS_MAX, countTimeoutMs: settings.PROMPT_COUNT_TIMEOUT_MS },
  metadataMaxBytes: settings.METADATA_MAX_BYTES,
})

/** The prices in a file, none without one. Rejects with InvalidConfiguration where it cannot be read. */
export async function pricesIn(path: string | undefined): Promise<OwnPrice[]> {
  if (path === undefined) return []
  try {
    return readOwnPrices(await readFile(path, 'utf8'))
  } catch (error) {
    throw new InvalidConfiguration(`PRICES_FILE ${path}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const gaugesOf = (figures: Readonly<ProxyFigures>): readonly GaugeSource[] => [
  {
    name: 'rungate_calls_in_flight',
    help: 'Calls of models that this process has under way',
    read: () => figures.inFlight,
  },
  {
    name: 'rungate_budget_overrun',
    help: 'Calls since the start whose usage passed what was reserved for them: no provider should do that',
    read: () => figures.overruns,
  },
  {
    name: 'rungate_may_have_cost',
    help: 'US dollars since the start that attempts may have cost which were sent and never answered: in no ledger',
    read: () => figures.mayHaveCostUsd,
  },
]
