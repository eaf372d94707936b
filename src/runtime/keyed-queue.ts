/** Runs work in order: of one name one after the other, of different names side by side. Within this process only. */
export interface KeyedQueue {
  /** Runs the work once all that came before it under this name has ended, however it ended. */
  runInOrder<T>(name: string, work: () => Promise<T>): Promise<T>
  /** All work that runs or waits now. */
  underWay(): Promise<unknown>[]
}

export function createKeyedQueue(): KeyedQueue {
  // No Map: see in-flight.ts for names that come and go all the time.
  const queues: Record<string, Promise<unknown>> = Object.create(null)
  return {
    runInOrder(name, work) {
      const before = queues[name]
      const turn = before ? before.then(work, work) : work()
      queues[name] = turn
      const leave = () => {
        if (queues[name] === turn) delete queues[name]
      }
      turn.then(leave, leave)
      return turn
    },
    underWay: () => Object.values(queues),
  }
}

/** Runs one piece of work after the other, however the one before ended. */
export type Queue = <T>(work: () => Promise<T>) => Promise<T>

export function createQueue(): Queue {
  const { runInOrder } = createKeyedQueue()
  return (work) => runInOrder('', work)
}
