/** What read models could not take in: streams, and of each the event that is at fault with those behind it. */
import { html } from 'hono/html'
import {
  type ParkedOf,
  type ParkedRow,
  type ParkedStream,
  parkedRows,
  parkedStreams,
} from '../../projections/console/parked.ts'
import type { Asked, Shown } from '../pages/declaration.ts'
import { requestMarkup } from '../pages/list.ts'
import { link, live, pathOf, said, shortId, time } from '../pages/markup.ts'
import { type Column, figure, rowsTable } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

type Look = Asked<ConsoleParts>

/** Of one page; what lies behind is on the command line. */
const SHOWN_MAX = 200

export const parkedOf = (db: ConsoleParts['db'], of: ParkedOf): Promise<ParkedRow[]> => parkedRows(db, of, SHOWN_MAX)

const pathOfParked = ({ projection, stream }: Pick<ParkedStream, 'projection' | 'stream'>): string =>
  pathOf('parked', projection, stream)

const streamColumns: readonly Column<ParkedStream>[] = [
  { name: 'stream', label: 'Stream', show: ({ stream }) => html`<code>${stream}</code>` },
  {
    name: 'projection',
    label: 'Read model',
    show: ({ projection }) => link(projection, pathOf('projections', projection)),
  },
  figure('events', 'Events', ({ events }) => events),
  figure('first_revision', 'From revision', ({ first_revision }) => first_revision),
  { name: 'parked_at', label: 'Since', show: ({ parked_at }) => time(parked_at) },
]

export async function showParked(asked: Look): Promise<Shown> {
  const render = async () =>
    rowsTable(
      'Parked streams',
      await parkedStreams(asked.parts.db, SHOWN_MAX),
      'Nothing is parked.',
      streamColumns,
      pathOfParked,
    )
  if (asked.part !== undefined) return { content: '', parts: { streams: render } }
  return {
    content: html`${live(asked, 'streams', await render())}${requestMarkup(asked, { command: 'opslog projections parked list' })}`,
    parts: { streams: render },
  }
}

export const parkedColumns: readonly Column<ParkedRow>[] = [
  { name: 'stream', label: 'Stream', show: (row) => link(html`<code>${row.stream}</code>`, pathOfParked(row)) },
  figure('revision', 'Revision', ({ revision }) => revision),
  { name: 'event_id', label: 'Event', show: ({ event_id }) => shortId(event_id, pathOf('events', event_id)) },
  { name: 'type', label: 'Type', show: ({ type }) => type },
  { name: 'fault', label: 'Fault', show: ({ fault }) => said(fault) },
  { name: 'parked_at', label: 'Parked', show: ({ parked_at }) => time(parked_at) },
]

export async function showParkedStream(asked: Look): Promise<Shown | undefined> {
  const { projection = '', stream = '' } = asked.params
  const rows = await parkedOf(asked.parts.db, { projection, stream })
  const [first, ...behind] = rows
  if (!first) return undefined
  return {
    title: `Parked: ${stream}`,
    content: html`<p>Revision ${first.revision} could not be taken in by ${link(projection, pathOf('projections', projection))}:</p>
<pre tabindex="0">${first.fault}</pre>
<p>${link('Its data, and the schema’s complaint beside it', pathOf('events', first.event_id))} ${link('The stream', pathOf('streams', stream))}</p>
<p>${behind.length === 0 ? 'Nothing waits behind it.' : `${behind.length} wait behind it.`}</p>
${rowsTable('Parked events', rows, '', parkedColumns)}
${requestMarkup(asked, { command: `opslog projections parked retry ${stream} --projection ${projection}` })}`,
  }
}
