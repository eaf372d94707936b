/** The log, newest first: every event with its sentence and who caused it, filtered by what one has in hand. */
import { html } from 'hono/html'
import { type Moment, parseMoment } from '../../../audit/moment.ts'
import { type EventFilter, readNewest } from '../../../audit/newest.ts'
import { invalid } from '../../errors.ts'
import type { Asked, Markup, Shown } from '../../pages/declaration.ts'
import { LIMITS, limitOf, step } from '../../pages/list.ts'
import { empty, pathOf, said, shortId, time, withQuery } from '../../pages/markup.ts'
import { momentOf } from '../../pages/moment.ts'
import { type Column, table } from '../../pages/table.ts'
import type { AuditParts } from '../access.ts'
import { shownEvent, shownPosition } from '../positions.ts'
import { readerOf, reading } from './reader.ts'

type Audit = Asked<AuditParts>
export type ShownEvent = ReturnType<typeof shownEvent>

const FILTERS_LENGTH_MAX = 500

export const pathOfEvent = (id: string): string => pathOf('events', id)
export const pathOfStream = (stream: string): string => pathOf('streams', stream)

export const whoOf = ({ actor }: ShownEvent): Markup =>
  actor === null ? '' : html`${actor.kind} ${said(actor.id.length > 20 ? actor.id.slice(0, 8) : actor.id)}`

export const eventColumns: readonly Column<ShownEvent>[] = [
  { name: 'recorded_at', label: 'Time', show: ({ recorded_at }) => time(recorded_at) },
  { name: 'sentence', label: 'What happened', show: ({ sentence }) => said(sentence) },
  { name: 'type', label: 'Type', show: ({ type, event_id }) => html`<a href="${pathOfEvent(event_id)}">${type}</a>` },
  {
    name: 'stream',
    label: 'Stream',
    show: ({ stream }) => html`<a href="${pathOfStream(stream)}">${shortStream(stream)}</a>`,
  },
  { name: 'actor', label: 'By', show: whoOf },
  { name: 'position', label: 'Position', isFigure: true, show: ({ position }) => shortId(position) },
]

/** `noctant.account-5b8f0c6e-…` → `noctant.account-5b8f0c6e`, whole in its title. */
export const shortStream = (stream: string): Markup => {
  const [, category = '', id = ''] = /^([^-]*)-(.*)$/.exec(stream) ?? []
  return html`<code title="${stream}">${category === '' ? stream : `${category}-${id.slice(0, 8)}`}</code>`
}

/** A time, or a position as a page shows it. */
export function momentIn(asked: Audit, name: string): Moment | undefined {
  const text = asked.query.get(name)?.trim()
  if (!text) return undefined
  const { principal, sealer } = readerOf(asked)
  const parsed = parseMoment(text)
  if (parsed && 'position' in parsed && principal.operatorId === 'all') return parsed
  const sealed = sealer.openPosition(text)
  if (sealed !== undefined) return { position: sealed }
  return { time: new Date(momentOf(text, `query/${name}`)) }
}

export function filterOf(asked: Audit): EventFilter {
  const text = (name: string) => asked.query.get(name)?.trim() || undefined
  return {
    ...{ type: text('type'), stream: text('stream'), category: text('category'), actor: text('actor') },
    ...{ mentions: text('q'), since: momentIn(asked, 'from'), until: momentIn(asked, 'to') },
  }
}

/** Where the page before has ended. Throws a Problem where no page has. */
function beforeOf(asked: Audit): bigint | undefined {
  const text = asked.query.get('before')
  if (text === null) return undefined
  const { principal, sealer } = readerOf(asked)
  const position = principal.operatorId === 'all' && /^\d{1,19}$/.test(text) ? BigInt(text) : sealer.openPosition(text)
  if (position === undefined) throw invalid('query/before', 'invalid_format', 'The address was not made by this list.')
  return position
}

const NOTHING = { first: undefined, last: undefined, isFinished: true } as const

