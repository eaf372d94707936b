/** The requests that this process has answered last, for people who look for one. Nothing of their content is kept. */

export interface RecentRequest {
  at: string
  requestId: string
  method: string
  /** Template of the address: what stands in one may be a secret. */
  route: string
  status: number
  durationMs: number
  /** Who asked, by the members of the log line; undefined: nobody who signed in. */
  logFields: Readonly<Record<string, string>> | undefined
  /** Of a refusal. */
  code: string | undefined
}

export type RecentRequests = ReturnType<typeof createRecentRequests>

/** Requests that are remembered: a megabyte or so. */
const KEPT_MAX = 2_000

export function createRecentRequests(keptMax = KEPT_MAX) {
  const ring: (Omit<RecentRequest, 'at'> & { atMs: number })[] = []
  let next = 0
  return {
    note(request: Omit<RecentRequest, 'at'>): void {
      ring[next] = { ...request, atMs: Date.now() }
      next = (next + 1) % keptMax
    },
    /** The newest first. */
    all: (): RecentRequest[] =>
      [...ring.slice(next), ...ring.slice(0, next)]
        .toReversed()
        .map(({ atMs, ...request }) => ({ at: new Date(atMs).toISOString(), ...request })),
  }
}
