/** The read models: their versions against those of the code, how far each context's projector is, and what is parked. */
import { html } from 'hono/html'
import { type ProjectionState, type ReadModelState, readState } from '../../projections/rebuild/status.ts'
import type { Asked, Markup, Shown } from '../pages/declaration.ts'
import { requestMarkup } from '../pages/list.ts'
import { fieldsOf, live, pathOf, section, state, time } from '../pages/markup.ts'
import { type Column, rowsTable, table } from '../pages/table.ts'
import type { ConsoleParts } from './access.ts'
import { parkedColumns, parkedOf } from './parked-pages.ts'
import { plotParts, sampledPlots } from './sampled-plots.ts'

type Look = Asked<ConsoleParts>

const PLOTS = ['lag', 'events'] as const

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
  const parts = { projectors: render, ...plotParts(asked, PLOTS) }
  if (asked.part !== undefined) return { content: '', parts }
  return {
    content: html`${live(asked, 'projectors', await render())}${sampledPlots(asked, PLOTS)}${requestMarkup(asked, { command: 'opslog projections status' })}`,
    parts,
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
    without: of.found.pausedAt === undefined ? ['resume'] : ['pause'],
    content: html`${fieldsOf(view)}${section('Parked events', rowsTable('Parked events', await parkedOf(asked.parts.db, { projection: name ?? '' }), 'Nothing is parked.', parkedColumns))}
${requestMarkup(asked, { command: `opslog projections rebuild ${projection.name} --dry-run` })}`,
  }
}
