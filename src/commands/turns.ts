/** Work on one thing after the other, on different things side by side. In this process; others the revision catches. */
export interface Turns {
  /** Runs the work once all that came before it under this name has ended, however it ended. */
  inTurn<T>(name: string, work: () => Promise<T>): Promise<T>
  /** What runs or waits now. */
  underWay(): Promise<unknown>[]
}

export function createTurns(): Turns {
  const queues = new Map<string, Promise<unknown>>()
  return {
    inTurn(name, work) {
      const turn = (queues.get(name) ?? Promise.resolve()).then(work, work)
      queues.set(name, turn)
      const leave = () => {
        if (queues.get(name) === turn) queues.delete(name)
      }
      turn.then(leave, leave)
      return turn
    },
    underWay: () => [...queues.values()],
  }
}
