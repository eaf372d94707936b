/** Gas and dollars for an account of the local chain, by the chain's address alone: from any process, without a key. */
import { type Hex, parseAbi } from 'viem'
import { generatePrivateKey } from 'viem/accounts'
import { commandsOf, readerOf, senderOf } from './chain-access.ts'

export interface Funding {
  rpcUrl: string
  usdc: Hex
  address: Hex
  /** In wei, added to what it has. Default 10 ether. */
  ether?: bigint
  /** In units of six decimals. Default 10,000 USDC. */
  usdcUnits?: bigint
}

const ETHER = 10n ** 18n
const usdcAbi = parseAbi(['function mint(address to, uint256 amount)'])

/** Resolves when both are there. */
export async function fundOnLocalChain(funding: Funding): Promise<void> {
  const { rpcUrl, usdc, address, ether = 10n * ETHER, usdcUnits = 10_000_000_000n } = funding
  const [reader, commands] = [readerOf(rpcUrl), commandsOf(rpcUrl)]
  const minter = senderOf(rpcUrl, generatePrivateKey())
  await commands.setBalance({ address: minter.account.address, value: ETHER })
  // First, since it makes no block: what is in no block is not kept when the chain is killed.
  await commands.setBalance({ address, value: (await reader.getBalance({ address })) + ether })
  const hash = await minter.writeContract({
    address: usdc,
    abi: usdcAbi,
    functionName: 'mint',
    args: [address, usdcUnits],
  })
  const { status } = await minter.waitForTransactionReceipt({ hash })
  if (status !== 'success') throw new Error('USDC could not be minted on the local chain')
}
