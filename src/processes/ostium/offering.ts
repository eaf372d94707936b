/** From an action that is owed to the transaction that does it, without its nonce: what the agent signs, and what it costs. */
import { actTransaction, signAct } from '../../adapters/chain/account.ts'
import type { Address } from '../../adapters/chain/address.ts'
import type { Hex } from '../../adapters/chain/node.ts'
import { CallReverted } from '../../adapters/chain/reverts.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { agent, traderIdOf } from '../../commands/ostium/agent.ts'
import type { ActionFacts } from '../../events/ostium/action.ts'
import type { RevertFacts } from '../../events/ostium/vocabulary.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { SecretUnreadable } from '../../webhooks/secret.ts'
import { openPrivateKey, saltOf } from './agent-keys.ts'
import type { Market } from './market.ts'
import type { Offer } from './sponsor-account.ts'

/** Why an action can come to nothing any more. */
export interface Hopeless {
  reason: string
  revert: RevertFacts | null
}

export interface Offering {
  bus: CommandBus
  market: Market
  vaultKeys: ObjectKeys
  sponsor: Address
  /** Wei for a unit of gas. */
  feeMax: bigint
}

/** An estimate is what the action took a moment ago: the market may move meanwhile. */
const GAS_PERCENT = 120n

export const NOT_DELEGATE = 'NotDelegate'

const min = (one: bigint, other: bigint): bigint => (one < other ? one : other)

/** Of now, at most `feeMax`: where the chain asks for more, it waits for cheaper times. */
export async function feesOf({ market, feeMax }: Pick<Offering, 'market' | 'feeMax'>) {
  const { maxFeePerGas, maxPriorityFeePerGas } = await market.client.fees()
  return { maxFeePerGas: min(maxFeePerGas, feeMax), maxPriorityFeePerGas: min(maxPriorityFeePerGas, feeMax) }
}

/** Rejects with ChainUnavailable, and as Postgres does where the vault is away: then it is worth another try. */
export async function offerOf(offering: Offering, facts: ActionFacts): Promise<Offer | Hopeless> {
  const { bus, market, vaultKeys, sponsor } = offering
  const { chainId, trader, agentId, smartAccount, accountNonce } = facts
  const inner = facts.inner as Hex
  const { agentFactory: factory } = market.contracts
  if (!factory) return { reason: 'there is no factory of accounts', revert: null }
  // Asked at once: each is a way to the log or to the node and back.
  const [state, { timestampS }, fees] = await Promise.all([
    bus.current(agent, traderIdOf(chainId, trader)),
    market.client.latestBlock(),
    feesOf(offering),
  ])
  if (state.status === 'none' || state.facts.agentId !== agentId) return { reason: 'the agent is gone', revert: null }
  if (state.status === 'suspended') return { reason: 'the agent is suspended', revert: null }
  const deadlineS = Math.floor(Date.parse(facts.deadline) / 1_000)
  if (timestampS > deadlineS) return { reason: 'its deadline has passed', revert: null }
  const privateKey = await openPrivateKey(vaultKeys, agentId, state.facts.sealedKey).catch((error: unknown) => {
    if (error instanceof SecretUnreadable) return undefined
    throw error
  })
  if (!privateKey) return { reason: 'the agent’s key was destroyed', revert: null }
  const act = { inner, nonce: BigInt(accountNonce), deadlineS }
  const account = smartAccount as Address
  const signature = await signAct({ ...act, privateKey, account, chainId })
  const place = { owner: state.facts.agentWallet as Address, trader: trader as Address, salt: saltOf(agentId) }
  // By way of the factory it is right whether the account is there already or not.
  const call = actTransaction({ ...act, ...place, signature, factory, account, isDeployed: false })
  try {
    const estimate = await market.client.estimateGas({ from: sponsor, ...call })
    return { ...call, gas: (estimate * GAS_PERCENT) / 100n, ...fees }
  } catch (error) {
    if (!(error instanceof CallReverted)) throw error
    const { name, args, text } = error.revert
    return { reason: text, revert: { name, args, text } }
  }
}

export const isHopeless = (offer: Offer | Hopeless): offer is Hopeless => 'reason' in offer
