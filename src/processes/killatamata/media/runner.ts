/**
 * Runs media jobs: each account's in their order, accounts in turn, so many at a time. An attempt is in the log before it begins. What
 * breaks off is tried again; what ends by its input, by its provider or by its deadline fails, and costs nothing.
 */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MediaProvider } from '../../../adapters/media/order.ts'
import { systemContext } from '../../../commands/context.ts'
import {
  isRunning,
  type MediaJobCommand,
  type MediaJobState,
  mediaJob,
} from '../../../commands/killatamata/media-job.ts'
import type { Recorded } from '../../../events/event.ts'
import { type MediaJobEvent, mediaTask } from '../../../events/killatamata/media.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import { findRunningJobs } from '../../../projections/killatamata/media.ts'
import { createDueWork, type DueItem, type DueWork } from '../../due-work.ts'
import { type ProcessDependencies, runProcess } from '../../process.ts'
import type { Media } from './parts.ts'
import { settleJob } from './settling.ts'
import { createMediaSweep } from './sweep.ts'
import { attemptJob, JobFailed, removeOutputs } from './work.ts'

export const MEDIA = 'killatamata-media'
const REQUESTED = 'killatamata.MediaJobRequested.v1'
const ENDED = ['killatamata.MediaJobCompleted.v1', 'killatamata.MediaJobFailed.v1']

const RETRY_MIN_MS = 250
const RETRY_MAX_MS = 10_000
const DRAIN_MS = 5_000
/** Between two looks at the log for one job. */
const LOOK_MS = 250

type Options = ProcessDependencies & { media: Media }
type Running = Extract<MediaJobState, { status: 'queued' | 'processing' }>

/** Of the work that this provider has for the last attempt. */
const refOf = ({ submitted, attempts }: Running, provider: MediaProvider | undefined): string | undefined =>
  submitted?.attempt === attempts && submitted.provider === provider?.name ? submitted.ref : undefined