export async function showEvents(asked: Audit): Promise<Shown> {
  const filter = filterOf(asked)
  const before = beforeOf(asked)
  const limit = limitOf(asked.query)
  const question = { type: 'audit.EventsRead.v1' as const, data: { filters: filtersOf(asked) } }
  const page = await reading(asked, question, async (ground) => {
    const answer = await readNewest(ground, filter, before, limit)
    return { answer, last: answer.last }
  })
  const { described, first, last, isFinished } = page ?? { ...NOTHING, described: [] }
  const reader = readerOf(asked)
  for (const { raw } of described) asked.parts.places.set(raw.id, raw.position)
  const rows = described.map((each) => shownEvent(reader, each))
  const older = isFinished || last === undefined ? undefined : withQuery(asked, { before: shownPosition(reader, last) })
  const pager = html`<nav class="pager" aria-label="Pages">
${step('Newest', before === undefined ? undefined : withQuery(asked, { before: undefined }))}
${rows.length < limit && !isFinished ? html`<span>The log is long: “Older” goes on looking.</span>` : ''}
${step('Older', older)}</nav>`
  const shown = table('Events', eventColumns, rows, (row) => pathOfEvent(row.event_id))
  const found = html`${rows.length === 0 ? empty('No event fits.') : ''}${shown}`
  return {
    content: html`${filterForm(asked)}${before === undefined ? followButton(asked, first) : ''}<div id="event-rows">${found}</div>${pager}
<p class="tools"><a class="button" href="${withQuery(asked, { format: 'csv' })}">CSV</a>
<a class="button" href="${withQuery(asked, { format: 'json' })}">JSON</a></p>`,
    sheet: {
      columns: ['recorded_at', 'position', 'stream', 'revision', 'event_id', 'type', 'sentence', 'actor', 'data'],
      rows: rows.map((row) => [
        ...[row.recorded_at, row.position, row.stream, row.revision, row.event_id, row.type, row.sentence],
        ...[row.actor, row.data],
      ]),
    },
  }
}

const FILTERS = [
  ['type', 'Type begins', 'noctant.Account'],
  ['stream', 'Stream', 'noctant.account-…'],
  ['category', 'Category', 'noctant.account'],
  ['actor', 'By', 'an id or a kind'],
  ['q', 'Mentions', 'any id'],
  ['from', 'From', 'time or position'],
  ['to', 'To', 'time or position'],
] as const

/** As they were asked for, for the record. */
const filtersOf = ({ query }: Audit): string | null =>
  FILTERS.flatMap(([name]) => (query.get(name) ? [`${name}=${query.get(name)}`] : []))
    .join(' ')
    .slice(0, FILTERS_LENGTH_MAX) || null

const filterForm = ({ query }: Audit): Markup => html`<form class="filters" method="get" action="/console/events">
${FILTERS.map(
  ([name, label, hint]) =>
    html`<label>${label} <input name="${name}" value="${query.get(name) ?? ''}" placeholder="${hint}" size="16" autocomplete="off"></label>`,
)}
<label>A page <select name="limit">${LIMITS.map(
  (each) => html`<option${each === limitOf(query) ? html` selected` : ''}>${each}</option>`,
)}</select></label>
<button>Filter</button> <a class="button" href="/console/events">Clear</a>
</form>
`

/** What comes behind the newest event that the page has looked at. */
const followButton = (asked: Audit, newest: bigint | undefined): Markup => {
  const own = new URLSearchParams(
    [...asked.query].filter(([name]) => !['limit', 'format', 'part', 'done', 'to'].includes(name)),
  )
  if (newest !== undefined) own.set('after', shownPosition(readerOf(asked), newest))
  const address = `/console/events/live${own.size === 0 ? '' : `?${own}`}`
  return html`<p class="tools"><button type="button" data-follow="${address}" data-rows="event-rows" data-told="followed" aria-pressed="false">Follow</button>
<span id="followed" role="status"></span></p>`
}
