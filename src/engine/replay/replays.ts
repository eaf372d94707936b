/**
 * The replay service: takes replay commands, has them run one after the other in a thread of their own, and hands what
 * came of each to the desk, which records it once. A command that is waiting or running is not taken twice, and where
 * too many wait a further one is refused: its sender sends it again.
 */

import { Worker } from 'node:worker_threads'
import type { ReplayCommand } from '../../gateway/contract.ts'
import type { Log } from '../../log.ts'
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
  log: Log
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
  const { desk, wal, feedsDirectory, limits, log } = options
  const underWay = new Set<string>()
  let queue: Promise<unknown> = Promise.resolve()
  let worker: Worker | undefined
  let closed = false

  const run = async (command: ReplayCommand): Promise<ReplayOutcome> => {
    if (closed) throw new Error('the engine is shutting down')
    if (feedsDirectory === undefined) {
      return { kind: 'rejected', reasonCode: 'feed_unavailable', reason: 'The engine keeps no feeds.' }
    }
    worker ??= startWorker()
    const thread = worker
    return new Promise<ReplayOutcome>((resolve, reject) => {
      const answered = (answer: ReplayAnswer) => {
        thread.off('exit', ended)
        if ('outcome' in answer) resolve(answer.outcome)
        else reject(new Error(answer.failed))
      }
      const ended = (code: number) => {
        thread.off('message', answered)
        reject(new Error(`the thread of the backtests ended with code ${code}`))
      }
      thread.once('message', answered)
      thread.once('exit', ended)
      thread.postMessage({ command, directory: feedsDirectory, limits })
    })
  }

  /** An error of the thread is followed by its exit, which ends the run under way. */
  const startWorker = (): Worker => {
    const thread = new Worker(new URL('./worker.ts', import.meta.url))
    thread.on('error', (err) => log.error({ err }, 'the thread of the backtests failed'))
    thread.on('exit', () => {
      if (worker === thread) worker = undefined
    })
    return thread
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
