/** `opslog ostium` where no instance runs: what it knows by the data directory, and what it refuses. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { networks } from '../../../src/adapters/chain/networks.ts'
import { EXIT } from '../../../src/cli/terminal.ts'
import { writeChainFacts } from '../../../src/embedded/market/chain-facts.ts'
import { runCli } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/services.ts'

const TRADER = '0x742d35Cc6634C0532925a3b844Bc9e7595f5bE21'
const { chainId, ...contracts } = networks.arbitrum
const facts = { rpcUrl: 'http://127.0.0.1:9', chainId, network: 'arbitrum', contracts }

let directory: ReturnType<typeof temporaryDirectory>
let empty: ReturnType<typeof temporaryDirectory>
beforeAll(() => {
  ;[directory, empty] = [temporaryDirectory(), temporaryDirectory()]
  writeChainFacts(directory.path, facts)
})
afterAll(() => {
  for (const each of [directory, empty]) each.remove()
})

const ostium = (words: string, at = directory) => runCli(['ostium', ...words.split(' ')], { DATA_DIR: at.path })

it('shows the chain that the instance has written down', async () => {
  expect(JSON.parse((await ostium('chain --json')).stdout)).toEqual(facts)
  expect((await ostium('chain')).stdout).toContain(`USDC     ${contracts.usdc}`)
  expect(await ostium('chain', empty)).toMatchObject({
    ...{ exitCode: EXIT.refused, stdout: '', stderr: expect.stringContaining('No chain is known') },
  })
})

it('gives money away on the local chain alone, and to addresses', async () => {
  expect(await ostium(`fund ${TRADER}`)).toMatchObject({
    ...{ exitCode: EXIT.refused, stderr: expect.stringContaining('The chain is arbitrum') },
  })
  expect((await ostium('fund 0x12')).exitCode).toBe(EXIT.usage)
  expect((await ostium(`fund ${TRADER} --usdc 1.1234567`)).exitCode).toBe(EXIT.usage)
})

it('deploys nothing where it is not said where, and who pays', async () => {
  expect(await ostium('deploy-factory')).toMatchObject({
    ...{ exitCode: EXIT.usage, stderr: expect.stringContaining('OSTIUM_SPONSOR_KEY') },
  })
})

it('takes no trader that is none', async () => {
  expect((await ostium('actions --trader nobody')).exitCode).toBe(EXIT.usage)
})
