/** Jobs: what was asked for, by whom, how far it has come, and what came of it, its error in full. */
import { html } from 'hono/html'
import { job } from '../../commands/console/job.ts'
import type { JobFinished } from '../../events/console/job.ts'
import { type JobRow, jobs, progressOf } from '../../projections/console/job.ts'
import type { ActionDeclaration, Asked, Line, Markup, Plot, Shown } from '../pages/declaration.ts'
import { listView } from '../pages/list.ts'
import { fieldsOf, link, live, onRecord, pathOf, said, section } from '../pages/markup.ts'
import { figure, rowsTable } from '../pages/table.ts'
import { finderOf, type ThingsOf, thingOf, thingView } from '../pages/things.ts'
import type { ConsoleParts } from './access.ts'
import { askFor } from './job-requests.ts'
import { planeOf } from './plot.ts'

type Look = Asked<ConsoleParts>

/** Reports of a job that its plot has. */
const REPORTS_MAX = 500
const STATUSES = ['requested', 'running', 'done', 'refused', 'cancelled']

const subjectOf = ({ context, projection, stream, category }: JobRow): string =>
  [projection, context, stream, category].filter((each) => each !== null).join(' ') || 'the whole log'

export const jobThings: ThingsOf<typeof jobs> = {
  ...{ table: jobs, kind: 'job of maintenance', kinds: 'jobs', tenant: undefined, id: 'job_id', at: 'requested_at' },
  path: '/jobs',
  nameOf: (row) => `${row.kind} of ${subjectOf(row)}`,
}

export const findJob = finderOf(jobThings)

const listed = {
  ...jobThings,
  columns: [
    { name: 'job_id', label: 'Job' },
    { name: 'kind', label: 'What' },
    { name: 'projection', label: 'Of', show: (row: JobRow) => said(subjectOf(row)) },
    { name: 'status', label: 'Status' },
    { name: 'percent', label: 'Done, %', isFigure: true },
    { name: 'findings_total', label: 'Findings', isFigure: true },
    { name: 'requested_by', label: 'Asked by' },
    { name: 'requested_at', label: 'Asked' },
    { name: 'finished_at', label: 'Ended' },
  ],
  filters: [
    { name: 'status', label: 'Status', choices: STATUSES },
    { name: 'kind', label: 'What' },
  ],
  empty: { says: 'Nothing was asked for. A read model’s page has Rebuild and Verify.' },
}

export const showJobs = listView<typeof jobs>(listed)

/** Verifications of the log alone. */
export const showVerifications = (asked: Look): Promise<Shown> => {
  const query = new URLSearchParams(asked.query)
  query.set('kind', 'verification')
  return listView<typeof jobs>({
    ...listed,
    filters: listed.filters,
    empty: { says: 'The log was not verified from here.' },
  })({
    ...asked,
    query,
  })
}

async function plotOf({ parts, now }: Look, row: JobRow): Promise<Markup> {
  const reports = await progressOf(parts.db, row.job_id, REPORTS_MAX)
  if (reports.length === 0 || row.started_at === null) return ''
  const lineOf = (label: string, value: (of: (typeof reports)[number]) => number): Line => ({
    label,
    points: reports.map((each) => [Date.parse(each.at) / 1_000, value(each)]),
  })
  const from = new Date(Math.min(Date.parse(row.started_at), Date.parse(reports[0]?.at ?? row.started_at)))
  const span = { from, until: row.finished_at === null ? now : new Date(row.finished_at), stepS: 1 }
  const says = 'As the work has reported.'
  const rate: Plot = {
    ...{ name: 'rate', title: 'Events taken in', unit: 'a second', says },
    lines: [lineOf('events a second', (each) => each.events_per_second)],
  }
  const done: Plot = {
    ...{ name: 'done', title: 'Done', unit: '%', says },
    lines: [lineOf('done', ({ percent }) => percent)],
  }
  return html`<div class="plots">${[rate, done].map(
    (plot) =>
      html`<figure class="plot"><figcaption>${plot.title}, ${plot.unit}</figcaption>${planeOf(plot, span)}</figure>`,
  )}</div>${rowsTable('Reports', reports.slice(-10).toReversed(), '', [
    { name: 'at', label: 'Time', show: ({ at }) => html`<time datetime="${at}">${at.slice(11, 19)}</time>` },
    figure('percent', 'Done, %', ({ percent }) => percent),
    figure('events', 'Events', ({ events }) => events),
    figure('events_per_second', 'A second', (each) => each.events_per_second),
  ])}`
}

/** From what was done and what it took: seconds that are left. */
function leftOf({ percent, started_at, status }: JobRow, now: Date): number | undefined {
  if (status !== 'running' || started_at === null || percent <= 0) return undefined
  return Math.round(((now.getTime() - Date.parse(started_at)) / 1_000 / percent) * (100 - percent))
}

const tablesOf = (tables: JobFinished['tables']): Markup =>
  section(
    'Old against new',
    rowsTable('Tables', tables, 'No table was compared.', [
      { name: 'table', label: 'Table', show: ({ table }) => html`<code>${table}</code>` },
      figure('rowsLive', 'Rows before', ({ rowsLive }) => rowsLive),
      figure('rowsRebuilt', 'Rows built anew', ({ rowsRebuilt }) => rowsRebuilt),
      figure('rowsDiffering', 'Rows that differ', ({ rowsDiffering }) => rowsDiffering),
    ]),
  )

