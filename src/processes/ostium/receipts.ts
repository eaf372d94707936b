/**
 * Sees what has become of actions that were sent: looks for their receipts, block by block, and records the end of each once its
 * block has as many behind it as are wanted. A block that is no longer the chain's counts for nothing.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../../adapters/chain/address.ts'
import type { Hex, Receipt } from '../../adapters/chain/node.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { type ActionState, action, hasEnded } from '../../commands/ostium/action.ts'
import { agent, traderIdOf } from '../../commands/ostium/agent.ts'
import { delegatedCall } from '../../commands/ostium/calldata.ts'
import { findActionsUnderWay } from '../../projections/ostium/action.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { contextsOf } from './causes.ts'
import type { Market } from './market.ts'
import { RECEIPTS } from './names.ts'
import { NOT_DELEGATE } from './offering.ts'

export interface ReceiptsOptions extends ProcessDependencies {
  bus: CommandBus
  market: Market
  now: () => Date
  limits: { pollMs: number; confirmations: number; sweepIntervalMs: number; sweepBatchMax: number }
}

type Sent = Extract<ActionState, { status: 'signed' | 'broadcast' }>

const SENT = /\.DelegatedAction(Signed|Broadcast)\./

export function runReceipts(options: ReceiptsOptions): Promise<void> {
  const watch = createWatch(options)
  const prefix = `${action.category}-`
  return runProcess(
    {
      name: RECEIPTS,
      types: ['ostium.DelegatedActionSigned', 'ostium.DelegatedActionBroadcast'],
      async handle(events) {
        for (const { type, stream } of events) if (SENT.test(type)) watch.see(stream.slice(prefix.length))
      },
      background: (signal) => [watch.run(signal)],
    },
    options,
  )
}

function createWatch({ bus, db, store, market, now, limits, health, log }: ReceiptsOptions) {
  const contextOf = contextsOf(RECEIPTS, store)
  const { client, chainId } = market
  const watched = new Set<string>()
  /** Those of which something was heard since the last look: they are looked at at once, the others at their time. */
  const fresh = new Set<string>()
  let wake: () => void = () => undefined

  /** Of any of its attempts, in a block that has enough behind it and is the chain's. */
  async function receiptOf({ signed }: Sent, latest: bigint): Promise<Receipt | undefined> {
    const receipts = await Promise.all(signed.map(({ txHash }) => client.receipt(txHash as Hex)))
    const found = receipts.find((each) => each !== undefined)
    if (!found || latest - found.blockNumber + 1n < BigInt(limits.confirmations)) return undefined
    const block = await client.blockAt(found.blockNumber)
    return block?.hash === found.blockHash ? found : undefined
  }

  async function look(actionId: string, latest: bigint): Promise<void> {
    const state = await bus.current(action, actionId)
    if (state.status === 'absent' || hasEnded(state)) return void watched.delete(actionId)
    if (state.status !== 'signed' && state.status !== 'broadcast') return
    const receipt = await receiptOf(state, latest)
    if (!receipt) return
    const { hash: txHash, blockHash } = receipt
    const at = now().toISOString()
    const block = {
      ...{ txHash, blockHash, blockNumber: String(receipt.blockNumber), at },
      ...{ gasUsed: String(receipt.gasUsed), gasPrice: String(receipt.gasPrice) },
    }
    const context = await contextOf(actionId, deterministicId('ostium receipt', actionId, txHash), at)
    if (receipt.isSuccess) {
      const orderId = client.orderIdIn(receipt.logs) ?? null
      await bus.handle(action, actionId, { kind: 'include', ...block, orderId }, context)
    } else {
      const { name, args, text } = await revertOf(state, receipt)
      await bus.handle(action, actionId, { kind: 'revert', ...block, revert: { name, args, text } }, context)
      if (name === NOT_DELEGATE) await suspend(state, at)
    }
    watched.delete(actionId)
  }

  const revertOf = ({ facts: { trader, smartAccount, inner } }: Sent, { hash, blockNumber }: Receipt) =>
    client.revertOf({
      ...{ hash, blockNumber, from: smartAccount as Address, to: market.contracts.trading },
      data: delegatedCall(trader, inner as Hex),
    })

  async function suspend({ facts: { trader, agentId, actionId } }: Sent, at: string): Promise<void> {
    const delegatedTo = await client.delegateOf(trader as Address)
    const suspending = { kind: 'suspend', agentId, delegatedTo, noticedBy: 'watcher', at } as const
    const context = await contextOf(actionId, deterministicId('ostium suspend', actionId), at)
    await bus.handle(agent, traderIdOf(chainId, trader), suspending, context)
  }

  return {
    see(actionId: string): void {
      for (const each of [watched, fresh]) each.add(actionId)
      wake()
    },
    async run(signal: AbortSignal): Promise<void> {
      let [sweptMs, lookedMs] = [Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]
      while (!signal.aborted) {
        const woken = Promise.withResolvers<void>()
        wake = woken.resolve
        const isDue = performance.now() - lookedMs >= limits.pollMs
        if (isDue) lookedMs = performance.now()
        try {
          if (performance.now() - sweptMs >= limits.sweepIntervalMs) {
            for (const { action_id } of await findActionsUnderWay(db, chainId, limits.sweepBatchMax))
              watched.add(action_id)
            sweptMs = performance.now()
          }
          const asked = [...(isDue ? watched : fresh)]
          fresh.clear()
          if (asked.length > 0) {
            const { number: latest } = await client.latestBlock()
            await Promise.all(asked.map((each) => look(each, latest)))
          }
          health.fault = undefined
        } catch (error) {
          if (health.fault === undefined) log.warn({ err: error }, 'receipts cannot be looked for')
          health.fault = error instanceof Error ? error.message : String(error)
        }
        const restMs = Math.max(0, lookedMs + limits.pollMs - performance.now())
        const rest = delay(restMs, undefined, { signal }).catch(() => undefined)
        await Promise.race([rest, woken.promise])
      }
    },
  }
}
