/**
 * Sends what agents are to do: signs it with the agent's key, pays for it with the sponsor's, and keeps at it until it is in a
 * block. One leads at a time; a second one that does not know it yet is refused by the sponsor's stream, and sends nothing.
 */
import type { Hex } from '../../adapters/chain/node.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { action } from '../../commands/ostium/action.ts'
import type { ObjectKeys } from '../../vault/object-keys.ts'
import { type ProcessDependencies, type ProcessHealth, runProcess } from '../process.ts'
import type { Market } from './market.ts'
import { SUBMITTER } from './names.ts'
import { createSubmitting } from './submitting.ts'

export interface SubmitterHealth extends ProcessHealth {
  /** Transactions that are in no block yet, and actions that wait for a place among them. */
  inFlight: number
  waiting: number
  /** Of the sponsor, in wei; undefined: not known yet. */
  balance: bigint | undefined
}

export interface SubmitterLimits {
  inFlightMax: number
  repriceAfterMs: number
  /** Wei for a unit of gas. */
  feeMax: bigint
  sweepIntervalMs: number
  sweepBatchMax: number
  /** Wei; less of it is an alarm. */
  balanceMin: bigint
}

export interface SubmitterOptions extends ProcessDependencies {
  health: SubmitterHealth
  bus: CommandBus
  market: Market
  sponsorKey: Hex
  vaultKeys: ObjectKeys
  now: () => Date
  limits: SubmitterLimits
}

export function runSubmitter(options: SubmitterOptions): Promise<void> {
  const submitting = createSubmitting(options)
  const prefix = `${action.category}-`
  return runProcess(
    {
      name: SUBMITTER,
      types: ['ostium.DelegatedAction'],
      async handle(events) {
        for (const { type, stream } of events) submitting.see(type, stream.slice(prefix.length))
      },
      background: (signal) => submitting.run(signal),
    },
    options,
  )
}
