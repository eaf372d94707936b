/** Requests as spans: the route, who asks by which key, and what came of it. No body, no query, no name of a person. */
import type { Context } from 'hono'
import { isTracing, span } from '../telemetry.ts'
import type { AppEnv } from './environment.ts'

/** Does the work within a span where the path is of one of these contexts; pages and probes make none. */
export function traceRequests(contexts: readonly string[]) {
  const names = new Set(contexts)
  return (c: Context<AppEnv>, work: () => Promise<void>): Promise<void> => {
    const { method, path } = c.req
    if (!isTracing() || !names.has(path.split('/', 2)[1] ?? '')) return work()
    const options = { parent: c.req.header('traceparent'), kind: 'server' as const }
    return span(
      method,
      { 'http.request.method': method },
      ({ isRecorded, set, rename }) => {
        const done = work()
        const tell = () => {
          const { route, principal, requestId, code, status } = c.get('exchange')
          if (route !== undefined) rename(`${method} ${route}`)
          set({
            ...{ 'http.route': route, 'http.response.status_code': status ?? c.res.status },
            ...{ 'opslog.operator': principal?.tenantId, 'opslog.key_id': principal?.actor.keyId },
            ...{ 'opslog.request_id': requestId, 'opslog.code': code },
          })
        }
        return isRecorded ? done.then(tell) : done
      },
      options,
    )
  }
}
