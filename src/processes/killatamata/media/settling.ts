/**
 * What follows from a job's end: its hold is captured or given back, and its callback is asked for. Each step may be done again, by the
 * runner, by the event and by the sweep: it has one effect.
 */
import { stepContext } from '../../../commands/context.ts'
import type { CommandContext } from '../../../commands/handle.ts'
import { deterministicId } from '../../../commands/identity.ts'
import { callback } from '../../../commands/killatamata/callback.ts'
import { isRunning, mediaJob } from '../../../commands/killatamata/media-job.ts'
import type { Media } from './parts.ts'

type Parts = Pick<Media, 'bus' | 'ledgers'>

const stepOf = (context: CommandContext, step: string, requestId: string): CommandContext =>
  stepContext(context, deterministicId('killatamata.media', step, requestId))

/** Without effect while the job runs. */
export async function settleJob({ bus, ledgers }: Parts, requestId: string, context: CommandContext): Promise<void> {
  const state = await bus.current(mediaJob, requestId)
  if (!('facts' in state) || isRunning(state)) return
  const { accountId, holdId, jobId, job } = state.facts
  if (state.status === 'completed') {
    const charged = BigInt(state.result.chargedMicros)
    await ledgers.capture(accountId, holdId, charged, stepOf(context, 'capture', requestId))
  } else {
    await ledgers.release(accountId, holdId, 'job_failed', stepOf(context, 'release', requestId))
  }
  const { callbackUrl: url } = job
  if (url === null) return
  const facts = { accountId, requestId, jobId, url, host: new URL(url).host, occurredAt: context.at }
  await bus.handle(callback, requestId, { kind: 'request', facts }, stepOf(context, 'callback', requestId))
}

/** Gives back a hold that has no job: first the log says that none will ever come. */
export async function abandonHold(
  { bus, ledgers }: Parts,
  hold: { accountId: string; holdId: string; requestId: string; jobId: string },
  context: CommandContext,
): Promise<void> {
  const { accountId, holdId, requestId, jobId } = hold
  const command = { kind: 'abandon', accountId, requestId, jobId, at: context.at } as const
  const { state } = await bus.handle(mediaJob, requestId, command, stepOf(context, 'abandon', requestId))
  // It has come after all.
  if (state.status !== 'abandoned') return
  await ledgers.release(accountId, holdId, 'job_abandoned', stepOf(context, 'release', requestId))
}
