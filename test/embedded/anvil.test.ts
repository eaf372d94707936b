/** The private chain as a program: where it listens, what it keeps, how it ends, and that it comes back. */
import { existsSync, mkdirSync, readFileSync, statSync, truncateSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type LocalChain, startAnvil } from '../../src/embedded/anvil.ts'
import { keepAnvil } from '../../src/embedded/anvil-keeper.ts'
import { startKeepingState } from '../../src/embedded/anvil-state.ts'
import { commandsOf, readerOf } from '../../src/embedded/market/chain-access.ts'
import { isAlive, moduleUrl, startOwner } from '../support/owner-process.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../support/services.ts'

let temporary: TemporaryDirectory
let directory: string
const running: LocalChain[] = []
beforeEach(() => {
  temporary = temporaryDirectory()
  directory = join(temporary.path, 'chain')
})
afterEach(async () => {
  for (const chain of running.splice(0)) await chain.stop()
  temporary.remove()
})

const noted = (chain: LocalChain): LocalChain => {
  running.push(chain)
  return chain
}
const start = async (options = {}) => noted(await startAnvil({ directory, ...options }))
const somebody = '0x00000000000000000000000000000000000A11cE'
const balanceAt = ({ rpcUrl }: LocalChain) => readerOf(rpcUrl).getBalance({ address: somebody })
const give = ({ rpcUrl }: LocalChain, value: bigint) => commandsOf(rpcUrl).setBalance({ address: somebody, value })
const kept = () => JSON.parse(gunzipSync(readFileSync(join(directory, 'state.gz'))).toString('utf8'))

