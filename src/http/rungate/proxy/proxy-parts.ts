/** What serving a call works with. */
import type { Breaker } from '../../../adapters/llm/breaker.ts'
import type { ScanLimits } from '../../../adapters/llm/call-scan.ts'
import type { ProviderClient } from '../../../adapters/llm/provider-client.ts'
import type { TokenCounter } from '../../../adapters/llm/token-counter.ts'
import type { CommandBus } from '../../../commands/handle.ts'
import type { CandidatesOf, Desks } from '../../../commands/rungate/desk/interface.ts'
import type { Log } from '../../../log.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import type { GovernanceDirectory } from '../../../projections/rungate/governance.ts'
import type { ObjectKeys } from '../../../vault/object-keys.ts'
import type { ContentLog } from './content-log.ts'
import type { MonthlySteps } from './monthly-steps.ts'
import type { OpenedSecrets } from './provider-secrets.ts'
import type { TargetOrder } from './target-order.ts'

export interface ProxyLimits extends ScanLimits {
  bodyMaxBytes: number
  /** Of all bodies that this process holds; one account has half of it. */
  bodiesMaxBytes: number
  answerMaxBytes: number
  frameMaxBytes: number
  /** Calls of this process at a time; one account has half of them. */
  inFlightMax: number
  /** Of a run's metadata. */
  metadataMaxBytes: number
  /** For a provider's count of tokens. */
  countTimeoutMs: number
}

export interface ProxyParts {
  desks: Desks
  candidatesOf: CandidatesOf
  directory: GovernanceDirectory
  secrets: OpenedSecrets
  client: ProviderClient
  breaker: Breaker
  order: TargetOrder
  counter: TokenCounter
  ownerOf: (model: string) => string | undefined
  monthlySteps: MonthlySteps
  contentLog: ContentLog
  bus: CommandBus
  db: ReadModels
  providerSecrets: ObjectKeys
  /** Now, in UTC. */
  clock: () => Date
  log: Pick<Log, 'info' | 'warn' | 'error'>
  limits: ProxyLimits
  figures: ProxyFigures
}

/** Counted for the metrics. */
export interface ProxyFigures {
  inFlight: number
  bodyBytes: number
  /** Calls whose usage passed what was reserved for them. */
  overruns: number
  /** US dollars that attempts which were sent and never answered may have cost: each one's own bound. */
  mayHaveCostUsd: number
}
