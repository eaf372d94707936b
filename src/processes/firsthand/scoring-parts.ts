/** What a scoring works with, and how its commands are named: by submission, round and step, so that a repeat is the same. */
import type { Inspector } from '../../adapters/inspection/inspection.ts'
import type { ObjectStore } from '../../adapters/object-store/object-store.ts'
import type { VisionModel } from '../../adapters/vision/model.ts'
import { systemContext } from '../../commands/context.ts'
import type { PostedJob } from '../../commands/firsthand/job.ts'
import { type ScoringStep, type StoredSubmission, submission } from '../../commands/firsthand/submission.ts'
import type { CommandBus, CommandContext } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'

export interface ScoringParts {
  bus: CommandBus
  objects: ObjectStore
  inspector: Inspector
  /** Absent: the inspection alone decides. */
  model: VisionModel | undefined
  /** Where files lie while they are looked at. */
  directory: string
  /** The installation's clock. */
  now: () => Date
  /** Before a file that has ended the inspector is tried again. */
  crashRetryMs: number
  /** Waits for a model that does not answer, one after the other; after the last one the inspection alone decides. */
  modelRetryScheduleMs: readonly number[]
  /** Waits for an original that is missing or damaged; after the last one its submission is set aside. */
  originalRetryScheduleMs: readonly number[]
}

/** One scoring of a submission. */
export interface Attempt {
  parts: ScoringParts
  /** As this round finds it. */
  state: StoredSubmission
  posted: PostedJob
  round: number
  /** For its files alone. */
  folder: string
  signal: AbortSignal
}

/** The step that all others of a scoring follow from. */
export const INSPECTED = 'inspection'

export function contextOf({ parts, state, round }: Attempt, step: string): CommandContext {
  const scored = ['firsthand.scoring', state.owner.submissionId, String(round)]
  const [commandId, requestId] = [deterministicId(...scored, step), deterministicId(...scored)]
  const causationId = deterministicId(...scored, INSPECTED)
  return systemContext('firsthand-scoring', commandId, parts.now().toISOString(), { requestId, causationId })
}

type WithoutTime<Step> = Step extends unknown ? Omit<Step, 'at'> : never
export type Recording = WithoutTime<ScoringStep>

/** Records steps in the submission's stream, in one append, under the name of the first one; each once a round. */
export async function record(attempt: Attempt, name: string, recordings: readonly Recording[]): Promise<void> {
  const context = contextOf(attempt, name)
  const steps = recordings.map((recording) => ({ ...recording, at: context.at }) as ScoringStep)
  await attempt.parts.bus.handle(submission, attempt.state.owner.submissionId, { kind: 'takeSteps', steps }, context)
}
