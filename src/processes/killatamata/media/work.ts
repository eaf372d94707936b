/** One attempt at a job: its inputs become files, a provider makes others of them, and these go into the object store. */
import { createReadStream, createWriteStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type InputFile,
  type MediaProvider,
  type Progress,
  type ProviderJob,
  type RenderedFile,
  RenderFailed,
} from '../../../adapters/media/order.ts'
import { NotTaken } from '../../../adapters/media/probe.ts'
import { measure } from '../../../adapters/object-store/hashing.ts'
import { ObjectMissing, ObjectStoreUnavailable } from '../../../adapters/object-store/object-store.ts'
import { mediaFileIdOf } from '../../../commands/killatamata/ids.ts'
import type { Given } from '../../../commands/killatamata/media/plan.ts'
import { finalPrice, priceOf } from '../../../commands/killatamata/media/prices.ts'
import { planOf, taskRules } from '../../../commands/killatamata/media/tasks.ts'
import type { MediaJobFacts } from '../../../commands/killatamata/media-job.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import type {
  Adjustment,
  MediaFailure,
  MediaFile,
  MediaSource,
  PreparedJob,
} from '../../../events/killatamata/media.ts'
import { fetchFile, NotFetched } from './outbound.ts'
import type { Media } from './parts.ts'
import { plannedSource, withSources } from './preparing.ts'
import { bytesMaxOf } from './staging.ts'

