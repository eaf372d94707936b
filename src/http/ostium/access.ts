/** What ostium's handlers work with, whose keys open it, and the builders of its operations. */
import type { Address } from '../../adapters/chain/address.ts'
import { createKeyProof } from '../../api-keys/key-proof.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { textIdOf } from '../../commands/ostium/api-key.ts'
import type { PendingSlippage } from '../../commands/ostium/calldata.ts'
import type { Actor } from '../../events/event.ts'
import type { Log } from '../../log.ts'
import type { ReadModels } from '../../postgres/database.ts'
import type { MarketAccess } from '../../processes/ostium/market.ts'
import type { AgentRow } from '../../projections/ostium/agent.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { either, headerValue, publicAccess, signedBy, type Verifier } from '../access.ts'
import type { FixedBody } from '../answers.ts'
import type { Principal } from '../environment.ts'
import { type CoreParts, operationsFor } from '../operation.ts'
import type { RateClass } from '../rate-limit.ts'
import type { Count } from './counts.ts'
import type { OstiumCode } from './errors.ts'
import type { ActionWaits } from './exchange/action-waits.ts'
import type { Feed } from './sockets/feed.ts'
import type { SocketCount } from './sockets/socket-count.ts'
import { traderIn } from './trader.ts'

export interface OstiumLimits {
  /** Of one address, and of one socket; infinity: not counted. */
  requestsPerMinuteMax: number
  exempt: ReadonlySet<string>
  /** Messages of one trade socket that are answered side by side. */
  socketBuildsAtOnceMax: number
  leverageMax: number
  actionsPerRequestMax: number
  pendingSlippage: PendingSlippage
  /** Base units. */
  approvalMin: bigint
  approval: bigint
  pendingTtlMs: number
  messageTtlMs: number
  agentsPerHourMax: number
  messagesPerHourMax: number
  actionsPerMinuteMax: number
  deadlineMs: number
  submitWaitMs: number
  receiptWaitMs: number
  /** How long the answer with a new key waits until this process knows it. */
  keyKnownWaitMs: number
  /** Refused keys of one client address that come by socket. */
  keyFailuresPerMinuteMax: number
}

export interface OstiumParts extends CoreParts {
  db: ReadModels
  log: Pick<Log, 'warn' | 'error'>
  market: MarketAccess
  limits: OstiumLimits
  /** Transactions that are handed out: each in a stream of its own, which nobody asks for again. */
  builds: CommandBus
  /** The keys that this process knows. */
  agents: { find(textId: string): AgentRow | undefined }
  /** The agents' own keys in the vault, under which their private keys are sealed. */
  vaultKeys: ObjectKeys
  waits: ActionWaits
  /** How often an agent may act: counts one more. */
  actionsOf: Count
  messagesOf: Count
  /** By socket: whose key it is, where its agent may act; and how often an address was wrong about that. */
  verify: Verifier<AgentCaller>
  keyFailuresOf: Count
  feed: Feed
  sockets: SocketCount
  /** Its own document, as it is served. */
  documents: { json: FixedBody; yaml: FixedBody }
}

/** Anybody: the address that a request names is a claim. */
export const ANYBODY: Actor = { kind: 'caller', id: 'public' }

/** The trader whose agent's key came with the request. */
export interface AgentCaller extends Principal {
  trader: Address
  agent: AgentRow
}

export const { operation, write, read } = operationsFor<OstiumParts, AgentCaller, OstiumCode>()

const asks = { detail: 'Send the API key of the trader’s agent: X-API-Key.', challenge: 'ApiKey' }
const scheme = { credentials: [headerValue('x-api-key')], asks }
/** By what the key opens: whatever a living agent may do, or what only one may that its trader has made a delegate. */
export const schemes = { livingAgent: scheme, verifiedAgent: scheme }

/** Without a key transactions are handed out; with one its agent acts. */
export const traderOrAgent = either(signedBy('verifiedAgent'), publicAccess)
export const livingAgent = signedBy('livingAgent')

/** A key that opens nothing here is answered like an unknown one, whatever the reason. */
export function verifiers({
  agents,
  market,
}: Pick<OstiumParts, 'agents' | 'market'>): Record<keyof typeof schemes, Verifier<AgentCaller>> {
  const proven = createKeyProof<AgentRow>({
    idOf: textIdOf,
    find: (textId) => agents.find(textId),
    hashOf: ({ api_key_hash }) => api_key_hash,
  })
  const verify =
    (isEnough: (agent: AgentRow) => boolean): Verifier<AgentCaller> =>
    (text, head) => {
      const agent = proven(text)
      const trader = traderIn(head)
      const isOfChain = 'market' in market && agent?.chain_id === market.market.chainId
      if (!agent || agent.trader !== trader || !isOfChain || !isEnough(agent)) return { kind: 'invalid' }
      const { api_key_id: keyId } = agent
      return { kind: 'valid', principal: callerOf(agent, trader, keyId) }
    }
  return { livingAgent: verify(() => true), verifiedAgent: verify(({ status }) => status === 'verified') }
}

const callerOf = (agent: AgentRow, trader: Address, keyId: string): AgentCaller => ({
  ...{ trader, agent, tenantId: agent.trader_id, environment: '', scopes: [] },
  actor: { kind: 'trader', id: trader, keyId },
  logFields: { trader, keyId },
})

const perMinute = ({ limits: { requestsPerMinuteMax, exempt } }: OstiumParts): RateClass => ({
  by: 'address',
  perMinuteMax: (_, address) => (exempt.has(address()) ? Number.POSITIVE_INFINITY : requestsPerMinuteMax),
  detail: (max) => `An address may send ${max} requests a minute.`,
})

export const rates = (parts: OstiumParts) => ({
  standard: perMinute(parts),
  /** For what says only that the process answers, or what it answers. */
  uncounted: { by: 'address', perMinuteMax: () => Number.POSITIVE_INFINITY, detail: () => '' } satisfies RateClass,
})
