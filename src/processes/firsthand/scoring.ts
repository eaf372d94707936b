/**
 * Scores a submission: fetches the bytes, has them inspected, asks the model where there is one, records, stores the copy for
 * the buyer, and has the job decide. A scoring can end anywhere and be done again: what the log has of it is taken from there.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type Inspection, InspectorCrashed } from '../../adapters/inspection/inspection.ts'
import { cannotBeRead, isApproved, lowerOf, type Score, starsOf } from '../../adapters/inspection/stars.ts'
import { thresholds } from '../../adapters/inspection/thresholds.ts'
import { ObjectDamaged, ObjectMissing } from '../../adapters/object-store/object-store.ts'
import { ModelUnavailable } from '../../adapters/vision/model.ts'
import { contentHash, contentHashIdOf } from '../../commands/firsthand/content-hash.ts'
import { job } from '../../commands/firsthand/job.ts'
import { inRound, submission } from '../../commands/firsthand/submission.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { sandboxCeiling } from './sandbox-jobs.ts'
import { copyIn, fetchOriginal, originalIn, previewIn, storeCopy } from './scored-files.ts'
import { type Attempt, contextOf, INSPECTED, type Recording, record, type ScoringParts } from './scoring-parts.ts'

/** Set: it was not decided, and is to be tried again at this time; null: not before somebody has it so. */
export interface Outcome {
  dueAt?: string | null
}

interface Judged extends Score {
  cause: 'score' | 'duplicate'
  /** Who decided. */
  scoredBy: string
}
interface Later {
  dueAt: string | null
}

const BY_INSPECTION = { cause: 'score', scoredBy: 'inspection' } as const
const FAULT_MAX = 500
const CRASHED = 'inspector_crashed'
const MODEL = 'model'
const ORIGINAL = 'original'
const SHARED = '; processes apart have to share DATA_DIR/objects, or use a bucket (S3_BUCKET)'

