/**
 * The way of commands to the engine and of its events back: relay, sweeper and ingest work under one leadership, since
 * two relays would reorder an account's commands.
 */
import type { MessageStream } from '../../gateway/stream.ts'
import { unconfirmedCommands } from '../../projections/noctant/account-command.ts'
import { newProcessFigures, type ProcessDependencies, type ProcessFigures, runProcess } from '../process.ts'
import { runEngineIngest } from './engine-ingest.ts'
import { ENGINE_COMMAND_REQUESTED, relayBatch, runSweeper, type SweepLimits, sweep } from './relay.ts'

export interface CommandPathLimits extends SweepLimits {
  concurrencyMax: number
  sweepIntervalMs: number
  ackPendingMax: number
  ackWaitMs: number
  accountsCacheMax: number
  resendIntervalMs: number
}

export interface CommandPathFigures extends ProcessFigures {
  quarantined: number
  gaps: number
}

export const newCommandPathFigures = (): CommandPathFigures => ({ ...newProcessFigures(), quarantined: 0, gaps: 0 })

export interface CommandPathOptions extends ProcessDependencies {
  stream: MessageStream
  figures: CommandPathFigures
  limits: CommandPathLimits
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCommandPath(options: CommandPathOptions): Promise<void> {
  const { db, store, stream, log, limits, figures, now = () => new Date() } = options
  const deps = { stream, store, log, now }
  const { concurrencyMax } = limits
  const sweepOnce = () => sweep(deps, (query) => unconfirmedCommands(db, query), limits, now().getTime())
  return runProcess(
    {
      name: 'relay',
      types: [ENGINE_COMMAND_REQUESTED],
      handle: (events, historyEnd) => relayBatch(deps, events, { concurrencyMax, historyEnd }),
      background: (signal) => [
        runSweeper(sweepOnce, { intervalMs: limits.sweepIntervalMs, signal, log }),
        runEngineIngest({
          ...deps,
          ...limits,
          signal,
          onQuarantined: () => {
            figures.quarantined += 1
          },
          onGap: () => {
            figures.gaps += 1
          },
        }),
      ],
    },
    options,
  )
}
