/**
 * Carries out the jobs of the console, one at a time: whoever asks is answered at once, and a process of the projector role
 * does the work. A job that a process leaves at its end is begun again by the next, which goes on where that one stood.
 */
import { type JobEnd, type JobFacts, job } from '../../commands/console/job.ts'
import { systemContext } from '../../commands/context.ts'
import type { CommandBus } from '../../commands/handle.ts'
import { deterministicId } from '../../commands/identity.ts'
import type { ContextParts, RunningProcess } from '../../context.ts'
import { isPoison } from '../../events/subscription.ts'
import type { ReadModels } from '../../postgres/database.ts'
import { projectionsCheckpoint } from '../../projections/checkpoint.ts'
import { unfinishedJobs } from '../../projections/console/job.ts'
import { pauseProjector, resumeProjector } from '../../projections/control.ts'
import { createDueWork, type DueItem, type DueWork, usualPace } from '../due-work.ts'
import { newProcessHealth, type ProcessDependencies, runProcess } from '../process.ts'
import { argumentsOf, type JobEnvironment, type JobProgress, runCommand } from './job-command.ts'

/** The name of the process and of its leadership. */
export const JOBS = 'console-jobs'

/** Between two looks at what nobody has ended. */
const POLL_INTERVAL_MS = 30_000
/** Jobs that one look finds. */
const BATCH_MAX = 20
/** Least time between two reports of a job: each is an event. */
const PROGRESS_MIN_MS = 5_000
/** Of a job whose process ends each time. */
const RUNS_MAX = 10

export interface JobsOptions extends ProcessDependencies {
  bus: CommandBus
  /** Variables by which the command line finds what the instance works on. */
  variables: JobEnvironment['variables']
}

/** As the declaration of a context has it. */
export function startJobs({ config, services, bus, dependenciesOf }: ContextParts): RunningProcess {
  const health = newProcessHealth()
  const variables = {
    ...config.GIVEN,
    ...{ DATA_DIR: config.DATA_DIR, EVENTSTORE_URL: services.eventStore.url, DATABASE_URL: services.postgres.url },
  }
  return { ended: runJobs({ ...dependenciesOf(JOBS, health), bus, variables }), health }
}

const cancelled = new Error('the job was cancelled')

/** Runs until `signal` aborts; stands by while another process leads. */
export function runJobs(options: JobsOptions): Promise<void> {
  const underWay = new Map<string, AbortController>()
  const work = createJobWork(options, underWay)
  return runProcess(
    {
      name: JOBS,
      types: ['console.Job'],
      async handle(events) {
        for (const event of events) {
          if (isPoison(event)) continue
          const { jobId } = event.data as { jobId: string }
          if (event.type === 'console.JobRequested.v1') work.offer({ id: jobId, key: JOBS })
          if (event.type === 'console.JobCancelRequested.v1') underWay.get(jobId)?.abort(cancelled)
        }
      },
      background: (signal) => [work.run(signal)],
    },
    options,
  )
}

function createJobWork(options: JobsOptions, underWay: Map<string, AbortController>): DueWork<DueItem> {
  const { bus, db, log, pace = usualPace, now = () => new Date() } = options
  return createDueWork<DueItem>({
    ...{ name: 'jobs of the console', log, now },
    limits: {
      // What is interrupted at the stop is gone on with later.
      ...{ ...pace, drainMs: 0, concurrencyMax: 1, keyConcurrencyMax: 1, keyQueueMax: BATCH_MAX },
      ...{ batchMax: BATCH_MAX, pollIntervalMs: POLL_INTERVAL_MS },
    },
    findDue: async ({ limit }) => (await unfinishedJobs(db, limit)).map(({ job_id: id }) => ({ id, key: JOBS })),
    async work({ id }, stopping) {
      const state = await bus.current(job, id)
      if (state.status === 'absent' || state.status === 'finished') return
      const { facts, runs, isCancelled } = state
      const tell = teller(options, id, runs + 1)
      if (isCancelled) return tell('finish', { kind: 'finish', end: ended('cancelled', null) })
      if (runs >= RUNS_MAX) {
        const error = `It was begun ${runs} times, and each time the process ended before it was done.`
        return tell('finish', { kind: 'finish', end: ended('refused', error) })
      }
      await tell('start', { kind: 'start' })
      const cancel = new AbortController()
      underWay.set(id, cancel)
      try {
        const end = await carriedOut(options, facts, AbortSignal.any([stopping, cancel.signal]), tell)
        await tell('finish', { kind: 'finish', end })
      } catch (error) {
        // At the stop it stays as it is, for the next process.
        if (stopping.aborted) throw error
        if (!cancel.signal.aborted) log.error({ err: error, jobId: id }, 'a job of the console has failed')
        const end = cancel.signal.aborted ? ended('cancelled', null) : ended('refused', textOf(error))
        await tell('finish', { kind: 'finish', end })
      } finally {
        underWay.delete(id)
      }
    },
  })
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const ended = (outcome: JobEnd['outcome'], error: string | null): JobEnd => ({
  ...{ outcome, error, log: '', tables: [], findings: [], findingsTotal: 0, figures: {} },
})

type Told = { kind: 'start' } | { kind: 'finish'; end: JobEnd } | ({ kind: 'progress' } & JobProgress)
type Tell = (part: string, told: Told) => Promise<void>

/** Records what becomes of one run of a job; each part once. */
function teller({ bus, now = () => new Date() }: JobsOptions, jobId: string, run: number): Tell {
  return async (part, told) => {
    const at = now().toISOString()
    const commandId = deterministicId(JOBS, jobId, String(run), part)
    await bus.handle(job, jobId, { ...told, at }, systemContext(JOBS, commandId, at, { requestId: jobId }))
  }
}

async function carriedOut(options: JobsOptions, facts: JobFacts, signal: AbortSignal, tell: Tell): Promise<JobEnd> {
  const { variables, db } = options
  const args = argumentsOf(facts)
  if (!args) return controlled(db, facts)
  const reports = createReports(tell)
  try {
    return await runCommand(args, { variables, signal, onProgress: reports.offer })
  } finally {
    await reports.ended()
  }
}

/** Reports come one after the other, at most each PROGRESS_MIN_MS; those that come meanwhile are left out. */
function createReports(tell: Tell) {
  let telling: Promise<void> = Promise.resolve()
  let failure: unknown
  let lastMs = performance.now()
  let count = 0
  return {
    offer(progress: JobProgress): void {
      if (performance.now() - lastMs < PROGRESS_MIN_MS) return
      lastMs = performance.now()
      const part = `progress ${count++}`
      telling = telling
        .then(() => tell(part, { kind: 'progress', ...progress }))
        .catch((error: unknown) => {
          failure ??= error
        })
    },
    async ended(): Promise<void> {
      await telling
      if (failure !== undefined) throw failure
    },
  }
}

/** A pause, or its end. */
async function controlled(db: ReadModels, { kind, context }: JobFacts): Promise<JobEnd> {
  const checkpoint = projectionsCheckpoint(context ?? '')
  if (kind === 'resume') {
    await resumeProjector(db, checkpoint)
    return ended('done', null)
  }
  if (await pauseProjector(db, checkpoint)) return ended('done', null)
  return ended('refused', 'Nothing of this context has been projected yet.')
}
