/**
 * Tells the ends of jobs: one logical POST each, with the same id and the same body at every attempt. It goes through the guard of what
 * leads outside, follows no redirect, and never delays or changes the job.
 */
import { randomUUID } from 'node:crypto'
import { systemContext } from '../../../commands/context.ts'
import { callback } from '../../../commands/killatamata/callback.ts'
import { type MediaJobState, mediaJob } from '../../../commands/killatamata/media-job.ts'
import { numberOf, usdText } from '../../../commands/killatamata/money.ts'
import type { Recorded } from '../../../events/event.ts'
import type { CallbackEvent } from '../../../events/killatamata/media.ts'
import { type Delivered, isPoison } from '../../../events/subscription.ts'
import { findDueCallbacks } from '../../../projections/killatamata/media.ts'
import { sendWebhook, type WebhookAnswer } from '../../../webhooks/request.ts'
import { createDueWork, type DueItem, type DueWork } from '../../due-work.ts'
import { type ProcessDependencies, runProcess } from '../../process.ts'
import type { CallbackKeys } from './callback-keys.ts'
import { mayLoopback } from './outbound.ts'
import type { Media } from './parts.ts'
import { shownFiles } from './shown-files.ts'

export const CALLBACKS = 'killatamata-callbacks'
const REQUESTED = 'killatamata.CallbackRequested.v1'
const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 60_000
const DRAIN_MS = 5_000
const EXCERPT_MAX_BYTES = 200

type Parts = Pick<Media, 'bus' | 'db' | 'addresses' | 'outbound' | 'limits'>
type Options = ProcessDependencies & { media: Parts; keys: CallbackKeys }
type Ended = Extract<MediaJobState, { status: 'completed' | 'failed' }>

const isEnded = (state: MediaJobState): state is Ended => state.status === 'completed' || state.status === 'failed'

/** What is told. It follows from the log alone. */
export async function callbackBody(media: Pick<Media, 'addresses'>, state: Ended): Promise<string> {
  const { jobId, job, occurredAt: createdAt } = state.facts
  const isCompleted = state.status === 'completed'
  const files = isCompleted ? await shownFiles(media, jobId, state.result.files) : null
  const charged = isCompleted ? BigInt(state.result.chargedMicros) : 0n
  return JSON.stringify({
    event: isCompleted ? 'media.job.completed' : 'media.job.failed',
    ...{ externalJobId: jobId, task: job.task, status: state.status },
    ...{ outputUrl: files?.[0]?.url ?? null, outputFiles: files },
    billing: { usdChargedMicros: numberOf(charged), usdCharged: usdText(charged) },
    error: isCompleted ? null : state.failure,
    ...{ createdAt, completedAt: state.endedAt },
  })
}

const isTaken = (answer: WebhookAnswer) => answer.kind === 'answered' && answer.status >= 200 && answer.status < 300

const reasonOf = (answer: WebhookAnswer): string =>
  answer.kind === 'answered' ? `it was answered with ${answer.status}` : answer.errorClass

export function createCallbacks({
  media,
  keys,
  log,
  now = () => new Date(),
}: Pick<Options, 'media' | 'keys' | 'log' | 'now'>): DueWork<DueItem> {
  const { bus, limits, outbound } = media

  async function attempt(id: string, signal: AbortSignal): Promise<void> {
    const [state, job] = await Promise.all([bus.current(callback, id), bus.current(mediaJob, id)])
    if (state.status !== 'pending' || !isEnded(job) || state.nextAttemptAt > now().toISOString()) return
    const { url, jobId } = state.facts
    const body = await callbackBody(media, job)
    const headers = {
      ...{ 'content-type': 'application/json', 'user-agent': 'killatamata-callbacks/1' },
      ...(await keys.sign(`msg_${jobId}`, Math.floor(now().getTime() / 1_000), body)),
    }
    const bounds = {
      ...{ timeoutMs: limits.CALLBACK_TIMEOUT_MS, excerptMaxBytes: EXCERPT_MAX_BYTES },
      allowLoopback: mayLoopback(outbound, url),
    }
    const answer = await sendWebhook({ url, headers, body }, bounds, outbound.resolve, signal)
    if (answer.kind === 'failed' && answer.errorClass === 'interrupted') return
    const at = now().toISOString()
    const context = systemContext(CALLBACKS, randomUUID(), at)
    if (answer.kind === 'answered' && isTaken(answer)) {
      return void (await bus.handle(callback, id, { kind: 'delivered', status: answer.status, at }, context))
    }
    const failed = { kind: 'failed' as const, status: answer.status, reason: reasonOf(answer), at }
    await bus.handle(callback, id, { ...failed, waitsMs: limits.CALLBACK_RETRY_WAITS_MS }, context)
  }

  return createDueWork<DueItem>({
    ...{ name: 'callbacks of media jobs', log, now },
    limits: {
      ...{ concurrencyMax: limits.CALLBACK_CONCURRENCY_MAX, keyConcurrencyMax: limits.CALLBACK_PER_HOST_MAX },
      ...{ keyQueueMax: limits.CALLBACK_BATCH_MAX, batchMax: limits.CALLBACK_BATCH_MAX, drainMs: DRAIN_MS },
      ...{ pollIntervalMs: limits.CALLBACK_POLL_INTERVAL_MS, retryMinMs: RETRY_MIN_MS, retryMaxMs: RETRY_MAX_MS },
    },
    async findDue({ now: time, keyMax, limit }) {
      const found = await findDueCallbacks(media.db, time.toISOString(), keyMax, limit)
      return found.map(({ request_id: id, host: key }) => ({ id, key }))
    },
    work: ({ id }, signal) => attempt(id, signal),
  })
}

/** Runs until `signal` aborts; stands by while another process leads. */
export function runCallbacks(options: Options): Promise<void> {
  const { media, keys, log, now = () => new Date(), ...dependencies } = options
  const sending = createCallbacks({ media, keys, log, now })
  const handle = async (events: Delivered[]) => {
    for (const event of events) {
      if (isPoison(event)) {
        const { id, stream, type, fault } = event
        log.error({ eventId: id, stream, type, fault }, 'an event about a callback does not decode')
      } else {
        const { data } = event as Recorded<Extract<CallbackEvent, { type: typeof REQUESTED }>>
        sending.offer({ id: data.requestId, key: data.host })
      }
    }
  }
  const background = (signal: AbortSignal) => [sending.run(signal)]
  return runProcess({ name: CALLBACKS, types: [REQUESTED], handle, background }, { ...dependencies, log, now })
}
