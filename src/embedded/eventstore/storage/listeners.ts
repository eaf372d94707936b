/** Who waits for new events: of any stream, or of one. */
export class CommitListeners {
  private readonly all = new Set<() => void>()
  private readonly byStream = new Map<string, Set<() => void>>()

  /** Calls back after each commit of events to the stream, or to any. Returns how to stop that. */
  add(stream: string | undefined, listener: () => void): () => void {
    if (stream === undefined) {
      this.all.add(listener)
      return () => this.all.delete(listener)
    }
    const listeners = this.byStream.get(stream) ?? new Set()
    this.byStream.set(stream, listeners)
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
      if (listeners.size === 0 && this.byStream.get(stream) === listeners) this.byStream.delete(stream)
    }
  }

  notify(streams: ReadonlySet<string>): void {
    for (const listener of [...this.all]) listener()
    if (this.byStream.size === 0) return
    for (const stream of streams) {
      for (const listener of [...(this.byStream.get(stream) ?? [])]) listener()
    }
  }
}
