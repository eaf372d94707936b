/** One question to a process of its own, and its answer. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { lowerWorkerThreads } from '../src/runtime/worker-priority.ts'

/**
 * Starts the module, sends it the order, and resolves with the first message that comes back, once the process has ended.
 * Rejects where it ends without one. The channel's end is waited for: a process may be over before its message is read.
 */
export async function askChild<Answer>(module: string, order: object): Promise<Answer> {
  const child = fork(module, { execArgv: ['--disable-warning=ExperimentalWarning'] })
  let answer: { value: Answer } | undefined
  child.once('message', (value) => {
    answer = { value: value as Answer }
  })
  const over = Promise.all([once(child, 'exit'), once(child, 'disconnect')])
  child.send(order)
  const [[code, signal]] = await over
  if (!answer) throw new Error(`${module} ended with ${signal ?? `code ${code}`} and without an answer`)
  return answer.value
}

/** In the process that was asked: does the work of the one order, answers, and lets go of the channel. */
export function answerParent<Order>(work: (order: Order) => Promise<object>): void {
  lowerWorkerThreads()
  process.once('message', (order) => {
    const answer = async () => {
      const value = await work(order as Order)
      await new Promise<void>((resolve, reject) => {
        process.send?.(value, undefined, undefined, (error) => (error ? reject(error) : resolve()))
      })
    }
    void answer().finally(() => process.disconnect())
  })
}
