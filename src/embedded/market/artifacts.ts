/** Our own contracts as `npm run generate` has compiled them. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Abi } from 'viem'
import { z } from 'zod'

const CONTRACTS = ['Usdc', 'Dollar', 'TradingStorage', 'Trading', 'AgentAccount', 'AgentFactory'] as const
export type ContractName = (typeof CONTRACTS)[number]

export interface Artifact {
  abi: Abi
  /** Of the transaction that deploys it. */
  bytecode: `0x${string}`
}

const artifact = z.object({ abi: z.array(z.unknown()), bytecode: z.string().regex(/^0x([0-9a-f]{2})+$/) })
const file = z.object({ contracts: z.record(z.enum(CONTRACTS), artifact) })

export function readArtifacts(): Record<ContractName, Artifact> {
  const path = join(import.meta.dirname, '..', 'contracts', 'artifacts.json')
  return file.parse(JSON.parse(readFileSync(path, 'utf8'))).contracts as Record<ContractName, Artifact>
}
