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
/** Of an instance whose own chain has ended. */
let local: ReturnType<typeof temporaryDirectory>
beforeAll(() => {
  ;[directory, empty, local] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()]
  writeChainFacts(directory.path, facts)
  writeChainFacts(local.path, { ...facts, chainId: 31_337, network: 'local' })
})
afterAll(() => {
  for (const each of [directory, empty, local]) each.remove()
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
  expect((await ostium(`fund 0x${'0'.repeat(40)}`, local)).exitCode).toBe(EXIT.usage)
  for (const kind of ['usdc', 'ether']) {
    expect((await ostium(`fund ${TRADER} --${kind} ${'9'.repeat(70)}`, local)).exitCode).toBe(EXIT.usage)
  }
})

it('says that a chain which does not answer cannot be reached', async () => {
  const away = { exitCode: EXIT.unreachable, stderr: expect.stringMatching(/^error: .*does not answer/) }
  expect(await ostium(`fund ${TRADER}`, local)).toMatchObject(away)
  const settings = {
    ...{ OSTIUM_RPC_URL: facts.rpcUrl, OSTIUM_NETWORK: 'arbitrum', OSTIUM_SPONSOR_KEY: `0x${'1'.repeat(64)}` },
    DATA_DIR: empty.path,
  }
  expect(await runCli(['ostium', 'deploy-factory'], settings)).toMatchObject(away)
})

it('deploys nothing where it is not said where, and who pays', async () => {
  expect(await ostium('deploy-factory')).toMatchObject({
    ...{ exitCode: EXIT.usage, stderr: expect.stringContaining('OSTIUM_SPONSOR_KEY') },
  })
})

it('takes no trader that is none', async () => {
  expect((await ostium('actions --trader nobody')).exitCode).toBe(EXIT.usage)
})
