/**
 * The chain that an instance trades on: which contracts, by which node, and whether what is deployed there is what calldata is
 * built for. One for each process, whoever asks for it.
 */
import type { FunctionName } from '../../adapters/chain/abi/v3.ts'
import { type Address, checksummed } from '../../adapters/chain/address.ts'
import { type ChainClient, openChain } from '../../adapters/chain/client.ts'
import { networks } from '../../adapters/chain/networks.ts'
import type { Hex } from '../../adapters/chain/node.ts'
import type { ContextParts } from '../../context.ts'
import { InvalidConfiguration } from '../../runtime/invalid-configuration.ts'
import { type OstiumSettings, ostiumSettings } from './settings.ts'

export interface MarketContracts {
  usdc: Address
  trading: Address
  /** Spends the traders' USDC. */
  tradingStorage: Address
  /** Undefined: no delegated mode. */
  agentFactory: Address | undefined
}

export interface Market {
  chainId: number
  network: string
  contracts: MarketContracts
  client: ChainClient
  /** Of the account that pays for gas; undefined: no delegated mode. */
  sponsorKey: Hex | undefined
  /** Where prices come from; undefined: from nowhere. */
  pricesUrl: string | undefined
  /** What is wrong with the chain, or with what is deployed there, as far as is known; undefined: nothing. */
  fault(): string | undefined
  /** Functions that the deployed contracts do not have. */
  missing(): ReadonlySet<string>
  /** Looks again. Never rejects. */
  check(): Promise<void>
}

/** Why there is no chain. */
export interface NoMarket {
  reason: string
  /** Nobody asked for one: building goes on without it, and that is no fault. */
  isOff?: boolean
}
export type MarketAccess = { market: Market } | NoMarket

type Parts = Pick<ContextParts, 'config' | 'services' | 'settings'>

const opened = new WeakMap<object, Promise<MarketAccess>>()

/** The one of this process. Rejects with InvalidConfiguration where the settings contradict each other. */
export function openMarket(parts: Parts): Promise<MarketAccess> {
  const known = opened.get(parts.services) ?? open(parts)
  opened.set(parts.services, known)
  return known
}

async function open({ config, services, settings }: Parts): Promise<MarketAccess> {
  const own = settings(ostiumSettings)
  if (own.OSTIUM_RPC_URL !== undefined) {
    const market = ofNode(own, own.OSTIUM_RPC_URL)
    const { chainId, network, contracts } = market
    await services.noteChain({ rpcUrl: own.OSTIUM_RPC_URL, chainId, network, contracts })
    return { market }
  }
  const isWanted = own.OSTIUM_LOCAL_CHAIN === 'on' || (own.OSTIUM_LOCAL_CHAIN === 'auto' && isPrivate(services))
  if (!isWanted) return { reason: 'OSTIUM_RPC_URL names no node, and the local chain is off.', isOff: true }
  if (!(['api', 'relay'] as const).every((role) => config.ROLES.includes(role))) {
    return {
      reason: 'The local chain serves one process that has the roles api and relay; OSTIUM_RPC_URL names another.',
    }
  }
  try {
    const { rpcUrl, chainId, contracts, sponsorKey, pricesUrl } = await services.localMarket()
    const client = openChain({ rpcUrl, chainId, contracts, ...boundsOf(own) })
    const prices = own.OSTIUM_PRICE_URL ?? pricesUrl
    return { market: withChecks({ chainId, network: 'local', contracts, client, sponsorKey, pricesUrl: prices }, own) }
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AnvilNotInstalled') throw error
    return { reason: error.message }
  }
}

const isPrivate = ({ eventStore }: Parts['services']): boolean => eventStore.kind === 'embedded'

const boundsOf = (own: OstiumSettings) => ({
  timeoutMs: own.OSTIUM_RPC_TIMEOUT_MS,
  answerMaxBytes: own.OSTIUM_RPC_ANSWER_MAX_BYTES,
})

/** What the settings say of a chain that is not the local one. Throws InvalidConfiguration where they do not suffice. */
export function nodeFacts(own: OstiumSettings): Pick<Market, 'chainId' | 'network' | 'contracts'> {
  const { OSTIUM_NETWORK: network } = own
  const known = network === 'custom' ? undefined : networks[network]
  const need = <Value>(value: Value | undefined, name: string): Value => {
    if (value === undefined) throw new InvalidConfiguration(`OSTIUM_NETWORK=custom needs ${name}.`)
    return value
  }
  const given = (address: string | undefined) => (address === undefined ? undefined : checksummed(address))
  const contracts: MarketContracts = {
    usdc: need(given(own.OSTIUM_USDC) ?? known?.usdc, 'OSTIUM_USDC'),
    trading: need(given(own.OSTIUM_TRADING) ?? known?.trading, 'OSTIUM_TRADING'),
    tradingStorage: need(given(own.OSTIUM_TRADING_STORAGE) ?? known?.tradingStorage, 'OSTIUM_TRADING_STORAGE'),
    agentFactory: given(own.OSTIUM_AGENT_FACTORY),
  }
  const chainId = need(known ? known.chainId : own.OSTIUM_CHAIN_ID, 'OSTIUM_CHAIN_ID')
  return { chainId, network, contracts }
}

function ofNode(own: OstiumSettings, rpcUrl: string): Market {
  const facts = nodeFacts(own)
  const { chainId, contracts } = facts
  const client = openChain({ rpcUrl, chainId, contracts, ...boundsOf(own) })
  const sponsorKey = own.OSTIUM_SPONSOR_KEY as Hex | undefined
  return withChecks({ ...facts, client, sponsorKey, pricesUrl: own.OSTIUM_PRICE_URL }, own)
}

type Unchecked = Omit<Market, 'fault' | 'missing' | 'check'>

/** The chain's id is looked at by the client, at every question. */
function withChecks(market: Unchecked, { OSTIUM_CHECK_SELECTORS: looksAtCode }: OstiumSettings): Market {
  let fault: string | undefined = 'the chain was not asked yet'
  let missing: ReadonlySet<string> = new Set()
  let underWay: Promise<void> | undefined
  const look = async () => {
    try {
      const found: readonly FunctionName[] | readonly string[] = looksAtCode
        ? await market.client.missingSelectors()
        : []
      await market.client.latestBlock()
      missing = new Set(found)
      fault = found.length === 0 ? undefined : `the deployed contracts lack ${found.join(', ')}`
    } catch (error) {
      fault = error instanceof Error ? error.message : String(error)
    }
  }
  return {
    ...market,
    fault: () => fault,
    missing: () => missing,
    check() {
      underWay ??= look().finally(() => {
        underWay = undefined
      })
      return underWay
    },
  }
}
