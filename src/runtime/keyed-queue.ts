/** Work on one thing after the other, on different things side by side. In this process; others the revision catches. */
export interface Turns {
  /** Runs the work once all that came before it under this name has ended, however it ended. */
  runInOrder<T>(name: string, work: () => Promise<T>): Promise<T>
  /** What runs or waits now. */
  underWay(): Promise<unknown>[]
}

export function createKeyedQueue(): Turns {
  // No Map: for names that come and go all the time see events/bag.ts.
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
