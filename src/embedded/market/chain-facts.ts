/** `ostium-chain.json` in DATA_DIR: which chain an instance works with, for scripts, wallets and the command line. */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { getAddress } from 'viem/utils'
import { z } from 'zod'

const address = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/)
  .transform((text) => getAddress(text.toLowerCase()))

const chainFacts = z.object({
  rpcUrl: z.string(),
  chainId: z.int(),
  /** `local`, or the name of a public chain. */
  network: z.string(),
  contracts: z.object({ usdc: address, trading: address, tradingStorage: address, agentFactory: address.optional() }),
})
export type ChainFacts = z.output<typeof chainFacts>

const fileIn = (directory: string): string => join(directory, 'ostium-chain.json')

/** Addresses get the case that checks them. */
export function writeChainFacts(directory: string, facts: z.input<typeof chainFacts>): void {
  const file = fileIn(directory)
  writeFileSync(`${file}.new`, `${JSON.stringify(chainFacts.parse(facts), null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Undefined where no instance has written them yet. */
export function readChainFacts(directory: string): ChainFacts | undefined {
  const file = fileIn(directory)
  return existsSync(file) ? chainFacts.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined
}
