/** The body of the thread in which backtests run, so that prices and orders of live accounts never wait for one. */
import { parentPort } from 'node:worker_threads'
import type { ReplayCommand } from '../../gateway/contract.ts'
import { type ReplayLimits, replayOutcome } from './outcome.ts'
import type { ReplayOutcome } from './record.ts'

export interface ReplayJob {
  command: ReplayCommand
  directory: string
  limits: ReplayLimits
}

export type ReplayAnswer = { outcome: ReplayOutcome } | { failed: string }

const port = parentPort!

port.on('message', ({ command, directory, limits }: ReplayJob) => {
  replayOutcome(command, directory, limits).then(
    (outcome) => port.postMessage({ outcome } satisfies ReplayAnswer),
    (error: unknown) => port.postMessage({ failed: String(error) } satisfies ReplayAnswer),
  )
})
