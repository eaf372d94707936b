/**
 * The way of commands to the engine and of its events back: relay, sweeper and ingest work under one leadership, since
 * two relays would reorder an account's commands.
 */
import type { MessageStream } from '../../gateway/stream.ts'
import { type UnconfirmedCommand, unconfirmedCommands } from '../../projections/noctant/account-command.ts'
import { createDueWork } from '../due-work.ts'
import { newProcessHealth, type ProcessDependencies, type ProcessHealth, runProcess } from '../process.ts'
import { createCommandTraces } from './command-traces.ts'
import { runEngineIngest } from './engine-ingest.ts'
import { commandStream, dueCommands, ENGINE_COMMAND_REQUESTED, relayBatch, resend, type SweepLimits } from './relay.ts'

export interface CommandPathLimits extends SweepLimits {
  concurrencyMax: number
  sweepIntervalMs: number
  sweepBatchMax: number
  ackPendingMax: number
  ackWaitMs: number
  accountsCacheMax: number
  resendIntervalMs: number
}

export interface CommandPathHealth extends ProcessHealth {
  quarantined: number
  gaps: number
}

export const newCommandPathHealth = (): CommandPathHealth => ({ ...newProcessHealth(), quarantined: 0, gaps: 0 })

export interface CommandPathOptions extends ProcessDependencies {
  stream: MessageStream
  health: CommandPathHealth
  limits: CommandPathLimits
}

/** Time at the stop for commands that are being sent again. */
const DRAIN_MS = 5_000

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCommandPath(options: CommandPathOptions): Promise<void> {
  const { db, store, stream, log, limits, health, now = () => new Date() } = options
  const traces = createCommandTraces(store, commandStream, log)
  const deps = { stream, store, log, now, traces }
  const { concurrencyMax } = limits
  const sweeper = createDueWork<UnconfirmedCommand & { id: string; key: string }>({
    name: 'unconfirmed commands',
    async findDue(bounds) {
      const due = await dueCommands((query) => unconfirmedCommands(db, query), limits, bounds)
      return due.map((command) => ({ ...command, id: command.command_id, key: command.account_id }))
    },
    work: (command) => resend(deps, command, limits, now()),
    limits: {
      concurrencyMax,
      // The commands of one account are sent in order.
      keyConcurrencyMax: 1,
      keyQueueMax: limits.sweepBatchMax,
      batchMax: limits.sweepBatchMax,
      pollIntervalMs: limits.sweepIntervalMs,
      retryMinMs: limits.sweepIntervalMs,
      retryMaxMs: limits.republishBackoffMaxMs,
      drainMs: DRAIN_MS,
    },
    log,
    now,
  })
  return runProcess(
    {
      name: 'relay',
      types: [ENGINE_COMMAND_REQUESTED],
      handle: (events, historyEnd) => relayBatch(deps, events, { concurrencyMax, historyEnd }),
      background: (signal) => [
        sweeper.run(signal),
        runEngineIngest({
          ...deps,
          ...limits,
          signal,
          onQuarantined: () => {
            health.quarantined += 1
          },
          onGap: () => {
            health.gaps += 1
          },
          onDecided: (commandId, outcome) => traces.confirmed(commandId, outcome),
        }),
      ],
    },
    options,
  )
}
