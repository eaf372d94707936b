/** What can be done about read models and what they could not take in: each a job, which goes on record with its author. */
import { html } from 'hono/html'
import { type ReadModelState, readState } from '../../projections/rebuild/status.ts'
import type { ActionDeclaration, Asked, Markup, Prepared } from '../pages/declaration.ts'
import type { ConsoleParts } from './access.ts'
import { askFor, sizeOf } from './job-requests.ts'
import { parkedOf } from './parked-pages.ts'

type Action = ActionDeclaration<ConsoleParts>
type Look = Asked<ConsoleParts>

const audience = ['administrator'] as const
const ofModel = { of: '/projections/:name', audience } as const

interface Model {
  context: string
  found: ReadModelState
  name: string
  tables: readonly string[]
  parkedEvents: number
}

async function modelIn({ parts, params }: Look): Promise<Model | undefined> {
  const name = params.name ?? ''
  const context = parts.readModels().find(({ projections }) => projections.some((each) => each.name === name))
  if (!context) return undefined
  const found = await readState(parts.db, context)
  const of = found.projections.find((each) => each.name === name)
  return of && { context: context.name, found, name, tables: of.tables, parkedEvents: of.parkedEvents }
}

const about =
  (prepare: (asked: Look, model: Model) => Promise<Prepared>): Action['prepare'] =>
  async (asked) => {
    const model = await modelIn(asked)
    return model && prepare(asked, model)
  }

/** Where the log has been taken in up to; undefined: nothing of it yet. */
const positionOf = ({ found }: Model): string | undefined => found.checkpoint?.position.toString()

const untaken = (model: Model): Partial<Prepared> =>
  positionOf(model) === undefined ? { obstacle: `Nothing of ${model.context} has been projected yet.` } : {}

const sizes = ({ parts }: Look, { tables }: Model): Promise<Markup> => sizeOf(parts, tables)

const perform =
  (kind: 'estimate' | 'rebuild' | 'verify' | 'rollback', says: string): Action['perform'] =>
  (acting) =>
    askFor(acting, { kind, projection: acting.params.name ?? '' }, says, `/projections/${acting.params.name}`)

const rebuild: Action = {
  ...{ ...ofModel, name: 'rebuild', title: 'Rebuild', reason: 'required' },
  prepare: about(async (asked, model) => ({
    says: html`<p>Builds the tables of ${model.name} anew (${await sizes(asked, model)}) from every event of ${model.context} up to
position ${positionOf(model)}, compares them with the live ones, and puts them in their place. The live ones serve meanwhile, and are
kept for a rollback. <em>Estimate</em> says how long it takes.</p>`,
    ...untaken(model),
  })),
  perform: perform('rebuild', 'The rebuild is asked for.'),
}

const estimate: Action = {
  ...{ ...ofModel, name: 'estimate', title: 'Estimate' },
  prepare: about(async (asked, model) => ({
    says: html`<p>Builds for three seconds beside the live tables of ${model.name} (${await sizes(asked, model)}), says how many events
a rebuild takes and for how long, and leaves nothing of it.</p>`,
    ...untaken(model),
  })),
  perform: perform('estimate', 'The estimate is asked for.'),
}

const verify: Action = {
  ...{ ...ofModel, name: 'verify', title: 'Verify' },
  prepare: about(async (asked, model) => ({
    says: html`<p>Builds the tables of ${model.name} anew beside the live ones (${await sizes(asked, model)}) from every event of
${model.context} up to position ${positionOf(model)}, and counts the rows that differ. It changes nothing.</p>`,
    ...untaken(model),
  })),
  perform: perform('verify', 'The verification is asked for.'),
}

const rollback: Action = {
  ...{ ...ofModel, name: 'rollback', title: 'Roll back', reason: 'required' },
  prepare: about(async (asked, model) => {
    const kept = model.found.shadows.find(
      ({ kind, projections }) => kind === 'previous' && projections.some(({ name }) => name === model.name),
    )
    return {
      says: html`<p>Brings the tables that an earlier rebuild has kept (${kept?.schema ?? 'none'}) up to position ${positionOf(model)} and
puts them in the place of ${await sizes(asked, model)} of ${model.name}.</p>`,
      confirm: model.name,
      ...(kept ? untaken(model) : { obstacle: `No tables of ${model.name} are kept: rebuilds from here keep them.` }),
    }
  }),
  perform: perform('rollback', 'The rollback is asked for.'),
}

const pausing = (kind: 'pause' | 'resume', title: string): Action => ({
  ...{ ...ofModel, name: kind, title, reason: 'required' },
  prepare: about(async (_, model) => {
    const { context, found } = model
    const count = `${found.projections.length} read models of ${context}`
    const isPaused = found.pausedAt !== undefined
    const says =
      kind === 'pause'
        ? html`<p>No process writes the ${count} until somebody resumes them. They share a projector, so that all of them stop. Reads go
on, with what is known at position ${positionOf(model)}; what needs to see its own writes waits in vain.</p>`
        : html`<p>The ${count} go on from position ${positionOf(model)}.</p>`
    if (context === 'console' && kind === 'pause')
      return { says, obstacle: 'Nobody could sign in meanwhile: the console’s own are paused on the command line.' }
    if (isPaused === (kind === 'pause'))
      return { says, obstacle: isPaused ? 'They are paused.' : 'They are not paused.' }
    return { says, ...untaken(model) }
  }),
  async perform(acting) {
    const model = await modelIn(acting)
    if (!model) throw new Error('the read model of an action was there a moment ago')
    const says = kind === 'pause' ? 'The pause is asked for.' : 'That they go on is asked for.'
    return askFor(acting, { kind, context: model.context }, says, `/projections/${model.name}`)
  },
})

const ofParked = { of: '/parked/:projection/:stream', audience, reason: 'required' } as const

const settling = (kind: 'retry' | 'skip', title: string): Action => ({
  ...{ ...ofParked, name: kind, title },
  async prepare(asked) {
    const { projection = '', stream = '' } = asked.params
    const rows = await parkedOf(asked.parts.db, { projection, stream })
    const [first] = rows
    if (!first) return undefined
    const behind = rows.length - 1
    const rest = behind === 0 ? 'nothing stands behind it' : `and then the ${behind} behind it, in their order`
    if (kind === 'retry')
      return {
        says: html`<p>Lets ${projection} take in revision ${first.revision} of ${stream} (${first.type}) again, ${rest}. It ends at the next that
cannot be taken in.</p>`,
      }
    return {
      says: html`<p>Gives up revision ${first.revision} of ${stream} (${first.type}) for ${projection}; ${rest}. A rebuild meets it again.</p>`,
      confirm: stream,
    }
  },
  perform(acting) {
    const { projection = '', stream = '' } = acting.params
    const says = kind === 'retry' ? 'Another try is asked for.' : 'That it is given up is asked for.'
    return askFor(acting, { kind, projection, stream }, says)
  },
})

export const projectionActions: readonly Action[] = [
  ...[rebuild, estimate, verify, rollback, pausing('pause', 'Pause'), pausing('resume', 'Resume')],
  ...[settling('retry', 'Retry'), settling('skip', 'Skip')],
]
