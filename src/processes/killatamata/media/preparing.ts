/** From what a caller asks for to a job that can be held for, kept, and run as it stands. Nothing is charged, and nothing is in the log. */
import { ToolMissing } from '../../../adapters/media/tools.ts'
import { readInput } from '../../../commands/killatamata/media/inputs.ts'
import type { Json, PlannedSource } from '../../../commands/killatamata/media/plan.ts'
import { priceOf, pricingOf } from '../../../commands/killatamata/media/prices.ts'
import { planOf, taskRules } from '../../../commands/killatamata/media/tasks.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import type { MediaSource, MediaTask, PreparedJob } from '../../../events/killatamata/media.ts'
import type { ReadModels } from '../../../postgres/database.ts'
import { findTaskDuration } from '../../../projections/killatamata/media.ts'
import { createLru, type Lru } from '../../../runtime/lru.ts'
import { vetAddress } from './outbound.ts'
import type { Media } from './parts.ts'
import { stage } from './staging.ts'

export interface MediaRequest {
  task: MediaTask
  /** As the contract has it, already held against its schema. */
  input: Readonly<Record<string, unknown>>
  completionCallbackUrl?: string | undefined
}

/** Tasks whose price needs their clips. */
const LOOKS_NOW: readonly MediaTask[] = ['video.resize', 'video.combine']

export const plannedSource = (source: MediaSource): PlannedSource => ({
  ...{ field: source.field, index: source.index },
  measures: source.kind === 'object' ? source.measures : undefined,
})

/** A source as answers show it: without bytes, and without what an address may hold of secrets. */
function shown(source: MediaSource): Json {
  if (source.kind === 'object') {
    const { sha256, mimeType, sizeBytes, measures } = source
    return { sha256, mimeType, sizeBytes, ...measures }
  }
  const { origin, pathname } = new URL(source.url)
  return { url: `${origin}${pathname}` }
}

/** The effective input with its sources by their own names. */
export function withSources(task: MediaTask, effective: Record<string, Json>, sources: readonly MediaSource[]) {
  const whole = { ...effective }
  for (const { field, isList } of taskRules[task].sources) {
    const own = sources.filter((source) => source.field === field)
    if (own.length > 0) whole[field] = isList ? own.map(shown) : shown(own[0] as MediaSource)
  }
  return whole
}

/**
 * Stages the sources, plans the job and prices it. The same request may be prepared again: what was staged stays the same object.
 * Throws Rejected: media_input_invalid, conflicting_inputs, invalid_frame_count, frame_budget_exceeded, url_not_allowed,
 * task_unavailable; and ObjectStoreUnavailable.
 */
export async function prepareJob(
  media: Media,
  { task, input, completionCallbackUrl }: MediaRequest,
): Promise<PreparedJob> {
  requireTask(media, task)
  const { given, sources: asked, adjustments: read } = readInput(task, input)
  // What does not fit whatever the sources are is said before any is fetched.
  planOf({ task, given, sources: asked.map(({ field, index }) => ({ field, index, measures: undefined })) })
  const callbackUrl =
    completionCallbackUrl === undefined
      ? null
      : (await vetAddress(media.outbound, completionCallbackUrl, '/completionCallbackUrl')).href
  const staged = []
  for (const each of asked) staged.push(await stage(media, each, LOOKS_NOW.includes(task)))
  const sources = staged.map(({ source }) => source)
  const plan = planOf({ task, given, sources: sources.map(plannedSource) })
  const pricing = pricingOf(plan.bill)
  const { seconds, samples } = await usualDuration(media.db, task)
  return {
    ...{ task, sources, pricing, callbackUrl, outputNames: plan.outputNames },
    effectiveInput: withSources(task, plan.effective, sources),
    adjustments: [...read, ...staged.flatMap((each) => each.adjustments), ...plan.adjustments],
    stagedInputCount: staged.filter(({ isInline }) => isInline).length,
    holdUsdMicros: String(priceOf(pricing)),
    estimatedDurationS: samples > 0 ? seconds : plan.usualS,
    estimate: { basis: samples > 0 ? 'history' : 'default', samples },
  }
}

/** Throws Rejected (task_unavailable) with what is missing. */
function requireTask({ providerOf, prober }: Media, task: MediaTask): void {
  const provider = providerOf(task)
  if (!provider) throw new Rejected('task_unavailable', `Nobody makes ${task} here now.`)
  try {
    prober()
  } catch (error) {
    if (error instanceof ToolMissing) throw new Rejected('task_unavailable', error.message)
    throw error
  }
}

const SAMPLES_MAX = 20
const KNOWN_MS = 30_000
type Durations = Lru<MediaTask, ReturnType<typeof findTaskDuration>>
const durations = new WeakMap<ReadModels, Durations>()

/** Of the last jobs of this task, as it was found half a minute ago at most. */
async function usualDuration(db: ReadModels, task: MediaTask) {
  const known: Durations = durations.get(db) ?? createLru(20, { ttlMs: KNOWN_MS })
  durations.set(db, known)
  // A thousand requests at once ask once; what fails is asked again.
  let asking = known.get(task)
  if (!asking) {
    asking = findTaskDuration(db, task, SAMPLES_MAX)
    known.set(task, asking)
    asking.catch(() => known.delete(task))
  }
  const { seconds, samples } = await asking
  return { seconds: Math.round(seconds * 100) / 100, samples }
}
