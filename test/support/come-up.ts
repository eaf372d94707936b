/**
 * A bound on what a test file waits for before its first test: no time limit of the test runner covers that, and fetch
 * itself gives up after five minutes only, without a word on what it was.
 */

const COME_UP_MAX_MS = 60_000

/** The work's own end, or a rejection that names what has not come up in time. */
export async function comesUp<T>(what: string, work: Promise<T>, limitMs = COME_UP_MAX_MS): Promise<T> {
  const { promise: expired, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new Error(`${what} did not come up within ${limitMs} ms`)), limitMs)
  try {
    return await Promise.race([work, expired])
  } finally {
    clearTimeout(timer)
  }
}