async function ask({ rpcUrl }: LocalChain, method: string, ...params: unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(rpcUrl, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return ((await answer.json()) as { result: unknown }).result
}

describe('the chain', () => {
  it('answers on loopback alone, with an id that no public chain has, and signs for nobody', async () => {
    const chain = await start()
    expect(new URL(chain.rpcUrl).hostname).toBe('127.0.0.1')
    expect(await ask(chain, 'eth_chainId')).toBe('0x7a69')
    expect(await ask(chain, 'eth_accounts')).toEqual([])
    const preflight = await fetch(chain.rpcUrl, { method: 'OPTIONS', headers: { origin: 'https://example.com' } })
    expect(preflight.headers.get('access-control-allow-origin')).toBeNull()
  })

  it('keeps its words for its owner, and gives the same keys again', async () => {
    const chain = await start()
    const key = chain.keyOf(3)
    expect(statSync(join(directory, 'words')).mode & 0o777).toBe(0o600)
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(readFileSync(`/proc/${chain.pid}/cmdline`, 'utf8')).not.toContain(
      readFileSync(join(directory, 'words'), 'utf8').split(' ')[0],
    )
    await chain.stop()
    const again = await start()
    expect([again.keyOf(3), again.keyOf(4) === key]).toEqual([key, false])
    expect(key).toMatch(/^0x[0-9a-f]{64}$/)
  })

  it('keeps its state over a stop and a start', async () => {
    const chain = await start()
    await give(chain, 42n)
    await commandsOf(chain.rpcUrl).mine({ blocks: 3 })
    await chain.stop()
    expect(isAlive(chain.pid)).toBe(false)
    const again = await start()
    expect([await balanceAt(again), await readerOf(again.rpcUrl).getBlockNumber()]).toEqual([42n, 3n])
  })

  it('says plainly that the port asked for is taken', async () => {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as { port: number }
    await expect(startAnvil({ directory, port })).rejects.toThrow(`Port ${port}, asked for the local chain, is in use`)
    await new Promise((resolve) => server.close(resolve))
  })

  it('ends with its owner after kill -9, and the next start waits for it', async () => {
    const owner = await startOwner(`
      import { startAnvil } from ${moduleUrl('embedded/anvil.ts')}
      const { rpcUrl, pid } = await startAnvil({ directory: ${JSON.stringify(directory)} })
      console.log(JSON.stringify({ rpcUrl, pid }))
    `)
    const { rpcUrl, pid } = owner.said as { rpcUrl: string; pid: number }
    await commandsOf(rpcUrl).setBalance({ address: somebody, value: 43n })
    await owner.end('SIGKILL')
    const next = await start()
    expect([isAlive(pid), await balanceAt(next)]).toEqual([false, 43n])
  })

  it('starts from the kept state where it could not leave a whole one', async () => {
    const chain = await start()
    await give(chain, 45n)
    await commandsOf(chain.rpcUrl).mine({ blocks: 1 })
    await vi.waitFor(() => expect(kept().best_block_number).toBe(1), { timeout: 10_000 })
    await chain.stop()
    const end = join(directory, 'end.json')
    truncateSync(end, statSync(end).size - 10)
    expect(await balanceAt(await start())).toBe(45n)
  })

  it('keeps the last thousand blocks over a stop', async () => {
    const chain = await start()
    for (let mined = 0; mined < 1_200; mined += 100) await commandsOf(chain.rpcUrl).mine({ blocks: 100 })
    await give(chain, 46n)
    await chain.stop()
    const again = await start()
    const reader = readerOf(again.rpcUrl)
    expect([await reader.getBlockNumber(), await balanceAt(again)]).toEqual([1_200n, 46n])
    const blockAt = (blockNumber: bigint) => reader.getBlock({ blockNumber }).then(({ number }) => number)
    expect(await blockAt(201n)).toBe(201n)
    await expect(blockAt(200n)).rejects.toThrow('could not be found')
    await commandsOf(again.rpcUrl).mine({ blocks: 1 })
    expect(await blockAt(1_201n)).toBe(1_201n)
    expect(kept().blocks.length).toBeLessThan(1_010)
  })

  it('writes its state when there is a new block, and nothing while nothing happens', async () => {
    mkdirSync(directory)
    const answers: Record<string, unknown> = { eth_blockNumber: '0x1', anvil_dumpState: '0x1234' }
    const asked: string[] = []
    const end = startKeepingState(directory, async (method) => asked.push(method) && answers[method])
    await vi.waitFor(() => expect(asked).toHaveLength(4), { timeout: 10_000 })
    answers.eth_blockNumber = '0x2'
    await vi.waitFor(() => expect(asked).toHaveLength(6), { timeout: 10_000 })
    await end()
    const look = 'eth_blockNumber'
    expect(asked).toEqual([look, 'anvil_dumpState', look, look, look, 'anvil_dumpState'])
    expect(readFileSync(join(directory, 'state.gz'))).toEqual(Buffer.from('1234', 'hex'))
  })

  it('says once that its state cannot be written, and writes it as soon as it can', async () => {
    const faults: unknown[] = []
    let looks = 0
    const end = startKeepingState(
      directory,
      async (method) => (method === 'eth_blockNumber' ? `0x${++looks}` : '0x1234'),
      (error) => faults.push(error),
    )
    await vi.waitFor(() => expect(looks).toBe(2), { timeout: 10_000 })
    mkdirSync(directory)
    await vi.waitFor(() => expect(existsSync(join(directory, 'state.gz'))).toBe(true), { timeout: 10_000 })
    await end()
    expect(faults).toEqual([expect.objectContaining({ code: 'ENOENT' })])
  })

  it('refuses to run beside one that still works in the directory', async () => {
    const first = await start()
    await expect(startAnvil({ directory, predecessorTimeoutMs: 50 })).rejects.toThrow(`process ${first.pid}`)
  })
})

describe('a kept chain', () => {
  it('is started anew at the same address after kill -9, from its last state', async () => {
    const reasons: string[] = []
    const chain = noted(await keepAnvil({ directory, onRestart: (reason) => reasons.push(reason) }))
    await give(chain, 44n)
    await commandsOf(chain.rpcUrl).mine({ blocks: 1 })
    await vi.waitFor(() => expect(kept().best_block_number).toBe(1), { timeout: 10_000 })
    const { pid, rpcUrl } = chain
    process.kill(pid, 'SIGKILL')
    await vi.waitFor(() => expect(chain.pid).not.toBe(pid), { timeout: 10_000 })
    expect(await balanceAt(chain)).toBe(44n)
    expect([chain.rpcUrl, reasons]).toEqual([rpcUrl, ['it has ended by itself']])
  })

  it('stays away where it cannot live, and says so', async () => {
    const chain = noted(await keepAnvil({ directory, failuresMax: 0 }))
    process.kill(chain.pid, 'SIGKILL')
    await chain.exited
    expect(isAlive(chain.pid)).toBe(false)
  })

  it('stops in the middle of a new start', async () => {
    const chain = await keepAnvil({ directory })
    process.kill(chain.pid, 'SIGKILL')
    await chain.stop()
    expect(isAlive(chain.pid)).toBe(false)
  })
})