const findingsOf = (row: JobRow): Markup =>
  section(
    `Findings: ${row.findings_total ?? 0}`,
    rowsTable('Findings', row.findings ?? [], 'Nothing is wrong.', [
      { name: 'kind', label: 'What', show: ({ kind }) => kind },
      {
        name: 'stream',
        label: 'Stream',
        show: ({ stream }) => link(html`<code>${stream}</code>`, pathOf('streams', stream)),
      },
      figure('revision', 'Revision', ({ revision }) => revision),
      figure('position', 'Position', ({ position }) => position),
      { name: 'type', label: 'Type', show: ({ type }) => type },
      { name: 'detail', label: 'Detail', show: ({ detail }) => said(detail) },
    ]),
  )

export const showJob = thingView<typeof jobs, ConsoleParts>(jobThings, async (asked, row) => {
  const render = async () => {
    const now = (await thingOf(jobThings, asked, row.job_id)) ?? row
    const { error, log, tables, findings: _, figures, ...view } = now
    const left = leftOf(now, asked.now)
    const isOver = now.finished_at !== null
    return html`${error === null ? '' : html`<div class="refusal" role="alert"><h2>It was refused</h2><pre tabindex="0">${error}</pre></div>`}
${left === undefined ? '' : html`<p>About ${left} s left.</p>`}${await plotOf(asked, now)}${fieldsOf({ ...view, ...(figures ?? {}) })}
${tables && tables.length > 0 ? tablesOf(tables) : ''}${isOver && now.kind === 'verification' ? findingsOf(now) : ''}
${log ? section('Its last words', html`<pre tabindex="0">${log}</pre>`) : ''}`
  }
  const parts = { job: render }
  const isOver = row.finished_at !== null
  if (asked.part !== undefined) return { content: '', parts }
  return {
    title: `Job: ${row.kind} of ${subjectOf(row)}`,
    content: html`${isOver ? await render() : live(asked, 'job', await render())}${onRecord(row.job_id)}`,
    parts,
    without: isOver ? ['cancel'] : ['again'],
    ...(row.kind === 'verification' ? { sheet: sheetOf(row) } : {}),
  }
})

const sheetOf = ({ findings }: JobRow) => ({
  columns: ['kind', 'stream', 'revision', 'position', 'type', 'detail'],
  rows: (findings ?? []).map(({ kind, stream, revision, position, type, detail }) => [
    ...[kind, stream, revision, position, type, detail],
  ]),
})

type Action = ActionDeclaration<ConsoleParts>
const ofJob = { of: '/jobs/:id', audience: ['administrator'], reason: 'required' } as const
const jobIn = (asked: Look) => thingOf(jobThings, asked, asked.params.id ?? '')

const cancel: Action = {
  ...{ ...ofJob, name: 'cancel', title: 'Cancel job' },
  async prepare(asked) {
    const row = await jobIn(asked)
    if (!row) return undefined
    const says = html`<p>Stops the job, which has taken in ${row.events} events (${row.percent} %). Live tables stay as they are.</p>`
    return { says, ...(row.finished_at === null ? {} : { obstacle: 'The job has ended.' }) }
  },
  async perform({ parts, params, command, reason, runtime }) {
    const wanted = { kind: 'cancel', reason: reason || null, at: command.at } as const
    const { position } = await parts.bus.handle(job, params.id ?? '', wanted, command)
    if (position !== undefined) await parts.waiter.waitFor(position, runtime.limits.readYourWritesWaitMs)
    return { message: 'That it ends is asked for.' }
  },
}

const again: Action = {
  ...{ ...ofJob, name: 'again', title: 'Do it again' },
  async prepare(asked) {
    const row = await jobIn(asked)
    if (!row) return undefined
    const says = html`<p>Asks for another job like this one (${row.kind} of ${said(subjectOf(row))}). A rebuild that was cancelled goes on where it
stood.</p>`
    return { says, ...(row.finished_at === null ? { obstacle: 'The job has not ended.' } : {}) }
  },
  async perform(acting) {
    const row = await jobIn(acting)
    if (!row) throw new Error('the job of an action was there a moment ago')
    const { kind, context, projection, stream, category } = row
    return askFor(acting, { kind, context, projection, stream, category }, 'It is asked for again.')
  },
}

const start: Action = {
  ...{ of: '/verification', audience: ['administrator'], name: 'start', title: 'Start verification' },
  fields: [
    { name: 'stream', label: 'Stream', hint: 'Of one stream; may be left out.', lengthMax: 512 },
    {
      name: 'category',
      label: 'Category',
      hint: 'Of streams that begin so: noctant.account. Neither: the whole log.',
      lengthMax: 200,
    },
  ],
  async prepare({ parts }) {
    const head = await parts.store.head()
    const upTo = head === undefined ? 'there is nothing in it yet' : `up to position ${head.position}`
    return {
      says: html`<p>Reads the log once, ${upTo}, and names every event whose chain, books or personal fields do not hold.</p>`,
    }
  },
  perform(acting) {
    const value = (name: string) => acting.form.get(name)?.trim() || null
    return askFor(
      acting,
      { kind: 'verification', stream: value('stream'), category: value('category') },
      'The verification is asked for.',
    )
  },
}

export const jobActions: readonly Action[] = [cancel, again, start]
