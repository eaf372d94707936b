/**
 * The tools of the studio's agent. What changes the workspace is done at once, unless the run only finds out what it would cost. The
 * paid tool never runs a job: it prices one, which waits for an approval.
 */
import { z } from 'zod'
import type { ChatCall, ChatTool } from '../../../adapters/llm/chat.ts'
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { timelessIdOf } from '../../../commands/killatamata/ids.ts'
import { isFault, readStoryboard, type Storyboard } from '../../../commands/killatamata/storyboard.ts'
import { ownAsset, studioAsset } from '../../../commands/killatamata/studio-asset.ts'
import { Rejected } from '../../../commands/rejection.ts'
import type { PlannedJob } from '../../../events/killatamata/agent.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { listAssets } from '../../../projections/killatamata/studio.ts'
import {
  createDocument,
  type DocumentParts,
  STORYBOARD_TYPE,
  saveDocument,
  storyboardText,
  TEXT_TYPE,
} from './documents.ts'
import { JobUnusable, type PaidJobs } from './jobs.ts'

export interface ToolParts extends DocumentParts {
  db: ReadModels
  /** Undefined: there are no paid jobs here, and no tool that asks for one. */
  paid: PaidJobs | undefined
}

/** What one run has its tools do. */
export interface ToolOrder {
  accountId: string
  projectId: string
  /** Nothing is changed: the agent is only to say what it would cost. */
  isDry: boolean
  /** Jobs of one plan. */
  jobsMax: number
  /** Of the run; each call's commands follow from it. */
  context: CommandContext
  now: () => Date
}

const TITLE_LENGTH_MAX = 120
const TEXT_LENGTH_MAX = 524_288
const ASSETS_LISTED_MAX = 50

const title = z.string().min(1).max(TITLE_LENGTH_MAX)
const content = z.string().max(TEXT_LENGTH_MAX)
const assetId = z.string().min(1).max(64)
const storyboard = z.record(z.string(), z.unknown()).describe('version 2: {version: 2, scenes: [{id, title, prompt}]}')

const argumentsOf = {
  create_text: z.object({ title, content }),
  update_text: z.object({ assetId, title: title.optional(), content }),
  create_storyboard: z.object({ title, storyboard: storyboard.optional() }),
  update_storyboard: z.object({ assetId, title: title.optional(), storyboard }),
  list_assets: z.object({ search: z.string().max(200).optional() }),
  recycle_asset: z.object({ assetId }),
  submit_media_job: z.object({ task: z.string(), title: title.optional(), input: z.record(z.string(), z.unknown()) }),
}
type ToolName = keyof typeof argumentsOf
type ArgumentsOf<Name extends ToolName> = z.output<(typeof argumentsOf)[Name]>

const says: Readonly<Record<ToolName, string>> = {
  create_text: 'Creates a text in the project.',
  update_text: 'Saves a text anew, whole.',
  create_storyboard: 'Creates a storyboard in the project; without a document, an empty one.',
  update_storyboard: 'Saves a storyboard anew, whole.',
  list_assets: 'Lists assets of the project, the newest first.',
  recycle_asset: 'Moves an asset to the recycling bin.',
  submit_media_job: 'Asks for a media job, which costs money and runs once the user has approved it.',
}

export const isPaidTool = (name: string): boolean => name === 'submit_media_job'

const names = Object.keys(argumentsOf) as ToolName[]
const described: readonly ChatTool[] = names.map((name) => ({
  ...{ name, description: says[name], parameters: z.toJSONSchema(argumentsOf[name]) },
}))

/** The tools that the model is told of. */
export const toolsFor = ({ paid }: Pick<ToolParts, 'paid'>): readonly ChatTool[] =>
  described
    .filter(({ name }) => paid !== undefined || !isPaidTool(name))
    .map((tool) =>
      isPaidTool(tool.name) ? { ...tool, description: `${tool.description} Tasks: ${paid?.tasks.join(', ')}.` } : tool,
    )

/** What a call has come to: `result` goes back to the model. */
export interface ToolOutcome {
  result: string
  /** It waits for an approval. */
  job?: PlannedJob
}

const told = (members: object): ToolOutcome => ({ result: JSON.stringify(members) })
const refused = (error: string): ToolOutcome => told({ ok: false, error })

