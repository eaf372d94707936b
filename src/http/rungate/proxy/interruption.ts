/** What ends a call from outside: its client leaves, or its run is force-stopped. */
export class Interruption {
  reason: 'client_left' | 'force_stopped' | undefined
  private readonly listeners = new Set<() => void>()

  interrupt(reason: NonNullable<Interruption['reason']>): void {
    if (this.reason !== undefined) return
    this.reason = reason
    for (const listener of this.listeners) listener()
  }

  /** What it returns takes the listener away again. */
  whenInterrupted(listener: () => void): () => void {
    this.listeners.add(listener)
    return () => void this.listeners.delete(listener)
  }

  /** Resolves after the time, or when the call is interrupted. */
  wait(ms: number): Promise<void> {
    if (this.reason !== undefined) return Promise.resolve()
    return new Promise((resolve) => {
      const forget = this.whenInterrupted(() => {
        clearTimeout(timer)
        resolve()
      })
      const timer = setTimeout(() => {
        forget()
        resolve()
      }, ms)
    })
  }
}
