/** Which chain an instance works with is written down, for scripts and wallets. */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { networks } from '../../src/adapters/chain/networks.ts'
import { localChains } from '../../src/services/local-chain.ts'
import { temporaryDirectory } from '../support/services.ts'

it('writes down a chain that is not the local one, checksummed, for its owner alone, and starts none', async () => {
  const temporary = temporaryDirectory()
  const stops: (() => Promise<void>)[] = []
  try {
    const { noteChain } = localChains({ DATA_DIR: temporary.path }, { warn: () => undefined }, stops)
    const { chainId, ...contracts } = networks.arbitrum
    const facts = { rpcUrl: 'https://node.example/key', chainId, network: 'arbitrum' }
    await noteChain({ ...facts, contracts: { ...contracts, usdc: contracts.usdc.toLowerCase() as `0x${string}` } })
    const file = join(temporary.path, 'ostium-chain.json')
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...facts, contracts })
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(stops).toEqual([])
  } finally {
    temporary.remove()
  }
})
