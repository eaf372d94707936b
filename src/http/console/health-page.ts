/** Each part of the instance, as /readyz has it, with what the runbook says of one that is down. */
import { html } from 'hono/html'
import type { ProbeResult } from '../../runtime/health.ts'
import { version } from '../../runtime/version.ts'
import type { Asked, Markup, Shown } from '../pages/declaration.ts'
import { live, state } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

/** Where the runbook (docs/runbook.md) says what to do about a part that is down. */
const remedies: readonly (readonly [part: RegExp, section: string])[] = [
  [/^event_store$/, '/readyz: event_store is down'],
  [/^postgres$/, '/readyz: postgres is down'],
  [/^command_stream$/, 'opslog_command_stream_up is 0, or /readyz is degraded by command_stream'],
  [/^person_keys$/, 'The vault of personal keys'],
  [/^event_log$/, '/readyz is degraded by event_log'],
  [/^parked_events$/, 'opslog_projector_parked_streams is above 0, or /readyz is degraded by parked_events'],
  [/^projector\./, '/readyz: projector.noctant or projector.audit is down'],
  [/^seals$/, '/readyz is degraded by seals'],
]
const OTHER_REMEDY = 'opslog_leaders_missing is above 0, opslog_processes_halted is above 0'

type Part = ProbeResult & { name: string }

const columns: readonly Column<Part>[] = [
  { name: 'name', label: 'Part', show: ({ name }) => name },
  { name: 'up', label: 'Up', show: ({ up }) => state(up ? 'up' : 'down') },
  { name: 'state', label: 'State', show: ({ state: how, kind }) => String(how ?? kind ?? '') },
  {
    name: 'lag_ms',
    label: 'Behind, ms',
    isFigure: true,
    show: ({ lag_ms }) => (typeof lag_ms === 'number' ? String(Math.round(lag_ms)) : ''),
  },
  { name: 'detail', label: 'Detail', show: detailOf },
]

function detailOf({ name, up, state: _, kind: _kind, lag_ms: _lag, ...others }: Part): Markup {
  const says = Object.entries(others).map(([key, value]) => `${key.replaceAll('_', ' ')}: ${value}`)
  const section = up ? undefined : (remedies.find(([part]) => part.test(name))?.[1] ?? OTHER_REMEDY)
  return html`${says.join(', ')}${section === undefined ? '' : html` <strong>docs/runbook.md: ${section}</strong>`}`
}

export async function showHealth(asked: Asked<ConsoleParts>): Promise<Shown> {
  const render = async () => {
    const { status, dependencies } = await asked.runtime.readiness()
    const parts = Object.entries(dependencies).map(([name, found]): Part => ({ ...found, name }))
    const sorted = parts.toSorted((a, b) => Number(a.up) - Number(b.up))
    return html`<p>opslog ${version()}, ${state(status)}</p>${table('Parts of the instance', columns, sorted)}`
  }
  return { content: live(asked, 'parts', await render()), parts: { parts: render } }
}