export function createTools(parts: ToolParts, order: ToolOrder) {
  const { accountId, projectId, isDry, context, now } = order
  let calls = 0
  let jobs = 0

  const contextOf = (): CommandContext => ({
    ...stepContext(context, deterministicId('killatamata.agentTool', context.commandId, String(calls))),
    at: now().toISOString(),
  })

  const does: { [Name in ToolName]: (given: ArgumentsOf<Name>) => Promise<ToolOutcome> } = {
    create_text: (given) => create('text', given.title, TEXT_TYPE, given.content),
    create_storyboard: async (given) => {
      const read = readStoryboard({ version: 2, scenes: [], title: given.title, ...given.storyboard })
      if (isFault(read)) return refused(`storyboard${read.pointer}: ${read.detail}`)
      return create('storyboard', given.title, STORYBOARD_TYPE, storyboardText(read))
    },
    update_text: (given) => save('text', given, given.content),
    update_storyboard: async (given) => {
      const read: Storyboard | { pointer: string; detail: string } = readStoryboard(given.storyboard)
      if (isFault(read)) return refused(`storyboard${read.pointer}: ${read.detail}`)
      return save('storyboard', given, storyboardText(read))
    },
    async list_assets({ search }) {
      const filter = { accountId, projectId, status: 'active' as const, search }
      const { rows, total } = await listAssets(parts.db, filter, { offset: 0, limit: ASSETS_LISTED_MAX })
      const assets = rows.map(({ asset_id, kind, title: titled, mime_type }) => ({
        ...{ assetId: asset_id, kind, title: titled, mimeType: mime_type },
      }))
      return told({ ok: true, total, assets })
    },
    async recycle_asset(given) {
      const of = { accountId, assetId: given.assetId }
      const asset = ownAsset(await parts.bus.current(studioAsset, timelessIdOf(given.assetId)), of)
      if (asset.projectId !== projectId) return refused('The asset is in another project.')
      if (isDry) return told({ ok: true, assetId: given.assetId })
      const command = { kind: 'recycle', ...of, at: now().toISOString() } as const
      await parts.bus.handle(studioAsset, timelessIdOf(given.assetId), command, contextOf())
      return told({ ok: true, assetId: given.assetId })
    },
    async submit_media_job({ task, title: titled = task, input }) {
      if (!parts.paid) return refused('There are no media jobs here.')
      if (jobs >= order.jobsMax) return refused(`A plan has at most ${order.jobsMax} jobs.`)
      const priced = await parts.paid.price({ task, input })
      jobs += 1
      const job = { task, title: titled, input: priced.input, stored: priced.stored }
      const outcome = told({ ok: true, status: 'awaiting_approval', estimatedUsdMicros: String(priced.usdMicros) })
      return { ...outcome, job: { ...job, estimatedUsdMicros: String(priced.usdMicros) } }
    },
  }

  async function create(kind: 'text' | 'storyboard', titled: string, mimeType: string, text: string) {
    if (isDry) return told({ ok: true, assetId: null, note: 'It is created when the prompt runs.' })
    const { asset } = await createDocument(
      parts,
      { accountId, projectId, kind, title: titled, mimeType, text },
      contextOf(),
    )
    return told({ ok: true, assetId: asset.assetId, version: asset.version })
  }

  async function save(kind: 'text' | 'storyboard', of: { assetId: string; title?: string | undefined }, text: string) {
    if (isDry) return told({ ok: true, assetId: of.assetId })
    const saved = { accountId, assetId: of.assetId, kind, title: of.title, text, expectedVersion: null }
    const { asset } = await saveDocument(parts, saved, contextOf())
    return told({ ok: true, assetId: asset.assetId, version: asset.version })
  }

  /** Does what a call asks for. What is wrong with the call is told to the model; faults of ours go up. */
  return async function run({ name, arguments: written }: ChatCall): Promise<ToolOutcome> {
    calls += 1
    if (!names.includes(name as ToolName)) return refused(`There is no tool ${name}.`)
    const given = argumentsIn(name as ToolName, written)
    if (typeof given === 'string') return refused(given)
    try {
      return await does[name as ToolName](given as never)
    } catch (error) {
      if (error instanceof Rejected) return refused(error.message)
      if (error instanceof JobUnusable) return refused(error.message)
      throw error
    }
  }
}

/** The arguments, or what is wrong with them. */
function argumentsIn(name: ToolName, written: string): object | string {
  let given: unknown
  try {
    given = JSON.parse(written === '' ? '{}' : written)
  } catch {
    return 'The arguments are no JSON.'
  }
  const read = argumentsOf[name].safeParse(given)
  if (read.success) return read.data
  const [issue] = read.error.issues
  return `/${(issue?.path ?? []).join('/')}: ${issue?.message ?? 'does not fit'}`
}
