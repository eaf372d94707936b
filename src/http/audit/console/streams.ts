/** One stream: its events in their order, whether its chain holds here, and the state behind each. */
import { html } from 'hono/html'
import { linkOf } from '../../../audit/chain.ts'
import { describeIn } from '../../../audit/history.ts'
import type { DescribedEvent } from '../../../audit/timeline.ts'
import { categoryOf } from '../../../events/event.ts'
import { invalid } from '../../errors.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { requestMarkup, step } from '../../pages/list.ts'
import { fields, link, pathOf, state, withQuery } from '../../pages/markup.ts'
import { type Column, table } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { shownEvent } from '../positions.ts'
import { eventColumns, pathOfEvent, type ShownEvent } from './events.ts'
import { quoted } from './history.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>

const EVENTS_MAX = 100
const NAME = /^[a-z]+\.\w+-.{1,480}$/

/** The revision that the page begins at. Throws a Problem (400) for what is none. */
function firstIn({ query }: Audit): bigint {
  const text = query.get('from') ?? '0'
  if (!/^\d{1,18}$/.test(text)) throw invalid('query/from', 'invalid_format', 'A revision is a number from 0.')
  return BigInt(text)
}

/** Over the events that are shown. */
function chainOf(described: readonly DescribedEvent[]): Markup {
  let previous: string | undefined = described[0]?.raw.revision === 0n ? '' : undefined
  for (const { raw } of described) {
    const found = linkOf(raw)
    if (typeof found === 'string') return html`${state('broken')} at revision ${raw.revision}: ${found}`
    if (previous !== undefined && found.prevHash !== previous)
      return html`${state('broken')} revision ${raw.revision} does not follow the event before it`
    previous = found.hash
  }
  return html`${state('holds')} over the events shown`
}

export async function showStream(asked: Audit): Promise<Shown | undefined> {
  const { stream = '' } = asked.params
  if (!NAME.test(stream)) return undefined
  const from = firstIn(asked)
  const question = { type: 'audit.EventsRead.v1' as const, data: { filters: `stream=${stream}`.slice(0, 500) } }
  const described = await reading(asked, question, async (ground) => {
    const raw = await Array.fromAsync(ground.log.readStream(stream, from, BigInt(EVENTS_MAX + 1)))
    for (const _ of raw) ground.budget.spend()
    const found = await Promise.all((await ground.scope.admit(raw)).map((each) => describeIn(ground, each)))
    return { answer: found.length === 0 ? undefined : found, last: raw.at(-1)?.position }
  })
  if (!described) return undefined
  const reader = readerOf(asked)
  const shown = described.slice(0, EVENTS_MAX)
  for (const { raw } of shown) asked.parts.places.set(raw.id, raw.position)
  const rows = shown.map((each) => shownEvent(reader, each))
  const behind = (each: ShownEvent) =>
    `${pathOf('states', stream)}?${new URLSearchParams({ at: each.position }).toString()}`
  const columns: readonly Column<ShownEvent>[] = [
    { name: 'revision', label: 'Revision', isFigure: true, show: ({ revision }) => revision },
    ...eventColumns.filter(({ name }) => name !== 'stream'),
    { name: 'state', label: 'State', show: (each) => link('behind it', behind(each)) },
  ]
  const later = described.length > EVENTS_MAX ? `${from + BigInt(EVENTS_MAX)}` : undefined
  const earlier = from === 0n ? undefined : `${from > BigInt(EVENTS_MAX) ? from - BigInt(EVENTS_MAX) : 0n}`
  const address = (revision: string | undefined) =>
    revision === undefined ? undefined : withQuery(asked, { from: revision })
  return {
    title: `Stream ${stream}`,
    content: html`<p class="tools">${link('History of its thing', pathOf('history', stream))} ${link('State now', pathOf('states', stream))}</p>
${fields([
  { name: 'stream', value: stream },
  { name: 'category', value: categoryOf(stream) },
  { name: 'chain', value: '', show: chainOf(shown) },
])}
${table('Events', columns, rows, ({ event_id }) => pathOfEvent(event_id))}
<nav class="pager" aria-label="Pages">${step('Earlier', address(earlier))}${step('Later', address(later))}</nav>
${requestMarkup(asked, { command: `opslog events --stream ${quoted(stream)}` })}`,
    sheet: {
      columns: ['revision', 'recorded_at', 'position', 'event_id', 'type', 'sentence', 'actor', 'data'],
      rows: rows.map((each) => [
        ...[each.revision, each.recorded_at, each.position, each.event_id, each.type, each.sentence],
        ...[each.actor, each.data],
      ]),
    },
  }
}
