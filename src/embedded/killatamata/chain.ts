/**
 * The chain of the sandbox: a private one that looks like Base’s test net, with a dollar token on it, wallets to pay from, and the
 * accounts that take payments and pay gas. `POST /control/chain/faucet` makes tokens for any address.
 */
import { getContractAddress, type Hex, isAddress, parseAbi } from 'viem'
import { keepAnvil } from '../anvil-keeper.ts'
import { readArtifacts } from '../market/artifacts.ts'
import { commandsOf, readerOf, senderOf } from '../market/chain-access.ts'
import { jsonAnswer, jsonOf, type StandInPart, StandInRefusal } from './exchange.ts'

export const CHAIN_ID = 84_532
export const NETWORK = `eip155:${CHAIN_ID}`
const TOKEN_NAME = 'USD Coin'
const TOKEN_VERSION = '2'
const DECIMALS = 6

/** Indices of the chain's keys. */
const KEYS = { deployer: 0, relayer: 3, treasury: 4, wallets: [10, 11, 12] } as const
const GAS_MONEY = 10n ** 20n
/** 100,000 dollars. */
const WALLET_UNITS = 10n ** 11n
/** What one order of the faucet makes at most: a billion dollars. */
const FAUCET_MAX_MICROS = 10 ** 15

const token = parseAbi([
  'function mint(address to, uint256 amount)',
  'function balanceOf(address) view returns (uint256)',
])

export interface ChainOptions {
  directory: string
  log: { warn(fields: object, message: string): void }
}

export type SandboxChain = Awaited<ReturnType<typeof startSandboxChain>>

/** Resolves when the token is there, and the wallets have their dollars. Rejects with AnvilNotInstalled. */
export async function startSandboxChain({ directory, log }: ChainOptions) {
  const chain = await keepAnvil({
    ...{ directory, chainId: CHAIN_ID },
    onRestart: (reason) => log.warn({ reason }, 'the chain of the sandbox is started anew'),
    onFault: (err) => log.warn({ err }, 'the state of the sandbox’s chain cannot be written'),
  })
  const { rpcUrl, keyOf } = chain
  const [reader, commands] = [readerOf(rpcUrl, CHAIN_ID), commandsOf(rpcUrl, CHAIN_ID)]
  const deployer = senderOf(rpcUrl, keyOf(KEYS.deployer), CHAIN_ID)
  const addressAt = (index: number): Hex => senderOf(rpcUrl, keyOf(index), CHAIN_ID).account.address
  const wallets = KEYS.wallets.map((index) => ({ address: addressAt(index), private_key: keyOf(index) }))
  const asset = getContractAddress({ from: deployer.account.address, nonce: 0n })
  let turn: Promise<unknown> = Promise.resolve()

  async function included(hash: Hex): Promise<void> {
    const { status } = await deployer.waitForTransactionReceipt({ hash })
    if (status !== 'success') throw new Error(`${hash} has reverted on the sandbox’s chain`)
  }

  async function giveGas(): Promise<void> {
    for (const address of [addressAt(KEYS.deployer), addressAt(KEYS.relayer), ...wallets.map((each) => each.address)]) {
      if ((await reader.getBalance({ address })) < GAS_MONEY / 2n)
        await commands.setBalance({ address, value: GAS_MONEY })
    }
  }

  /** One after the other, so that no two have the same number. */
  function mint(to: Hex, amount: bigint): Promise<Hex> {
    const minting = turn.then(async () => {
      const hash = await deployer.writeContract({
        address: asset,
        abi: token,
        functionName: 'mint',
        args: [to, amount],
      })
      await included(hash)
      return hash
    })
    turn = minting.catch(() => undefined)
    return minting
  }

  await giveGas()
  if (!(await reader.getCode({ address: asset }))) {
    const { abi, bytecode } = readArtifacts().Dollar
    await included(await deployer.deployContract({ abi, bytecode, args: [] }))
    for (const { address } of wallets) await mint(address, WALLET_UNITS)
  }

  const part: StandInPart = {
    routes: {
      '/control/chain/faucet': async (request) => {
        if (request.method !== 'POST') return undefined
        const { address, usdMicros } = jsonOf(request)
        const isAmount = typeof usdMicros === 'number' && Number.isInteger(usdMicros) && usdMicros > 0
        if (typeof address !== 'string' || !isAddress(address, { strict: false })) {
          throw new StandInRefusal(400, 'address is 0x and 40 hex digits.')
        }
        if (!isAmount || usdMicros > FAUCET_MAX_MICROS)
          throw new StandInRefusal(400, `usdMicros is 1 to ${FAUCET_MAX_MICROS}.`)
        return jsonAnswer({ transaction: await mint(address, BigInt(usdMicros)), address, usdMicros })
      },
    },
    close: () => chain.stop(),
  }
  return {
    part,
    relayerKey: keyOf(KEYS.relayer),
    network: {
      network: NETWORK,
      rpcUrl,
      asset,
      name: TOKEN_NAME,
      version: TOKEN_VERSION,
      payTo: addressAt(KEYS.treasury),
    },
    /** As the sandbox's file has them. */
    facts: {
      ...{ rpc_url: rpcUrl, chain_id: CHAIN_ID, network: NETWORK, token: asset, token_name: TOKEN_NAME },
      ...{ token_version: TOKEN_VERSION, decimals: DECIMALS, pay_to: addressAt(KEYS.treasury), wallets },
    },
  }
}