export function createRunner({
  media,
  log,
  now = () => new Date(),
}: Pick<Options, 'media' | 'log' | 'now'>): DueWork<DueItem> {
  const { bus, limits, directory } = media
  const context = () => systemContext(MEDIA, randomUUID(), now().toISOString())
  const tell = (requestId: string, command: MediaJobCommand) => bus.handle(mediaJob, requestId, command, context())
  const at = () => now().toISOString()
  // Who waits for a queue elsewhere takes no worker, and who waits for a worker does so there.
  const hasQueue = mediaTask.options.some((task) => media.providerOf(task)?.isDurable)
  const concurrencyMax = limits.MEDIA_CONCURRENCY_MAX + (hasQueue ? limits.MEDIA_QUEUE_CONCURRENCY_MAX : 0)

  /** Begins an attempt, or goes on with the work that a queue elsewhere has. */
  async function begin(requestId: string, known: Running, signal: AbortSignal): Promise<MediaJobState> {
    const provider = media.providerOf(known.facts.job.task)
    const isLate = at() > known.facts.deadlineAt
    const state = provider?.isDurable && !isLate ? await named(known, provider, signal) : known
    if (!isRunning(state)) return state
    const ref = refOf(state, provider)
    if (ref !== undefined && !isLate) return state
    // Where the queue cannot be told so, it ends by itself, and nobody takes what comes of it.
    if (ref !== undefined) await provider?.cancel(ref).catch((err: unknown) => log.warn({ err, ref }, NOT_CANCELLED))
    return (await tell(requestId, { kind: 'start', attemptsMax: limits.MEDIA_JOB_ATTEMPTS_MAX, at: at() })).state
  }

  /**
   * An attempt that has begun and has no ref may be under way all the same: the process, or the answer, was lost in between. A callback
   * that names the work is waited for, since what is submitted once more is paid once more.
   */
  async function named(known: Running, provider: MediaProvider, signal: AbortSignal): Promise<MediaJobState> {
    const { requestId } = known.facts
    let state: MediaJobState = known
    while (isRunning(state) && state.attemptAt !== null && refOf(state, provider) === undefined) {
      const waitsUntil = Date.parse(state.attemptAt) + limits.MEDIA_QUEUE_NAME_WAIT_MS
      if (now().getTime() >= waitsUntil) break
      await delay(LOOK_MS, undefined, { signal })
      state = await bus.current(mediaJob, requestId)
    }
    return state
  }

  /** Until it is in the log: the work is under way, and nothing else knows by which id. */
  async function record(requestId: string, command: MediaJobCommand, signal: AbortSignal): Promise<void> {
    for (;;) {
      try {
        return void (await tell(requestId, command))
      } catch (err) {
        log.warn({ err, requestId }, 'the id of submitted work is not in the log yet; it is tried again')
        await delay(LOOK_MS, undefined, { signal })
      }
    }
  }

  async function run(requestId: string, state: Running, signal: AbortSignal): Promise<void> {
    const { facts, attempts } = state
    const overMs = Date.parse(facts.deadlineAt) - now().getTime()
    const deadline = AbortSignal.timeout(Math.max(1, overMs))
    const place = await mkdtemp(join(directory, 'job-'))
    try {
      const outcome = await attemptJob(media, {
        ...{ facts, attempt: attempts, directory: place, signal: AbortSignal.any([signal, deadline]), deadline },
        ref: refOf(state, media.providerOf(facts.job.task)),
        onSubmitted: (provider, ref) =>
          record(requestId, { kind: 'submitted', attempt: attempts, provider, ref, at: at() }, signal),
      })
      await tell(requestId, { kind: 'complete', ...outcome, at: at() })
    } catch (error) {
      // Whoever runs it next goes on.
      if (signal.aborted) throw error
      const failed = deadline.aborted ? TOO_LATE : error
      if (!(failed instanceof JobFailed)) throw error
      if (failed.cause) log.info({ err: failed.cause, jobId: facts.jobId, code: failed.code }, 'a media job failed')
      await tell(requestId, { kind: 'fail', code: failed.code, message: failed.message, at: at() })
    } finally {
      await rm(place, { recursive: true, force: true })
    }
  }

  return createDueWork<DueItem>({
    ...{ name: 'media jobs', log, now },
    limits: {
      ...{ concurrencyMax, keyConcurrencyMax: Math.max(2, concurrencyMax) },
      ...{ keyQueueMax: limits.MEDIA_QUEUE_PER_ACCOUNT_MAX, batchMax: limits.MEDIA_QUEUE_BATCH_MAX },
      ...{ pollIntervalMs: limits.MEDIA_POLL_INTERVAL_MS, drainMs: DRAIN_MS },
      ...{ retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS },
    },
    async findDue({ keyMax, limit }) {
      const found = await findRunningJobs(media.db, keyMax, limit)
      return found.map(({ request_id: id, account_id: key }) => ({ id, key }))
    },
    async work({ id }, signal) {
      const known = await bus.current(mediaJob, id)
      const state = isRunning(known) ? await begin(id, known, signal) : known
      if (isRunning(state)) await run(id, state, signal)
      await settleJob(media, id, context())
      const end = await bus.current(mediaJob, id)
      // Files that came too late, or of an attempt that broke off: nobody has their address, and no sweep looks for them.
      if (end.status === 'failed') await removeOutputs(media, end.facts.jobId)
    },
  })
}

const NOT_CANCELLED = 'work that nobody wants any more could not be cancelled'
const TOO_LATE = new JobFailed('provider_timeout', 'The job did not end within its time.')

/** Runs until `signal` aborts; stands by while another process leads. */
export function runMedia(options: Options): Promise<void> {
  const { media, log, now = () => new Date(), ...dependencies } = options
  const runner = createRunner({ media, log, now })
  const sweep = createMediaSweep({ media, log, now })

  async function follow(event: Delivered): Promise<void> {
    if (isPoison(event)) {
      const { id, stream, type, fault } = event
      return log.error({ eventId: id, stream, type, fault }, 'an event about a media job does not decode')
    }
    const { type, data } = event as Recorded<MediaJobEvent>
    if (type === REQUESTED) runner.offer({ id: data.requestId, key: data.accountId })
    // Its end is in the log, and whoever wrote it may be gone.
    else await settleJob(media, data.requestId, systemContext(MEDIA, randomUUID(), now().toISOString()))
  }

  const handle = async (events: Delivered[]) => {
    for (const event of events) await follow(event)
  }
  const background = (signal: AbortSignal) => [runner.run(signal), sweep.run(signal)]
  const definition = { name: MEDIA, types: [REQUESTED, ...ENDED], handle, background }
  return runProcess(definition, { ...dependencies, log, now })
}
