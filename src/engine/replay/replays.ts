/**
 * The replay service: takes replay commands, has them run one after the other in a thread of their own, and hands what
 * came of each to the desk, which records it once. A command that is waiting or running is not taken twice, and where
 * too many wait a further one is refused: its sender sends it again.
 */
import { Worker } from 'node:worker_threads'
import type { ReplayCommand } from '../contract.ts'
import type { Desk, DeskAnswer } from '../desk.ts'
import type { Wal } from '../wal.ts'
import type { ReplayLimits } from './outcome.ts'
import type { ReplayOutcome } from './record.ts'
import type { ReplayAnswer } from './worker.ts'

export interface ReplayOptions {
  desk: Desk
  wal: Wal
  /** Where feeds are kept; without one every replay is rejected. */
  feedsDirectory: string | undefined
  limits: ReplayLimits & {
    /** Replay commands waiting at once. */
    replaysQueuedMax: number
  }
}

export interface Replays {
  /**
   * Resolves when the decision is on disk; with undefined where the command is under way already or too many wait.
   * Rejects where it could not be decided now.
   */
  submit(command: ReplayCommand): Promise<DeskAnswer | undefined>
  /** Stops what is running; its commands come again. */
  close(): Promise<void>
}

export function openReplays(options: ReplayOptions): Replays {
  const { desk, wal, feedsDirectory, limits } = options
  const underWay = new Set<string>()
  let queue: Promise<unknown> = Promise.resolve()
  let worker: Worker | undefined
  let closed = false

  const run = async (command: ReplayCommand): Promise<ReplayOutcome> => {
    if (closed) throw new Error('the engine is shutting down')
    if (feedsDirectory === undefined) {
      return { kind: 'rejected', reasonCode: 'feed_unavailable', reason: 'The engine keeps no feeds.' }
    }
    worker ??= new Worker(new URL('./worker.ts', import.meta.url))
    const thread = worker
    return new Promise<ReplayOutcome>((resolve, reject) => {
      const settle = (work: () => void) => {
        thread.removeAllListeners()
        work()
      }
      const lose = (error: Error) =>
        settle(() => {
          worker = undefined
          reject(error)
        })
      thread.on('message', (answer: ReplayAnswer) =>
        settle(() => ('outcome' in answer ? resolve(answer.outcome) : reject(new Error(answer.failed)))),
      )
      thread.on('error', lose)
      thread.on('exit', (code) => lose(new Error(`the thread of the backtests ended with code ${code}`)))
      thread.postMessage({ command, directory: feedsDirectory, limits })
    })
  }

  const decide = async (command: ReplayCommand): Promise<DeskAnswer> => {
    const entry = wal.inboxEntry(command.commandId)
    if (entry !== undefined) return { kind: 'repeated', entry }
    return desk.submit({ kind: 'replay', command, outcome: await run(command) })
  }

  return {
    async submit(command) {
      if (underWay.has(command.commandId) || underWay.size >= limits.replaysQueuedMax) return undefined
      underWay.add(command.commandId)
      const turn = queue.then(() => decide(command))
      queue = turn.catch(() => undefined)
      return turn.finally(() => underWay.delete(command.commandId))
    },
    async close() {
      closed = true
      await worker?.terminate()
      await queue
    },
  }
}
