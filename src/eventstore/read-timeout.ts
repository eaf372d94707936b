/**
 * A bound on what db-client leaves unbounded: a read at which the store says nothing. A store that stands still, as a
 * paused process or a dead line does, would otherwise keep whoever asked for ever.
 */

/** The part of a streaming read that is needed to end one. */
export interface Read<T> extends AsyncIterable<T> {
  destroy(error: Error): unknown
  cancel(): Promise<void> | void
}

/**
 * The read's events as they come. Throws `fault` where the next one, or the end, does not come within `readTimeoutMs`;
 * the time that the reader itself takes does not count.
 */
export async function* withReadTimeout<T>(read: Read<T>, readTimeoutMs: number, fault: () => Error): AsyncGenerator<T> {
  let waiting = true
  const timer = setTimeout(() => {
    if (!waiting) return void timer.refresh()
    read.destroy(fault())
    // Where there is no call yet, there is none to end.
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
