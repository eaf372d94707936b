/**
 * Brings prices to the local chain: looks a few times a second which orders, take-profits, stop-losses and liquidations are due at
 * the prices of now, and has them done in one transaction. A look that fails is followed by another.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { type Hex, parseAbi } from 'viem'
import { commandsOf, senderOf } from './chain-access.ts'
import { marketPairs } from './pairs.ts'

/** Price of a pair with 18 decimals; undefined: nobody knows it. */
export type PriceOf = (pairIndex: number) => bigint | undefined

export interface KeeperOptions {
  rpcUrl: string
  key: Hex
  trading: Hex
  priceOf: PriceOf
  /** From the end of one look to the next. Default 250. */
  intervalMs?: number
  onFault?: (error: unknown) => void
}

export interface Keeper {
  /** One look, and what it leads to. Resolves with how much was done. */
  look(): Promise<number>
}

export const keeperAbi = parseAbi([
  'struct Task { uint8 kind; uint256 id; }',
  'function due(uint192[] prices, uint256 limit) view returns (Task[] tasks, uint256 oldestWaiting)',
  'function settle(Task[] tasks, uint192[] prices)',
  'function marketOrdersTimeout() view returns (uint16)',
])

/** What one transaction does stays far below a block's gas. */
const TASKS_MAX = 20
/** Blocks come with transactions alone. Where an order waits for a price in vain, they pass, so that it can be called off. */
const WAITING_BLOCK_MS = 1_000

/** Looks when it is told to. */
export function createKeeper({ rpcUrl, key, trading, priceOf }: Omit<KeeperOptions, 'intervalMs' | 'onFault'>): Keeper {
  const sender = senderOf(rpcUrl, key)
  const commands = commandsOf(rpcUrl)
  const contract = { address: trading, abi: keeperAbi } as const
  let minedAtMs = 0

  async function letBlocksPass(oldestWaiting: bigint): Promise<void> {
    if (oldestWaiting === 0n || performance.now() - minedAtMs < WAITING_BLOCK_MS) return
    const [timeout, now] = await Promise.all([
      sender.readContract({ ...contract, functionName: 'marketOrdersTimeout' }),
      sender.getBlockNumber(),
    ])
    if (now >= oldestWaiting + BigInt(timeout)) return
    minedAtMs = performance.now()
    await commands.mine({ blocks: 1 })
  }

  return {
    async look() {
      const prices = marketPairs.map(({ index }) => priceOf(index) ?? 0n)
      const due = { ...contract, functionName: 'due', args: [prices, BigInt(TASKS_MAX)] } as const
      const [tasks, oldestWaiting] = await sender.readContract(due)
      if (tasks.length === 0) {
        await letBlocksPass(oldestWaiting)
        return 0
      }
      const hash = await sender.writeContract({ ...contract, functionName: 'settle', args: [tasks, prices] })
      const { status } = await sender.waitForTransactionReceipt({ hash })
      if (status !== 'success') throw new Error('the transaction that settles orders on the local chain has reverted')
      return tasks.length
    },
  }
}

/** Looks by itself until it is stopped. */
export function startKeeper({ intervalMs = 250, onFault, ...options }: KeeperOptions): { stop(): Promise<void> } {
  const { look } = createKeeper(options)
  const stopping = new AbortController()

  async function run(): Promise<void> {
    let isFailing = false
    while (!stopping.signal.aborted) {
      try {
        const done = await look()
        isFailing = false
        if (done === TASKS_MAX) continue
      } catch (error) {
        if (!isFailing) onFault?.(error)
        isFailing = true
      }
      await delay(intervalMs, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }

  const running = run()
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}
