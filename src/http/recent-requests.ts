/** The requests that this process has answered last, for people who look for one. Nothing of their content is kept. */

export interface RecentRequest {
  at: string
  requestId: string
  method: string
  /** Template of the address, and the address without its query. */
  route: string
  path: string
  status: number
  durationMs: number
  /** Who asked, by the members of the log line; undefined: nobody who signed in. */
  logFields: Readonly<Record<string, string>> | undefined
  /** Of a refusal. */
  code: string | undefined
}

export interface RecentRequests {
  note(request: Omit<RecentRequest, 'at'>): void
  /** The newest first. */
  all(): RecentRequest[]
}

/** Requests that are remembered. */
const KEPT_MAX = 2_000
const PATH_LENGTH_MAX = 300

export function createRecentRequests(keptMax = KEPT_MAX): RecentRequests {
  const ring: RecentRequest[] = []
  let next = 0
  return {
    note(request) {
      const path = request.path.slice(0, PATH_LENGTH_MAX)
      ring[next] = { at: new Date().toISOString(), ...request, path }
      next = (next + 1) % keptMax
    },
    all: () => [...ring.slice(next), ...ring.slice(0, next)].toReversed(),
  }
}