/** Scores one submission, where it still waits for that. Rejects where a service does not answer; it is done again then. */
export async function scoreSubmission(
  parts: ScoringParts,
  of: { submissionId: string; jobId: string },
  signal: AbortSignal,
): Promise<Outcome> {
  const awaited = await findAwaited(parts.bus, of)
  if (!awaited) return {}
  const folder = await mkdtemp(join(parts.directory, 'scoring-'))
  try {
    return await score({ parts, ...awaited, folder, signal })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

type Awaited = Pick<Attempt, 'state' | 'posted' | 'round'>

/**
 * The submission in its round, where it waits for a score. What this process knows of the two streams is asked first: where
 * that is old, it shows no seat, or other bytes, and then the log is asked. The job decides on what the log has in any case.
 */
async function findAwaited(
  bus: CommandBus,
  { submissionId, jobId }: { submissionId: string; jobId: string },
): Promise<Awaited | undefined> {
  for (const look of [bus.load, bus.current]) {
    const [state, posted] = await Promise.all([look(submission, submissionId), look(job, jobId)])
    if (state.status === 'absent' || posted.status === 'absent') continue
    const seat = posted.seats.get(submissionId)
    if (seat?.phase !== 'submitted' || seat.fileId !== state.upload.fileId) continue
    const before = inRound(state, seat)
    if (!before.isSetAside) return { state: before, posted, round: seat.round }
  }
  return undefined
}

async function score(attempt: Attempt): Promise<Outcome> {
  const { state } = attempt
  if (state.score && (!isSold(state.score) || state.copy)) {
    return decide(attempt, state.score, state.inspection?.perceptualHash ?? null)
  }
  const inspected = await inspect(attempt)
  if ('dueAt' in inspected) return inspected
  const { inspection } = inspected
  /** What the log does not have yet. */
  const found: Recording[] = []
  if (inspection && !state.inspection) {
    found.push({ kind: 'finishInspection', inspection: factsOf(attempt, inspection) })
  }
  if (state.score) return deliver(attempt, state.score, inspection, found)
  const judged = inspection ? await judge(attempt, inspection, found) : { ...cannotBeRead(), ...BY_INSPECTION }
  if ('dueAt' in judged) return judged
  found.push({ kind: 'giveScore', score: { round: attempt.round, ...judged } })
  return deliver(attempt, judged, inspection, found)
}

/** The buyer pays for it, as far as the score goes. */
const isSold = ({ stars, cause }: Pick<Judged, 'stars' | 'cause'>): boolean =>
  cause === 'score' && isApproved({ stars })

/** Records what was found and decides, once the buyer’s copy is stored where there is to be one. */
async function deliver(
  attempt: Attempt,
  judged: Omit<Judged, 'scoredBy'>,
  inspection: Inspection | undefined,
  found: Recording[],
): Promise<Outcome> {
  const hash = inspection?.image?.perceptualHash ?? null
  if (!isSold(judged)) {
    await recordFound(attempt, found)
    return decide(attempt, judged, hash)
  }
  // It was good once, and has ended the inspector since.
  if (!inspection?.copy) return decide(attempt, { ...cannotBeRead(), cause: 'score' }, null)
  found.push(await storeCopy(attempt, inspection.copy))
  await recordFound(attempt, found)
  return decide(attempt, judged, hash)
}

const NAMES = { finishInspection: INSPECTED, giveScore: 'score', storeCopy: 'copy' } as const

/** In one append: a crash before it leaves all to be found again, and the copy is written anew, the same one. */
async function recordFound(attempt: Attempt, found: Recording[]): Promise<void> {
  const [first] = found
  if (first) await record(attempt, NAMES[first.kind as keyof typeof NAMES], found.splice(0))
}

/** The inspection; none where the file has ended the inspector too often. */
async function inspect(attempt: Attempt): Promise<{ inspection: Inspection | undefined } | Later> {
  const { parts, state, posted, folder } = attempt
  const crashes = state.failures[CRASHED] ?? 0
  if (crashes >= thresholds.crashesMax) return { inspection: undefined }
  try {
    await fetchOriginal(attempt)
    const inspection = await parts.inspector.inspect({
      ...{ path: originalIn(folder), copyPath: copyIn(folder) },
      ...{ declaredType: state.upload.contentType, acceptedTypes: posted.facts.acceptedFormats },
      ...(parts.model ? { previewPath: previewIn(folder) } : {}),
    })
    return { inspection }
  } catch (error) {
    if (error instanceof ObjectMissing || error instanceof ObjectDamaged) {
      // An outage ends by itself; what is gone or damaged takes somebody who brings it back.
      const fault = `${error.message}${parts.objects.kind === 'disk' ? SHARED : ''}`
      return fail(attempt, ORIGINAL, fault, parts.originalRetryScheduleMs[state.failures[ORIGINAL] ?? 0])
    }
    if (!(error instanceof InspectorCrashed)) throw error
    const later = await fail(attempt, CRASHED, error.message, parts.crashRetryMs)
    return crashes + 1 >= thresholds.crashesMax ? { inspection: undefined } : later
  }
}

function factsOf({ state, round }: Attempt, { image, media, fault, detectedType, sha256 }: Inspection) {
  const ofSound: Record<string, number> = media && media.peak !== null ? { peak: media.peak } : {}
  const figures = image ? { variance: image.variance, mean: image.mean, deviation: image.deviation } : ofSound
  return {
    ...{ round, fileId: state.upload.fileId, contentType: detectedType, sha256 },
    ...{ width: image?.width ?? media?.width ?? null, height: image?.height ?? media?.height ?? null },
    ...{ durationSeconds: media?.durationSeconds ?? null, perceptualHash: image?.perceptualHash ?? null },
    ...{ figures, fault: fault?.detail ?? null },
  }
}

/** `found` is recorded before a model is asked, which takes long and costs money. */
async function judge(attempt: Attempt, inspection: Inspection, found: Recording[]): Promise<Judged | Later> {
  const { facts } = attempt.posted
  if (facts.environment === 'test') {
    const ceiling = sandboxCeiling(facts, attempt.state.owner.submissionId)
    return { ...lowerOf(ceiling, starsOf(inspection, false)), ...BY_INSPECTION }
  }
  const isRepeated = !(await ownsContent(attempt))
  const technical = starsOf(inspection, isRepeated)
  if (isRepeated && !inspection.fault) return { ...technical, cause: 'duplicate', scoredBy: 'inspection' }
  // What a model says can lower stars, and lower than a rejection is none.
  if (!attempt.parts.model || !inspection.image || !isApproved(technical)) return { ...technical, ...BY_INSPECTION }
  await recordFound(attempt, found)
  return askModel(attempt, technical)
}

/** Whether these bytes are this submission’s: the first one that is scored with them in the environment has them. */
async function ownsContent(attempt: Attempt): Promise<boolean> {
  const { parts, state } = attempt
  // Few files are sent twice.
  const context = { ...contextOf(attempt, 'content'), startsStream: true }
  const content = { ...state.owner, sha256: state.upload.sha256 }
  const claim = { content, at: context.at }
  const claimed = await parts.bus.handle(contentHash, contentHashIdOf(content), claim, context)
  return claimed.state.submissionId === state.owner.submissionId
}

async function askModel(attempt: Attempt, technical: Score): Promise<Judged | Later> {
  const { parts, state, posted, folder, signal } = attempt
  const model = parts.model!
  try {
    const { description } = posted.facts
    const opinion = await model.judge({ description, picturePath: previewIn(folder) }, signal)
    return { ...lowerOf(technical, opinion), cause: 'score', scoredBy: model.name }
  } catch (error) {
    if (!(error instanceof ModelUnavailable)) throw error
    const waitMs = parts.modelRetryScheduleMs[state.failures[MODEL] ?? 0]
    if (waitMs !== undefined) return fail(attempt, MODEL, error.message, waitMs)
    return { ...withoutModel(technical, parts.modelRetryScheduleMs), ...BY_INSPECTION }
  }
}

/** The score of the inspection alone, which says why it stands alone. */
function withoutModel({ stars, reason }: Score, scheduleMs: readonly number[]): Score {
  const minutes = Math.round(scheduleMs.reduce((sum, waitMs) => sum + waitMs, 0) / 60_000)
  const added = `the model could not be asked for ${minutes} minutes, so the inspection alone decides`
  return { stars, reason: `${reason.replace(/\.$/, '')}; ${added}.` }
}

/** Records a failure and when it is tried again; without a wait it is set aside. */
async function fail(attempt: Attempt, step: string, fault: string, waitMs: number | undefined): Promise<Later> {
  const { parts, state, round } = attempt
  const dueAt = waitMs === undefined ? null : new Date(parts.now().getTime() + waitMs).toISOString()
  const failure = { round, step, fault: fault.slice(0, FAULT_MAX), dueAt }
  await record(attempt, `${step} ${state.failures[step] ?? 0}`, [{ kind: 'failScoring', failure }])
  return { dueAt }
}

/** The job’s stream decides what the score comes to. */
async function decide(
  attempt: Attempt,
  { stars, reason, cause }: Omit<Judged, 'scoredBy'>,
  perceptualHash: string | null,
): Promise<Outcome> {
  const { submissionId, jobId } = attempt.state.owner
  const context = contextOf(attempt, 'decision')
  const of = { submissionId, round: attempt.round, stars, reason, cause, perceptualHash }
  await attempt.parts.bus.handle(job, jobId, { kind: 'score', ...of, at: context.at }, context)
  return {}
}
