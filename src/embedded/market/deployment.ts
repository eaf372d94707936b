/** Puts our contracts on the local chain, once: what is there already stays, whatever its version, as on any chain. */
import { encodeDeployData, getAddress, type Hex } from 'viem'
import type { LocalChain } from '../anvil.ts'
import { readArtifacts } from './artifacts.ts'
import { commandsOf, readerOf, senderOf } from './chain-access.ts'
import { type ChainFacts, readChainFacts, writeChainFacts } from './chain-facts.ts'

export interface MarketContracts {
  usdc: Hex
  trading: Hex
  tradingStorage: Hex
  agentFactory: Hex
}

/** Indices of the chain's keys. */
export const KEYS = { deployer: 0, keeper: 1, sponsor: 2 } as const

const GAS_MONEY = 10n ** 21n
/** What winners can be paid from, in units of USDC: far more than 900 % of what anybody will play with. */
const VAULT = 10n ** 18n

export interface FactoryPlace {
  rpcUrl: string
  chainId: number
  /** Of whoever pays for the gas. */
  key: Hex
  trading: Hex
}

/** The contracts of an earlier start, or new ones. Writes the chain's facts before it resolves. */
export async function deployMarket(chain: LocalChain, directory: string): Promise<MarketContracts> {
  await giveGas(chain)
  const contracts = (await standing(chain, readChainFacts(directory))) ?? (await deploy(chain))
  const { rpcUrl, chainId } = chain
  writeChainFacts(directory, { rpcUrl, chainId, network: 'local', contracts })
  return contracts
}

async function giveGas(chain: LocalChain): Promise<void> {
  const [reader, commands] = [readerOf(chain.rpcUrl), commandsOf(chain.rpcUrl)]
  for (const index of Object.values(KEYS)) {
    const { address } = senderOf(chain.rpcUrl, chain.keyOf(index)).account
    const balance = await reader.getBalance({ address })
    if (balance < GAS_MONEY / 2n) await commands.setBalance({ address, value: GAS_MONEY })
  }
}

/** Those that the facts name, where each has code. */
async function standing(chain: LocalChain, facts: ChainFacts | undefined): Promise<MarketContracts | undefined> {
  if (facts?.network !== 'local') return undefined
  const { usdc, trading, tradingStorage, agentFactory } = facts.contracts
  if (!agentFactory) return undefined
  const reader = readerOf(chain.rpcUrl)
  const addresses = [usdc, trading, tradingStorage, agentFactory]
  const codes = await Promise.all(addresses.map((address) => reader.getCode({ address })))
  return codes.every(Boolean) ? { usdc, trading, tradingStorage, agentFactory } : undefined
}

type Sender = ReturnType<typeof senderOf>

async function placed(sender: Sender, name: keyof ReturnType<typeof readArtifacts>, ...args: unknown[]): Promise<Hex> {
  const { abi, bytecode } = readArtifacts()[name]
  const hash = await sender.sendTransaction({ data: encodeDeployData({ abi, bytecode, args }) })
  const { contractAddress, status } = await sender.waitForTransactionReceipt({ hash })
  if (!contractAddress || status !== 'success') throw new Error(`The contract ${name} could not be deployed`)
  return getAddress(contractAddress)
}

async function deploy({ rpcUrl, keyOf }: LocalChain): Promise<MarketContracts> {
  const artifacts = readArtifacts()
  const sender = senderOf(rpcUrl, keyOf(KEYS.deployer))
  const keeper = senderOf(rpcUrl, keyOf(KEYS.keeper)).account.address
  const place = (...[name, ...args]: [keyof typeof artifacts, ...unknown[]]) => placed(sender, name, ...args)
  const usdc = await place('Usdc')
  const tradingStorage = await place('TradingStorage', usdc)
  const trading = await place('Trading', tradingStorage, keeper)
  const agentFactory = await place('AgentFactory', trading)
  const calls = [
    { address: tradingStorage, abi: artifacts.TradingStorage.abi, functionName: 'setTrading', args: [trading] },
    { address: usdc, abi: artifacts.Usdc.abi, functionName: 'mint', args: [tradingStorage, VAULT] },
  ]
  for (const call of calls) {
    const hash = await sender.writeContract(call)
    const { status } = await sender.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`${call.functionName} has reverted on the local chain`)
  }
  return { usdc, trading, tradingStorage, agentFactory }
}

/** The factory of agents' accounts on any chain, paid by this key. Rejects where the chain does not take it. */
export function deployFactory({ rpcUrl, chainId, key, trading }: FactoryPlace): Promise<Hex> {
  return placed(senderOf(rpcUrl, key, chainId), 'AgentFactory', trading)
}