/** An end that another attempt would not change. */
export class JobFailed extends Error {
  override name = 'JobFailed'
  readonly code: MediaFailure
  constructor(code: MediaFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

export interface Attempt {
  facts: MediaJobFacts
  attempt: number
  /** Work of a queue elsewhere that was begun before. */
  ref: string | undefined
  directory: string
  /** Called with the ref of a durable provider before it is asked how the work goes. */
  onSubmitted: (provider: string, ref: string) => Promise<void>
  /** Nobody waits for it any more: whoever goes on later, or the deadline. */
  signal: AbortSignal
  /** Nobody will ever take what comes of it. */
  deadline: AbortSignal
}

export interface Outcome {
  files: MediaFile[]
  chargedMicros: bigint
  effectiveInput: PreparedJob['effectiveInput']
  adjustments: Adjustment[]
}

/** Throws JobFailed; anything else may go better another time. */
export async function attemptJob(media: Media, attempt: Attempt): Promise<Outcome> {
  const { job } = attempt.facts
  const provider = media.providerOf(job.task)
  if (!provider) throw new JobFailed('provider_failed', 'Nobody makes this here now.')
  const { inputs, sources } = await collect(media, attempt)
  const planned = planAgain(job, sources)
  requireHeld(job, planned.quantity)
  const order = {
    ...{ task: job.task, input: planned.effective, inputs },
    ...{ directory: attempt.directory, outputNames: job.outputNames },
  }
  const { requestId } = attempt.facts
  const made = await make(provider, attempt, { requestId, attempt: attempt.attempt, order })
  const files = await store(media, attempt, made)
  const tenths = Math.ceil(made.reduce((sum, { measures }) => sum + (measures.durationMs ?? 0), 0) / 100)
  return {
    files,
    chargedMicros: finalPrice(job.pricing, BigInt(job.holdUsdMicros), { quantity: planned.quantity, tenths }),
    effectiveInput: withSources(job.task, planned.effective, sources),
    adjustments: planned.adjustments,
  }
}

/** What the fetched sources change: without any, what was said when the job was asked for. */
function planAgain(job: PreparedJob, sources: readonly MediaSource[]) {
  const names = new Set(taskRules[job.task].sources.map(({ field }) => field))
  const given: Given = Object.fromEntries(
    Object.entries(job.effectiveInput).filter(([name, value]) => !names.has(name) && value !== null),
  )
  const isKnown = job.sources.every(({ kind }) => kind === 'object')
  const effective = Object.fromEntries(Object.entries(job.effectiveInput).filter(([name]) => !names.has(name)))
  if (isKnown) return { effective, adjustments: job.adjustments, quantity: job.pricing.quantity }
  try {
    const plan = planOf({ task: job.task, given, sources: sources.map(plannedSource) })
    const nameOf = ({ field, reason }: Adjustment) => `${field} ${reason}`
    const before = new Set(job.adjustments.map(nameOf))
    const adjustments = [...job.adjustments, ...plan.adjustments.filter((each) => !before.has(nameOf(each)))]
    return { effective: plan.effective, adjustments, quantity: plan.bill.quantity }
  } catch (error) {
    if (!(error instanceof Rejected)) throw error
    throw new JobFailed('input_unusable', error.message, { cause: error })
  }
}

/**
 * What clips cost that could not be looked at was held by what was said of them, or by what is usual: nothing is made for less than it
 * costs, and nothing is charged beyond the hold.
 */
function requireHeld({ pricing, holdUsdMicros }: PreparedJob, quantity: number): void {
  const price = priceOf(pricing, quantity)
  if (price <= BigInt(holdUsdMicros)) return
  const detail = `${price} micro-dollars, and ${holdUsdMicros} were held: say how long it is, and how many frames a second it has.`
  throw new JobFailed('input_unusable', `What was fetched costs ${detail}`)
}

/** All sources as files; those from elsewhere are fetched, looked at and measured. */
async function collect(media: Media, { facts, directory, signal }: Attempt) {
  const inputs: InputFile[] = []
  const sources: MediaSource[] = []
  for (const [number, source] of facts.job.sources.entries()) {
    const path = join(directory, `input-${number}`)
    const found =
      source.kind === 'object' ? await copyOf(media, source, path) : await fetched(media, facts, source, path, signal)
    sources.push(found)
    const isList = taskRules[facts.job.task].sources.some((each) => each.field === found.field && each.isList)
    inputs.push({ field: found.field, index: found.index, path, mimeType: found.mimeType, isList })
  }
  return { inputs, sources }
}

type ObjectSource = Extract<MediaSource, { kind: 'object' }>

async function copyOf({ objects }: Media, source: ObjectSource, path: string): Promise<ObjectSource> {
  try {
    await pipeline(await objects.read(source.objectKey, source.sha256), createWriteStream(path))
    return source
  } catch (error) {
    if (!(error instanceof ObjectMissing)) throw error
    throw new JobFailed('input_unavailable', 'An input is not here any more.', { cause: error })
  }
}

async function fetched(
  media: Media,
  { job }: MediaJobFacts,
  { field, index, url }: Extract<MediaSource, { kind: 'address' }>,
  path: string,
  signal: AbortSignal,
): Promise<ObjectSource> {
  const kind = taskRules[job.task].sources.find((each) => each.field === field)?.kind ?? 'image'
  const timeoutMs = media.limits.MEDIA_FETCH_TIMEOUT_MS
  try {
    await fetchFile(media.outbound, { url, to: path, bytesMax: bytesMaxOf(media, kind), timeoutMs, signal })
    const { mimeType, measures } = await media.workers.probe({ path, wanted: kind, prober: media.prober() })
    const { sha256 } = await measure(createReadStream(path))
    const { size: sizeBytes } = await stat(path)
    return { kind: 'object', field, index, objectKey: '', sha256, mimeType, sizeBytes, measures }
  } catch (error) {
    if (error instanceof NotFetched) throw new JobFailed('input_unavailable', error.message, { cause: error })
    if (error instanceof NotTaken) throw new JobFailed('input_unusable', error.message, { cause: error })
    throw error
  }
}

async function make(provider: MediaProvider, attempt: Attempt, job: ProviderJob): Promise<readonly RenderedFile[]> {
  const { signal, deadline } = attempt
  const ref = attempt.ref ?? (await submit(provider, attempt, job))
  try {
    let progress: Progress = { status: 'running' }
    while (progress.status === 'running') {
      signal.throwIfAborted()
      progress = await provider.poll(ref, job, signal)
    }
    if (progress.status === 'failed') throw new JobFailed(progress.code, progress.message)
    return progress.files
  } catch (error) {
    // Work in a queue elsewhere is gone on with by the next process. Beyond the deadline it is nobody's; where the queue cannot be
    // told so, it ends by itself.
    const isNobodys = deadline.aborted || (signal.aborted && !provider.isDurable)
    if (isNobodys) await provider.cancel(ref).catch(() => undefined)
    throw error
  }
}

async function submit(provider: MediaProvider, attempt: Attempt, job: ProviderJob): Promise<string> {
  try {
    const { ref } = await provider.submit(job, attempt.signal)
    if (provider.isDurable) await attempt.onSubmitted(provider.name, ref)
    return ref
  } catch (error) {
    if (!(error instanceof RenderFailed)) throw error
    throw new JobFailed(error.code, error.message, { cause: error })
  }
}

/** Under keys of this attempt, so that another one's bytes are never mixed with them. */
async function store(media: Media, { facts, attempt }: Attempt, made: readonly RenderedFile[]): Promise<MediaFile[]> {
  const files: MediaFile[] = []
  for (const [index, { path, mimeType, sizeBytes, sha256, measures }] of made.entries()) {
    const fileId = mediaFileIdOf(facts.jobId, facts.occurredAt, index)
    const objectKey = `${outputsPrefixOf(facts.jobId)}${attempt}/${fileId}`
    await writeAgain(media, () => media.objects.write(objectKey, path, { contentType: mimeType, sha256 }))
    const name = facts.job.outputNames[index] ?? `file-${index}`
    files.push({ fileId, name, objectKey, mimeType, sizeBytes, sha256, measures })
  }
  return files
}

/** Everything of a job's lies under it, whichever attempt has left it. */
const outputsPrefixOf = (jobId: string): string => `media/outputs/${jobId}/`

/** Removes what attempts at a job have stored. */
export async function removeOutputs({ objects, limits }: Pick<Media, 'objects' | 'limits'>, jobId: string) {
  const found = await objects.list(outputsPrefixOf(jobId), undefined, limits.MEDIA_SWEEP_BATCH_MAX)
  for (const { key } of found) await objects.delete(key)
}

/** A store that is full or away gets some time; then the job has failed. */
async function writeAgain({ limits }: Media, write: () => Promise<void>): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await write()
    } catch (error) {
      if (!(error instanceof ObjectStoreUnavailable)) throw error
      const waitMs = limits.MEDIA_STORE_RETRY_WAITS_MS[attempt]
      if (waitMs === undefined) {
        throw new JobFailed('provider_failed', 'The files could not be stored.', { cause: error })
      }
      await delay(waitMs)
    }
  }
}
