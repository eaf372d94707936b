/** The read models: their versions against those of the code, how far each context's projector is, and what is parked. */
import { html } from 'hono/html'
import { kernelTables } from '../../projections/kernel-tables.ts'
import { type ProjectionState, type ReadModelState, readState } from '../../projections/rebuild/status.ts'
import type { Asked, Markup, Shown } from '../pages/declaration.ts'
import { requestMarkup } from '../pages/list.ts'
import { empty, fieldsOf, live, pathOf, said, section, state, time } from '../pages/markup.ts'
import { type Column, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'

type Look = Asked<ConsoleParts>

/** Of one projection; what lies behind is on the command line. */
const PARKED_SHOWN_MAX = 200

interface Projector {
  context: string
  found: ReadModelState
  lagMs: number | undefined
}

async function lookAt({ parts, runtime }: Look): Promise<Projector[]> {
  const { dependencies } = await runtime.readiness()
  return Promise.all(
    parts.readModels().map(async (context) => {
      const lag = dependencies[`projector.${context.name}`]?.lag_ms
      const found = await readState(parts.db, context)
      return { context: context.name, found, lagMs: typeof lag === 'number' ? Math.round(lag) : undefined }
    }),
  )
}

const leads = ({ found }: Projector): Markup =>
  found.pausedAt === undefined
    ? state(found.led ? 'leading' : 'down')
    : html`${state('paused')} since ${time(found.pausedAt)}`

const projectorColumns: readonly Column<Projector>[] = [
  { name: 'context', label: 'Context', show: ({ context }) => context },
  { name: 'projector', label: 'Projector', show: leads },
  { name: 'position', label: 'Position', isFigure: true, show: ({ found }) => `${found.checkpoint?.position ?? ''}` },
  { name: 'lag_ms', label: 'Behind, ms', isFigure: true, show: ({ lagMs }) => `${lagMs ?? ''}` },
  {
    name: 'parked_events',
    label: 'Parked events',
    isFigure: true,
    show: ({ found }) => `${found.projections.reduce((sum, { parkedEvents }) => sum + parkedEvents, 0)}`,
  },
]

const versionOf = ({ version, codeVersion }: ProjectionState): Markup =>
  version === codeVersion ? `${version}` : html`${state('waiting')} ${version ?? 'none'}, the code has ${codeVersion}`

const projectionColumns: readonly Column<ProjectionState>[] = [
  { name: 'name', label: 'Read model', show: ({ name }) => html`<a href="${pathOf('projections', name)}">${name}</a>` },
  { name: 'version', label: 'Version', show: versionOf },
  { name: 'parked_events', label: 'Parked', isFigure: true, show: ({ parkedEvents }) => `${parkedEvents}` },
  {
    name: 'on_poison',
    label: 'What cannot be read',
    show: ({ onPoison }) => (onPoison === 'halt' ? 'halts' : 'parks'),
  },
  { name: 'built_at', label: 'Built', show: ({ builtAt }) => time(builtAt) },
]

export async function showProjections(asked: Look): Promise<Shown> {
  const render = async () => {
    const projectors = await lookAt(asked)
    const all = projectors.flatMap(({ found }) => found.projections)
    return html`${section('Projectors', table('Projectors', projectorColumns, projectors))}
${section(
  'Read models',
  table('Read models', projectionColumns, all, ({ name }) => pathOf('projections', name)),
)}`
  }
  const shown = await render()
  return {
    content: html`${live(asked, 'projectors', shown)}${requestMarkup(asked, { command: 'opslog projections status' })}`,
    parts: { projectors: render },
  }
}

export async function showProjection(asked: Look): Promise<Shown | undefined> {
  const projectors = await lookAt(asked)
  const { name } = asked.params
  const of = projectors.find(({ found }) => found.projections.some((each) => each.name === name))
  const projection = of?.found.projections.find((each) => each.name === name)
  if (!of || !projection) return undefined
  const beside = of.found.shadows.filter(({ projections }) => projections.some((each) => each.name === name))
  const view = {
    name: projection.name,
    version: projection.version ?? null,
    code_version: projection.codeVersion,
    on_poison: projection.onPoison,
    position: of.found.checkpoint ? `${of.found.checkpoint.position}` : null,
    projector: of.found.led ? 'leading' : 'none',
    parked_events: projection.parkedEvents,
    parked_streams: projection.parkedStreams,
    built_at: projection.builtAt ?? null,
    tables: projection.tables.join(', '),
    stands_beside: beside.map(({ kind, schema }) => `${kind} (${schema})`).join(', ') || null,
  }
  return {
    title: `Read model ${projection.name}`,
    content: html`${fieldsOf(view)}${section('Parked events', await parkedOf(asked, projection.name))}
${requestMarkup(asked, { command: `opslog projections rebuild ${projection.name} --dry-run` })}`,
  }
}

async function parkedOf({ parts }: Look, name: string): Promise<Markup> {
  const rows = await kernelTables(parts.db)
    .selectFrom('opslog_parked_events')
    .selectAll()
    .where('projection', '=', name)
    .orderBy('stream')
    .orderBy('revision')
    .limit(PARKED_SHOWN_MAX)
    .execute()
  if (rows.length === 0) return empty('Nothing is parked.')
  const columns: readonly Column<(typeof rows)[number]>[] = [
    {
      name: 'stream',
      label: 'Stream',
      show: ({ stream }) => html`<a href="${pathOf('streams', stream)}">${stream}</a>`,
    },
    { name: 'revision', label: 'Revision', isFigure: true, show: ({ revision }) => `${revision}` },
    { name: 'type', label: 'Type', show: ({ type }) => type },
    { name: 'fault', label: 'Fault', show: ({ fault }) => said(fault) },
    { name: 'parked_at', label: 'Parked', show: ({ parked_at }) => time(parked_at) },
  ]
  return html`${table('Parked events', columns, rows)}<p>Try again, or skip: <code>opslog projections parked retry</code></p>`
}
