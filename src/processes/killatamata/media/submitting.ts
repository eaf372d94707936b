/**
 * Asks for jobs: first their money is held, then each job is in the log. A hold whose job did not come is found by the same request
 * sent again, or given back by the sweep, which first writes that no such job will ever come.
 */
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext, Handled } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { holdIdOf, mediaJobIdOf } from '../../../commands/killatamata/ids.ts'
import { type MediaJobFacts, type MediaJobState, mediaJob } from '../../../commands/killatamata/media-job.ts'
import { Rejected } from '../../../commands/killatamata/rejection.ts'
import type { MediaJobEvent, PreparedJob } from '../../../events/killatamata/media.ts'
import type { Media } from './parts.ts'

type Parts = Pick<Media, 'bus' | 'ledgers' | 'limits'>

export interface SubmittedJob {
  /** As the job was asked for, now or at the first time. */
  facts: MediaJobFacts
  handled: { position: bigint | undefined; replayed: boolean }
}

export interface JobOrder {
  /** Of this job and no other: a repeat has the same (`mediaRequestIdOf`). */
  requestId: string
  job: PreparedJob
}

const factsOf = (
  { limits }: Parts,
  accountId: string,
  { requestId, job }: JobOrder,
  { jobId, availableMicros }: { jobId: string; availableMicros: bigint },
  at: string,
): MediaJobFacts => ({
  ...{ accountId, requestId, jobId, holdId: holdIdOf(requestId), job, availableMicros: String(availableMicros) },
  deadlineAt: new Date(Date.parse(at) + limits.MEDIA_JOB_DEADLINE_MS).toISOString(),
  occurredAt: at,
})

const newHold = ({ requestId, job }: JobOrder, at: string) => ({
  ...{ holdId: holdIdOf(requestId), jobId: mediaJobIdOf(at, requestId), usdMicros: BigInt(job.holdUsdMicros) },
})

const stepOf = (context: CommandContext, step: string, requestId: string): CommandContext =>
  stepContext(context, deterministicId('killatamata.media', step, requestId))

function asked({ state, position, replayed }: Handled<MediaJobState, MediaJobEvent>): SubmittedJob {
  if (!('facts' in state)) throw new Error('a job was neither asked for nor refused')
  return { facts: state.facts, handled: { position, replayed } }
}

/**
 * One job of a request. `prepare` is called where the request is new; a repeat is answered out of the log, whatever became of its
 * inputs. Throws Rejected: insufficient_balance, job_abandoned, and what `prepare` throws.
 */
export async function submitJob(
  parts: Parts,
  accountId: string,
  requestId: string,
  prepare: () => Promise<PreparedJob>,
  context: CommandContext,
): Promise<SubmittedJob> {
  const { bus, ledgers } = parts
  const { at } = context
  const known = context.fingerprint === undefined ? undefined : await bus.current(mediaJob, requestId)
  if (known?.status === 'abandoned') throw abandoned()
  if (known && 'facts' in known) {
    return asked(await bus.handle(mediaJob, requestId, { kind: 'request', facts: known.facts }, context))
  }
  const order = { requestId, job: await prepare() }
  const command = {
    kind: 'request' as const,
    facts: factsOf(parts, accountId, order, { jobId: '', availableMicros: 0n }, at),
  }
  const handled = await bus.handle(mediaJob, requestId, command, context, async () => {
    const held = await ledgers.hold(accountId, [newHold(order, at)], stepOf(context, 'hold', requestId))
    const [jobId = ''] = held.jobIds
    command.facts = factsOf(parts, accountId, order, { jobId, availableMicros: held.availableMicros }, at)
  })
  return asked(handled)
}

const abandoned = () =>
  new Rejected('job_abandoned', 'The request was given up, and its money given back: send it under a new key.')

/**
 * Submits these jobs for this account: all of them or none. The holds are placed in one decision of the ledger, so that a balance
 * that is short by one micro-dollar holds nothing. Called again with the same request ids it answers with the same jobs, once
 * charged, also after a crash in the middle; a caller that may not come again leaves holds that the sweep gives back after
 * MEDIA_HOLD_GRACE_MS. Jobs come from `prepareJob`, now or long ago: they run as they stand, at the price that they have.
 *
 * `requestId` of each follows from what the caller decided on and the job's place in it: `mediaRequestIdOf(\`${planId} ${index}\`)`.
 * Answers in the order of `orders`. Throws Rejected: insufficient_balance, job_abandoned.
 */
export async function submitJobs(
  parts: Parts,
  accountId: string,
  orders: readonly JobOrder[],
  context: CommandContext,
): Promise<SubmittedJob[]> {
  const { bus, ledgers } = parts
  const { at } = context
  const states = await Promise.all(orders.map(({ requestId }) => bus.current(mediaJob, requestId)))
  if (states.some(({ status }) => status === 'abandoned')) throw abandoned()
  const missing = orders.filter((_, index) => states[index]?.status === 'absent')
  const [first] = missing
  const held =
    first &&
    (await ledgers.hold(
      accountId,
      missing.map((order) => newHold(order, at)),
      stepOf(context, 'hold', first.requestId),
    ))
  const submitted: SubmittedJob[] = []
  for (const [index, order] of orders.entries()) {
    const { requestId } = order
    const state = states[index]
    const jobId = held?.jobIds[missing.indexOf(order)] ?? ''
    const facts =
      state && 'facts' in state
        ? state.facts
        : factsOf(parts, accountId, order, { jobId, availableMicros: held?.availableMicros ?? 0n }, at)
    const step = stepOf(context, 'request', requestId)
    submitted.push(asked(await bus.handle(mediaJob, requestId, { kind: 'request', facts }, step)))
  }
  return submitted
}
