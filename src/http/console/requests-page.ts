/** The requests that this process has answered last, those of the console's own pages left out. */
import { html } from 'hono/html'
import { helpPath } from '../help.ts'
import { type Asked, type Markup, type Shown, tenantOf } from '../pages/declaration.ts'
import { limitOf, requestMarkup } from '../pages/list.ts'
import { empty, fieldsOf, link, live, pathOf, said, shortId, time, withQuery } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { RecentRequest } from '../recent-requests.ts'
import type { ConsoleParts } from './access.ts'

type Look = Asked<ConsoleParts>

const STATUSES = ['2xx', '3xx', '4xx', '5xx'] as const

/** Of the viewer's own, those that were refused last. */
export const lastRefused = (asked: Pick<Look, 'runtime' | 'viewer'>, limit: number): RecentRequest[] =>
  ownOf(asked)
    .filter(({ status }) => status >= 400)
    .slice(0, limit)

/** A tenant sees what was asked with keys of its own. */
function ownOf({ runtime, viewer }: Pick<Look, 'runtime' | 'viewer'>): RecentRequest[] {
  const tenant = tenantOf(viewer)
  const isOwn = ({ logFields = {} }: RecentRequest) => tenant === undefined || Object.values(logFields).includes(tenant)
  return runtime.requests.all().filter((each) => !each.route.startsWith('/console') && isOwn(each))
}

function fitting({ query }: Look, requests: readonly RecentRequest[]): RecentRequest[] {
  const [status, route, code] = ['status', 'route', 'code'].map((name) => query.get(name)?.trim() ?? '')
  return requests.filter(
    (each) =>
      (!status || `${each.status}`.startsWith(status.slice(0, status.endsWith('xx') ? 1 : 3))) &&
      (!route || each.route.includes(route)) &&
      (!code || each.code === code),
  )
}

const whoOf = ({ logFields = {} }: RecentRequest): string =>
  Object.entries(logFields)
    .map(([name, value]) => `${name} ${value}`)
    .join(', ')

const codeOf = ({ code }: RecentRequest): Markup => (code === undefined ? '' : link(code, helpPath(code)))

const columns: readonly Column<RecentRequest>[] = [
  { name: 'at', label: 'Time', show: ({ at }) => time(at) },
  { name: 'method', label: 'Method', show: ({ method }) => method },
  { name: 'route', label: 'Route', show: ({ route }) => html`<code>${route}</code>` },
  { name: 'status', label: 'Status', isFigure: true, show: ({ status }) => `${status}` },
  { name: 'duration_ms', label: 'Took, ms', isFigure: true, show: ({ durationMs }) => `${durationMs}` },
  { name: 'code', label: 'Code', show: codeOf },
  { name: 'who', label: 'Who', show: (each) => said(whoOf(each)) },
  { name: 'request_id', label: 'Request', show: ({ requestId }) => shortId(requestId) },
]

const filterForm = ({ path, query }: Look): Markup => {
  const value = (name: string) => query.get(name) ?? ''
  return html`<form class="filters" method="get" action="/console${path}">
<label>Status <select name="status"><option value="">any</option>${STATUSES.map(
    (each) => html`<option${each === value('status') ? html` selected` : ''}>${each}</option>`,
  )}</select></label>
<label>Route has <input name="route" value="${value('route')}" size="16" autocomplete="off"></label>
<label>Code <input name="code" value="${value('code')}" size="16" autocomplete="off"></label>
<button>Filter</button> <a class="button" href="/console${path}">Clear</a>
</form>
`
}

export async function showRequests(asked: Look): Promise<Shown> {
  const found = () => fitting(asked, ownOf(asked)).slice(0, limitOf(asked.query))
  const rows = () => {
    const requests = found()
    if (requests.length === 0) return empty('No request fits among those that this process has answered last.')
    return table('Requests', columns, requests, ({ requestId }) => pathOf('requests', requestId))
  }
  return {
    content: html`${filterForm(asked)}${live(asked, 'rows', rows())}
<p class="tools"><a class="button" href="${withQuery(asked, { format: 'csv' })}">CSV</a>
<a class="button" href="${withQuery(asked, { format: 'json' })}">JSON</a></p>`,
    parts: { rows },
    sheet: {
      columns: ['at', 'method', 'route', 'status', 'duration_ms', 'code', 'who', 'request_id'],
      rows: found().map((each) => [
        ...[each.at, each.method, each.route, each.status, each.durationMs, each.code, whoOf(each), each.requestId],
      ]),
    },
  }
}

export async function showRequest(asked: Look): Promise<Shown | undefined> {
  const found = ownOf(asked).find(({ requestId }) => requestId === asked.params.request)
  if (!found) return undefined
  const { requestId, durationMs, logFields = {}, ...facts } = found
  const view = { request_id: requestId, ...facts, duration_ms: durationMs, ...logFields }
  return {
    title: `Request ${found.method} ${found.route}`,
    content: html`${fieldsOf(view, { code: codeOf(found) })}
<p class="tools">${link('Events that came of it', `/console/events?${new URLSearchParams({ q: requestId })}`)}</p>
${requestMarkup(asked, { command: `opslog audit trace ${requestId}` })}`,
  }
}
