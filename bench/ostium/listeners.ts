/** The process of the source of prices and of those who listen, as the suite orders it about. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export type Side = 'ours' | 'reference'

export type Order =
  | { kind: 'open'; url: string; count: number }
  /** So many ticks at once; answered when every socket has all of them. */
  | { kind: 'burst'; to: Side; ticks: number }
  /** Answered with the time of each tick until the last socket had it. */
  | { kind: 'pace'; to: Side; perSecond: number; ticks: number }
  | { kind: 'close' }

export interface Heard {
  tookMs: number
  latenciesMs: number[]
}

export interface Listeners {
  /** Where a side gets its prices. */
  sourceOf(side: Side): string
  order(order: Order): Promise<Heard>
  stop(): Promise<void>
}

const PROGRAM = fileURLToPath(new URL('./listening.ts', import.meta.url))

export async function startListeners(): Promise<Listeners> {
  const child = fork(PROGRAM, { execArgv: ['--disable-warning=ExperimentalWarning'] })
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the listeners ended with ${code}`)
  })
  // Nobody may ask when it ends.
  ended.catch(() => undefined)
  const answer = async <Answer>(): Promise<Answer> => {
    const [said] = await Promise.race([once(child, 'message'), ended])
    if (said.error) throw new Error(said.error)
    return said as Answer
  }
  const { port } = await answer<{ port: number }>()
  return {
    sourceOf: (side) => `ws://127.0.0.1:${port}/${side}`,
    order(order) {
      const answered = answer<Heard>()
      child.send(order)
      return answered
    },
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGTERM')
      await ended
    },
  }
}
