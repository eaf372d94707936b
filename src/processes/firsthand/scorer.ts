/**
 * The scorer: what is submitted is scored in lanes, some at once for each organization, so that one with much to score holds
 * up nobody but itself.
 */
import { type Delivered, isPoison } from '../../events/subscription.ts'
import type { Log } from '../../log.ts'
import { findDueScorings } from '../../projections/firsthand/claim.ts'
import { createLru } from '../../runtime/lru.ts'
import { createDueWork, type DueWork, usualPace } from '../due-work.ts'
import { type ProcessDependencies, runProcess } from '../process.ts'
import { SCORING } from './process-names.ts'
import { scoreSubmission } from './scoring.ts'
import type { ScoringParts } from './scoring-parts.ts'

export interface ScorerLimits {
  /** Submissions at once, and those of one organization. */
  concurrencyMax: number
  organizationConcurrencyMax: number
  batchMax: number
  pollIntervalMs: number
}

/** Submissions whose next try is remembered until the read model has it. */
const POSTPONED_MAX = 10_000

interface Due {
  /** The submission. */
  id: string
  /** The organization. */
  key: string
  jobId: string
}

type Options = ProcessDependencies & { parts: ScoringParts; limits: ScorerLimits }

/** Runs until `signal` aborts; stands by while another process leads. */
export function runScorer(options: Options): Promise<void> {
  const scoring = createScoring(options)
  return runProcess(
    {
      name: SCORING,
      types: ['firsthand.SubmissionReceived.v1'],
      handle: async (events) => offerScorings(events, scoring, options.log),
      background: (signal) => [scoring.run(signal)],
    },
    options,
  )
}

/** Offers each submission that has arrived; what does not decode is told of, and passed over. */
export function offerScorings(
  events: readonly Delivered[],
  scoring: Pick<DueWork<Due>, 'offer'>,
  log: Pick<Log, 'error'>,
): void {
  for (const event of events) {
    if (isPoison(event)) {
      const { id, stream, type, fault } = event
      log.error({ eventId: id, stream, type, fault }, 'an event about submissions does not decode')
      continue
    }
    const { submissionId, organizationId, jobId } = event.data as Record<
      'submissionId' | 'organizationId' | 'jobId',
      string
    >
    scoring.offer({ id: submissionId, key: organizationId, jobId })
  }
}

function createScoring({ db, log, pace = usualPace, parts, limits }: Options): DueWork<Due> {
  const postponed = createLru<string, number>(POSTPONED_MAX)
  const { concurrencyMax, organizationConcurrencyMax, batchMax, pollIntervalMs } = limits
  const work = createDueWork<Due>({
    name: 'scoring',
    log,
    now: parts.now,
    limits: {
      ...pace,
      ...{
        concurrencyMax,
        keyConcurrencyMax: organizationConcurrencyMax,
        keyQueueMax: batchMax,
        batchMax,
        pollIntervalMs,
      },
    },
    async findDue({ now, keyMax, limit }) {
      const rows = await findDueScorings(db, now.toISOString(), keyMax, limit)
      return rows.map(({ submission_id, organization_id, job_id }) => ({
        id: submission_id,
        key: organization_id,
        jobId: job_id,
      }))
    },
    async work({ id: submissionId, jobId }, signal) {
      if ((postponed.get(submissionId) ?? 0) > parts.now().getTime()) return
      const { dueAt } = await scoreSubmission(parts, { submissionId, jobId }, signal)
      if (dueAt === undefined || dueAt === null) return
      postponed.set(submissionId, Date.parse(dueAt))
      work.wakeAt(new Date(dueAt))
    },
  })
  return work
}
