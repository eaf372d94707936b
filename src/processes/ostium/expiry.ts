/** Ends what time has ended: agents that nobody has verified, and actions that were never signed and are past their deadline. */
import { setTimeout as delay } from 'node:timers/promises'
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import { action } from '../../commands/ostium/action.ts'
import { agent } from '../../commands/ostium/agent.ts'
import { findLapsedActions } from '../../projections/ostium/action.ts'
import { findLapsedAgents } from '../../projections/ostium/agent.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { destroyPrivateKey } from './agent-keys.ts'
import { contextsOf } from './causes.ts'
import { EXPIRY } from './names.ts'

export interface ExpiryOptions extends ProcessDependencies {
  bus: CommandBus
  vaultKeys: ObjectKeys
  now: () => Date
  limits: { intervalMs: number; batchMax: number }
}

/** An action whose signature is on its way may be recorded a moment after its deadline. */
const GRACE_MS = 30_000

export function runExpiry(options: ExpiryOptions): Promise<void> {
  const { bus, db, store, vaultKeys, now, limits, health, log } = options
  const contextOf = contextsOf(EXPIRY, store)

  async function endAgents(at: string): Promise<void> {
    for (const { agent_id: agentId, trader_id: id } of await findLapsedAgents(db, at, limits.batchMax)) {
      const state = await bus.current(agent, id)
      if (state.status !== 'pending' || state.facts.agentId !== agentId) continue
      const ending = { kind: 'cancel', by: 'expiry', agentId, nonce: null, at, isDestroyed: true } as const
      const context = systemContext(EXPIRY, deterministicId('ostium expiry', agentId), at)
      await bus.handle(agent, id, ending, context, async () => {
        await destroyPrivateKey(vaultKeys, agentId)
      })
    }
  }

  async function endActions(at: string): Promise<void> {
    const before = new Date(Date.parse(at) - GRACE_MS).toISOString()
    for (const { action_id: actionId } of await findLapsedActions(db, before, limits.batchMax)) {
      const state = await bus.current(action, actionId)
      if (state.status !== 'requested') continue
      const ending = { kind: 'abandon', reason: 'its deadline has passed', revert: null, at } as const
      const context = await contextOf(actionId, deterministicId('ostium expiry', actionId), at)
      await bus.handle(action, actionId, ending, context)
    }
  }

  async function sweep(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const at = now().toISOString()
        await endAgents(at)
        await endActions(at)
        health.fault = undefined
      } catch (error) {
        if (health.fault === undefined) log.warn({ err: error }, 'what time has ended is not ended here')
        health.fault = error instanceof Error ? error.message : String(error)
      }
      await delay(limits.intervalMs, undefined, { signal }).catch(() => undefined)
    }
  }

  const nothing = async () => undefined
  return runProcess(
    { name: EXPIRY, types: ['ostium.AgentWalletCreated'], handle: nothing, background: (signal) => [sweep(signal)] },
    options,
  )
}
