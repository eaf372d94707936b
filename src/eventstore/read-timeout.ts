/** Bounds a streaming read whose store says nothing, as a paused process or a dead connection does. */

/** The part of a streaming read that can end it. */
export interface Read<T> extends AsyncIterable<T> {
  destroy(error: Error): unknown
  cancel(): Promise<void> | void
}

/**
 * The read's events as they come. Throws `fault` where neither the next event nor the end comes within `readTimeoutMs`. The
 * time that the reader itself takes does not count.
 */
export async function* withReadTimeout<T>(read: Read<T>, readTimeoutMs: number, fault: () => Error): AsyncGenerator<T> {
  let waiting = true
  const timer = setTimeout(() => {
    if (!waiting) return void timer.refresh()
    read.destroy(fault())
    // Cancelling fails where no call is open yet; then there is nothing to end.
    Promise.resolve(read.cancel()).catch(() => undefined)
  }, readTimeoutMs)
  try {
    for await (const event of read) {
      waiting = false
      yield event
      waiting = true
      timer.refresh()
    }
  } finally {
    clearTimeout(timer)
  }
}
