/**
 * Sees that a trader has taken the delegation away, or given it to somebody else, without a word to us: such an agent is
 * suspended. It reads the chain from the last block that it has looked at; at its start it asks for each agent's delegate.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Address } from '../../adapters/chain/address.ts'
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { agent } from '../../commands/ostium/agent.ts'
import { type AgentRow, findVerifiedAgents } from '../../projections/ostium/agent.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import type { Market } from './market.ts'
import { DELEGATIONS } from './names.ts'

export interface DelegationsOptions extends ProcessDependencies {
  bus: CommandBus
  market: Market
  now: () => Date
  limits: { intervalMs: number; batchMax: number }
}

/** Before a reorganisation has to be feared no more. */
const LOOKS_BACK_BLOCKS = 20n

export function runDelegations(options: DelegationsOptions): Promise<void> {
  const { bus, db, market, now, limits, health, log } = options
  const { client, chainId } = market

  async function eachBatch(use: (agents: AgentRow[]) => Promise<void>): Promise<void> {
    let after = ''
    for (;;) {
      const agents = await findVerifiedAgents(db, chainId, after, limits.batchMax)
      if (agents.length > 0) await use(agents)
      if (agents.length < limits.batchMax) return
      after = agents.at(-1)?.trader_id ?? after
    }
  }

  /** Held against what the chain says now: the delegation may have come back in the same block. */
  async function compare({
    trader,
    trader_id: id,
    agent_id: agentId,
    smart_account: account,
  }: AgentRow): Promise<void> {
    const delegatedTo = await client.delegateOf(trader as Address)
    if (delegatedTo === account) return
    const at = now().toISOString()
    const context = systemContext(DELEGATIONS, deterministicId('ostium delegation', agentId, at), at)
    await bus.handle(agent, id, { kind: 'suspend', agentId, delegatedTo, noticedBy: 'watcher', at }, context)
  }

  async function watch(signal: AbortSignal): Promise<void> {
    let lookedAt: bigint | undefined
    while (!signal.aborted) {
      try {
        const { number: latest } = await client.latestBlock()
        const from = lookedAt
        // A chain that was set back, or another one: everything is asked for anew.
        if (from === undefined || latest < from) await eachBatch((agents) => Promise.all(agents.map(compare)).then())
        else if (latest > from) await eachBatch((agents) => compareChanged(agents, from, latest))
        lookedAt = latest
        health.fault = undefined
      } catch (error) {
        if (health.fault === undefined) log.warn({ err: error }, 'delegations cannot be looked at')
        health.fault = error instanceof Error ? error.message : String(error)
      }
      await delay(limits.intervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async function compareChanged(agents: AgentRow[], lookedAt: bigint, toBlock: bigint): Promise<void> {
    const fromBlock = lookedAt > LOOKS_BACK_BLOCKS ? lookedAt - LOOKS_BACK_BLOCKS : 0n
    const traders = agents.map(({ trader }) => trader as Address)
    const changes = await client.delegationsChanged({ fromBlock, toBlock, traders })
    const changed = new Set<string>(changes.map(({ trader }) => trader))
    await Promise.all(agents.filter(({ trader }) => changed.has(trader)).map(compare))
  }

  const nothing = async () => undefined
  return runProcess(
    { name: DELEGATIONS, types: ['ostium.AgentVerified'], handle: nothing, background: (signal) => [watch(signal)] },
    options,
  )
}
