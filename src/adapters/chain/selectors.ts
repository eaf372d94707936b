/**
 * Whether the contracts that are deployed have the functions that calldata is built for. Contracts move behind their proxies, and
 * calldata for a function that is gone could only fail. A selector that stands nowhere in the code is not there.
 */
import { type FunctionName, functions } from './abi/v3.ts'
import type { Address } from './address.ts'
import type { Contracts } from './networks.ts'
import type { ChainNode, Hex } from './node.ts'

/** Where proxies keep the address of their code: EIP-1967, and before it ZeppelinOS, which USDC still has. */
const IMPLEMENTATION_SLOTS: readonly Hex[] = [
  '0x360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc',
  '0x7050c9e0f4ca769c69bd3a8ef740bc37934f8e2c036e5a723fd8ee048ed3f8c3',
]

/** In hex, of the contract and of what it is a proxy for. */
async function codeOf(node: ChainNode, address: Address): Promise<string> {
  const [own, ...slots] = await Promise.all([
    node.getCode(address),
    ...IMPLEMENTATION_SLOTS.map((slot) => node.storageAt(address, slot)),
  ])
  const implementations = slots.filter((word) => BigInt(word === '0x' ? 0 : word) !== 0n)
  const codes = implementations.map((word): Promise<Hex> => node.getCode(`0x${word.slice(-40)}`))
  return [own, ...(await Promise.all(codes))].map((code) => code.slice(2)).join('')
}

/** A selector that begins with zero bytes is pushed without them. */
function holds(code: string, selector: Hex): boolean {
  const sought = selector.slice(2).replace(/^(00)+/, '')
  for (let at = code.indexOf(sought); at >= 0; at = code.indexOf(sought, at + 1)) if (at % 2 === 0) return true
  return false
}

/** Names of functions that the deployed contracts lack; all of a contract where there is no code at its address. */
export async function missingSelectors(node: ChainNode, contracts: Contracts): Promise<FunctionName[]> {
  const { usdc, trading, tradingStorage } = contracts
  const addresses = { usdc, trading, tradingStorage }
  const names = Object.keys(addresses) as (keyof typeof addresses)[]
  const codes = new Map(
    await Promise.all(names.map(async (name) => [name, await codeOf(node, addresses[name])] as const)),
  )
  const wanted = Object.keys(functions) as FunctionName[]
  return wanted.filter((name) => {
    const { contract, selector } = functions[name]
    return !holds(codes.get(contract) ?? '', selector)
  })
}
